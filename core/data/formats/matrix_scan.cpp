#include "core/data/formats/matrix_scan.hpp"

#include <algorithm>

#include "core/compute/parallel.hpp"
#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/names.hpp"
#include "core/data/formats/row_entries.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

constexpr std::int64_t block_values = 1 << 19;   ///< about 10 ms of inflating: between two looks at the stop token
constexpr std::int64_t thread_values = 1 << 22;  ///< for one thread at a time, of an array that several may read
constexpr std::int64_t sample_blocks = 8;        ///< of a matrix that is only judged

[[noreturn]] void damaged(const Tree& file, const Place& place, const std::string& what) {
  throw Error(ErrorCode::BadInput, "`" + place.layer + "` of " + file.name() + " " + what,
              "Copy or download the file again, or write it anew with the program that made it.");
}

/// Offsets of the rows of a sparse matrix, checked to be a partition of its stored values.
std::vector<std::int64_t> read_offsets(const Tree& file, const Place& place, std::int64_t stored) {
  auto offsets = file.array(place.path + "/indptr")->read_all<std::int64_t>();
  if (offsets.empty()) damaged(file, place, "has an empty indptr");
  if (offsets.front() != 0 || offsets.back() != stored)
    damaged(file, place,
            "has an indptr from " + std::to_string(offsets.front()) + " to " + std::to_string(offsets.back()) +
                " for " + std::to_string(stored) + " stored values");
  for (std::size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] < offsets[i - 1]) damaged(file, place, "has an indptr that falls at entry " + std::to_string(i));
  return offsets;
}

/// Rows to read at a time: whole chunks where that is not too many.
std::int64_t aligned_block(std::int64_t chunk_rows, std::int64_t row_values) {
  const std::int64_t rows = std::max<std::int64_t>(block_values / row_values, 1);
  if (chunk_rows <= 0 || chunk_rows >= rows) return rows;
  return rows / chunk_rows * chunk_rows;
}

/// From one block to the next: all of them, or a sample.
std::int64_t stride(const MatrixReading& reading, std::int64_t block, std::int64_t all) {
  return reading.counts() ? block : std::max(block, all / sample_blocks / block * block);
}

/// Reads one sparse matrix. Value is double for floating-point storage, std::int64_t for integers.
template <class Value>
class SparseScan {
 public:
  SparseScan(const Tree& file, const Place& place, MatrixReading& reading)
      : file_(file),
        place_(place),
        reading_(reading),
        major_(place.layout == Layout::GeneMajor ? Major::Gene : Major::Cell),
        minors_(reading.size(major_ == Major::Gene ? Major::Cell : Major::Gene)),
        data_(file.array(place.path + "/data")),
        indices_(file.array(place.path + "/indices")),
        offsets_(read_offsets(file, place, data_->size())) {}

  void run() {
    if (!reading_.counts() || !data_->is_concurrent()) return rows(0, offsets_.size() - 1);
    std::vector<std::size_t> cuts{0};  // rows, so that a thread has enough values at a time
    for (std::size_t row = 1; row < offsets_.size(); ++row)
      if (offsets_[row] - offsets_[cuts.back()] >= thread_values || row + 1 == offsets_.size()) cuts.push_back(row);
    compute::for_each_in_order(static_cast<std::int64_t>(cuts.size()) - 1, 0, [&](std::int64_t i) {
      const auto k = static_cast<std::size_t>(i);
      if (!reading_.refused()) rows(cuts[k], cuts[k + 1]);
    });
  }

 private:
  /// Rows [first_row, last_row), and all of their entries.
  void rows(std::size_t first_row, std::size_t last_row) {
    CountBuilder builder(reading_.counts(), major_, static_cast<std::int64_t>(first_row));
    std::vector<std::uint32_t> lacking;  // minors of the row in progress
    std::size_t row = first_row;
    const auto close_rows = [&](std::int64_t position) {
      for (; row < last_row && offsets_[row + 1] <= position; ++row) {
        builder.end_row();
        std::sort(lacking.begin(), lacking.end());
        reading_.add_missing(major_, static_cast<std::int64_t>(row), lacking);
        lacking.clear();
      }
    };
    const std::int64_t end = offsets_[last_row], block = aligned_block(data_->chunk_rows(), 1);
    for (std::int64_t first = offsets_[first_row]; first < end; first += stride(reading_, block, end)) {
      reading_.step(first, data_->size(), "values");
      const std::int64_t n = std::min(block, end - first);
      const std::vector<Value> values = data_->read<Value>(first, n);
      if (const auto fault = std::find_if(values.begin(), values.end(), is_fault); fault != values.end()) {
        const std::int64_t position = first + (fault - values.begin());
        return reading_.refuse(major_,
                               std::upper_bound(offsets_.begin(), offsets_.end(), position) - offsets_.begin() - 1,
                               indices_->read<std::int64_t>(position, 1).front(), *fault);
      }
      if (!reading_.counts()) continue;
      const std::vector<std::int64_t> minor = indices_->read<std::int64_t>(first, n);
      for (std::int64_t i = 0; i < n; ++i) {
        close_rows(first + i);
        if (minor[i] < 0 || minor[i] >= minors_)
          damaged(file_, place_,
                  "has the " + std::string(major_ == Major::Gene ? "cell" : "gene") + " index " +
                      std::to_string(minor[i]) + " out of range: there are " + std::to_string(minors_));
        if (is_missing_mark(values[i]))
          lacking.push_back(static_cast<std::uint32_t>(minor[i]));
        else
          builder.add(static_cast<std::uint32_t>(minor[i]), static_cast<Count>(values[i]));
      }
    }
    close_rows(end);
    reading_.add_merged(builder.finish());
  }

  static bool is_fault(Value value) { return !is_missing_mark(value) && judge(value) != Fault::None; }

  const Tree& file_;
  const Place& place_;
  MatrixReading& reading_;
  const Major major_;
  const std::int64_t minors_;
  const std::unique_ptr<Array> data_, indices_;
  const std::vector<std::int64_t> offsets_;
};

template <class Value>
void scan_rows(const Array& data, MatrixReading& reading, Major major) {
  CountBuilder builder(reading.counts(), major);
  RowEntries entries;
  const std::int64_t rows = data.shape()[0], columns = data.shape()[1];
  const std::int64_t block = aligned_block(data.chunk_rows(), std::max<std::int64_t>(columns, 1));
  for (std::int64_t first = 0; first < rows; first += stride(reading, block, rows)) {
    reading.step(first, rows, major == Major::Cell ? "cells" : "genes");
    const std::int64_t n = std::min(block, rows - first);
    const std::vector<Value> values = data.read<Value>(first, n);
    for (std::int64_t row = first; row < first + n; ++row) {
      const std::span<const Value> of_row(values.data() + (row - first) * columns, static_cast<std::size_t>(columns));
      entries.clear();
      if (const auto fault = entries.take(of_row, 0))
        return reading.refuse(major, row, static_cast<std::int64_t>(*fault), of_row[*fault]);
      if (!reading.counts()) continue;
      for (std::size_t i = 0; i < entries.minor().size(); ++i) builder.add(entries.minor()[i], entries.count()[i]);
      builder.end_row();
      reading.add_missing(major, row, entries.missing());
    }
  }
  reading.add_merged(builder.finish());
}

}  // namespace

void Array::scan(MatrixReading& reading, Major rows) const {
  if (is_float())
    scan_rows<double>(*this, reading, rows);
  else
    scan_rows<std::int64_t>(*this, reading, rows);
}

LayerInfo describe(const Tree& file, const Place& place, const Names& names) {
  LayerInfo info;
  info.path = place.layer;
  info.n_cells = static_cast<std::int64_t>(names.cells.size());
  info.n_genes = static_cast<std::int64_t>(names.genes.size());
  std::vector<std::int64_t> shape = place.stated_shape;
  if (place.layout == Layout::Dense) {
    const std::unique_ptr<Array> data = file.array(place.path);
    info.encoding = "dense";
    info.dtype = data->dtype();
    info.stored = data->size();
    shape = data->shape();
    if (shape.size() != 2)
      damaged(file, place, "has " + std::to_string(shape.size()) + " dimensions where 2 are needed");
    if (place.rows == Major::Gene) std::swap(shape[0], shape[1]);
  } else {
    const std::unique_ptr<Array> data = file.array(place.path + "/data"), indices = file.array(place.path + "/indices"),
                                 indptr = file.array(place.path + "/indptr");
    info.encoding = place.layout == Layout::CellMajor ? "csr" : "csc";
    info.dtype = data->dtype();
    info.stored = data->size();
    if (data->shape().size() != 1 || indices->shape().size() != 1 || indptr->shape().size() != 1)
      damaged(file, place, "has data, indices or indptr that are no lists");
    if (indices->size() != data->size())
      damaged(file, place, "has " + grouped(data->size()) + " values but " + grouped(indices->size()) + " indices");
    const std::int64_t majors = place.layout == Layout::CellMajor ? info.n_cells : info.n_genes;
    if (indptr->size() != majors + 1)
      damaged(file, place,
              "has " + grouped(indptr->size() - 1) + (place.layout == Layout::CellMajor ? " cells" : " genes") +
                  " by its indptr but " + grouped(majors) + " names");
  }
  if (!shape.empty() && (shape.size() != 2 || shape[0] != info.n_cells || shape[1] != info.n_genes))
    damaged(file, place,
            "is " + grouped(shape[0]) + (shape.size() == 2 ? " × " + grouped(shape[1]) : "") + " but the file names " +
                grouped(info.n_cells) + " cells and " + grouped(info.n_genes) + " genes");
  return info;
}

Scanned scan(const Tree& file, const Place& place, const Names& names, LayerInfo& info, CountSink* counts, Span span,
             const RunControl& control) {
  const std::unique_ptr<Array> data = file.array(place.layout == Layout::Dense ? place.path : place.path + "/data");
  if (!data->is_float() && !data->is_integer()) {
    info.why_not = "holds " + data->dtype() + " where numbers are needed";
    return {};
  }
  MatrixReading reading(place.layer, names, info, counts, span, control);
  if (place.layout == Layout::Dense)
    data->scan(reading, place.rows);
  else if (data->is_float())
    SparseScan<double>(file, place, reading).run();
  else
    SparseScan<std::int64_t>(file, place, reading).run();
  return reading.finish(data->is_float());
}

}  // namespace scriptorium::data
