#include "core/data/formats/hdf5_matrix.hpp"

#include <algorithm>

#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/missing_builder.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::hdf5 {
namespace {

constexpr std::int64_t block_values = 1 << 19;  ///< about 10 ms of inflating: between two looks at the stop token
constexpr std::int64_t sample_blocks = 8;       ///< of a matrix that is only judged

[[noreturn]] void damaged(const File& file, const Place& place, const std::string& what) {
  throw Error(ErrorCode::BadInput, "`" + place.layer + "` of " + file.name() + " " + what,
              "Copy or download the file again, or write it anew with the program that made it.");
}

bool is_dense(Layout layout) {
  return layout == Layout::Dense || layout == Layout::DenseGenes;
}

/// Offsets of the majors of a sparse matrix, checked to be a partition of its stored values.
std::vector<std::int64_t> read_offsets(const File& file, const Place& place, std::int64_t stored) {
  auto offsets = Dataset(file, place.path + "/indptr").read_all<std::int64_t>();
  if (offsets.empty()) damaged(file, place, "has an empty indptr");
  if (offsets.front() != 0 || offsets.back() != stored)
    damaged(file, place,
            "has an indptr from " + std::to_string(offsets.front()) + " to " + std::to_string(offsets.back()) +
                " for " + std::to_string(stored) + " stored values");
  for (std::size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] < offsets[i - 1]) damaged(file, place, "has an indptr that falls at entry " + std::to_string(i));
  return offsets;
}

/// Reads one matrix, judging on the way. Value is double for floating-point storage, std::int64_t for integers.
template <class Value>
class Scan {
 public:
  Scan(const File& file, const Place& place, const Names& names, LayerInfo& info, CountSink* counts, Span span,
       const RunControl& control)
      : file_(file),
        place_(place),
        names_(names),
        info_(info),
        counts_(counts),
        span_(span),
        control_(control),
        missing_(info.n_cells) {}

  Scanned run() {
    info_.is_counts = true;
    Scanned out;
    if (is_dense(place_.layout))
      dense(out);
    else
      sparse(out);
    MissingBuilder::Stray stray;
    if (info_.is_counts && counts_) {
      if (auto missing = missing_.finish(stray))
        out.missing = std::move(*missing);
      else
        refuse(stray.cell, stray.gene, missing_mark());
    }
    if (!out.missing.none()) out.notes.push_back("`" + place_.layer + "`: " + describe_missing(out.missing) + ".");
    return out;
  }

 private:
  void sparse(Scanned& out) {
    const Dataset data(file_, place_.path + "/data"), indices(file_, place_.path + "/indices");
    const std::vector<std::int64_t> offsets = read_offsets(file_, place_, data.size());
    const bool by_gene = place_.layout == Layout::GeneMajor;
    const std::int64_t minors = by_gene ? info_.n_cells : info_.n_genes;
    CountBuilder builder(counts_, by_gene ? Major::Gene : Major::Cell);
    std::vector<std::uint32_t> lacking;  // minors of the row in progress
    std::int64_t major = 0;
    const auto close_rows = [&](std::int64_t position) {
      for (; major + 1 < static_cast<std::int64_t>(offsets.size()) && offsets[major + 1] <= position; ++major) {
        builder.end_row();
        if (lacking.empty()) continue;
        std::sort(lacking.begin(), lacking.end());
        if (by_gene)
          missing_.add_gene(static_cast<std::uint32_t>(major), lacking);
        else
          missing_.add_cell(major, lacking);
        lacking.clear();
      }
    };
    const std::int64_t block = aligned_block(data.chunk_rows(), 1);
    for (std::int64_t first = 0; first < data.size(); first += stride(block, data.size())) {
      step(first, data.size(), "values");
      const std::int64_t n = std::min(block, data.size() - first);
      const std::vector<Value> values = data.read<Value>(first, n);
      if (const auto fault = std::find_if(values.begin(), values.end(), is_fault); fault != values.end()) {
        const std::int64_t position = first + (fault - values.begin());
        const std::int64_t row = std::upper_bound(offsets.begin(), offsets.end(), position) - offsets.begin() - 1;
        const std::int64_t minor = indices.read<std::int64_t>(position, 1).front();
        refuse(by_gene ? minor : row, by_gene ? row : minor, *fault);
        return;
      }
      if (!counts_) continue;
      const std::vector<std::int64_t> minor = indices.read<std::int64_t>(first, n);
      for (std::int64_t i = 0; i < n; ++i) {
        close_rows(first + i);
        if (minor[i] < 0 || minor[i] >= minors)
          damaged(file_, place_,
                  "has the " + std::string(by_gene ? "cell" : "gene") + " index " + std::to_string(minor[i]) +
                      " out of range: there are " + std::to_string(minors));
        if (is_missing_mark(values[i]))
          lacking.push_back(static_cast<std::uint32_t>(minor[i]));
        else
          builder.add(static_cast<std::uint32_t>(minor[i]), static_cast<Count>(values[i]));
      }
    }
    close_rows(data.size());
    note_merged(builder.finish(), out.notes);
  }

  void dense(Scanned& out) {
    const Dataset data(file_, place_.path);
    const bool by_gene = place_.layout == Layout::DenseGenes;
    const std::int64_t rows = by_gene ? info_.n_genes : info_.n_cells, minors = by_gene ? info_.n_cells : info_.n_genes;
    CountBuilder builder(counts_, by_gene ? Major::Gene : Major::Cell);
    std::vector<std::uint32_t> lacking;
    const std::int64_t block = aligned_block(data.chunk_rows(), std::max<std::int64_t>(minors, 1));
    for (std::int64_t first = 0; first < rows; first += stride(block, rows)) {
      step(first, rows, by_gene ? "genes" : "cells");
      const std::int64_t n = std::min(block, rows - first);
      const std::vector<Value> values = data.read<Value>(first, n);
      if (const auto fault = std::find_if(values.begin(), values.end(), is_fault); fault != values.end()) {
        const std::int64_t at = fault - values.begin(), row = first + at / minors, minor = at % minors;
        refuse(by_gene ? minor : row, by_gene ? row : minor, *fault);
        return;
      }
      if (!counts_) continue;
      for (std::int64_t i = 0, at = 0; i < n; ++i) {
        lacking.clear();
        for (std::int64_t minor = 0; minor < minors; ++minor, ++at)
          if (is_missing_mark(values[at]))
            lacking.push_back(static_cast<std::uint32_t>(minor));
          else
            builder.add(static_cast<std::uint32_t>(minor), static_cast<Count>(values[at]));
        builder.end_row();
        if (by_gene)
          missing_.add_gene(static_cast<std::uint32_t>(first + i), lacking);
        else
          missing_.add_cell(first + i, lacking);
      }
    }
    note_merged(builder.finish(), out.notes);
  }

  static bool is_fault(Value value) { return !is_missing_mark(value) && judge(value) != Fault::None; }
  static Value missing_mark() {
    if constexpr (std::is_same_v<Value, double>)
      return std::numeric_limits<double>::quiet_NaN();
    else
      return std::numeric_limits<std::int64_t>::min();
  }

  /// From one block to the next: all of them, or a sample.
  std::int64_t stride(std::int64_t block, std::int64_t all) const {
    return counts_ ? block : std::max(block, all / sample_blocks / block * block);
  }

  /// Rows to read at a time: whole chunks where that is not too many.
  static std::int64_t aligned_block(std::int64_t chunk_rows, std::int64_t row_values) {
    const std::int64_t rows = std::max<std::int64_t>(block_values / row_values, 1);
    if (chunk_rows <= 0 || chunk_rows >= rows) return rows;
    return rows / chunk_rows * chunk_rows;
  }

  void step(std::int64_t done, std::int64_t all, const char* what) const {
    control_.check();
    control_.tell(span_.from + (span_.to - span_.from) * static_cast<double>(done) / static_cast<double>(all),
                  "reading " + place_.layer + ": " + grouped(done) + " of " + grouped(all) + " " + what);
  }

  void refuse(std::int64_t cell, std::int64_t gene, Value value) {
    const auto name = [](const std::vector<std::string>& names, std::int64_t i) {
      return i >= 0 && i < static_cast<std::int64_t>(names.size()) ? names[i] : "number " + std::to_string(i + 1);
    };
    std::string text;
    if constexpr (std::is_same_v<Value, double>)
      text = number_text(value, info_.dtype == "float32");
    else
      text = std::to_string(value);
    info_.is_counts = false;
    info_.why_not = "holds " + text + " at cell " + name(names_.cells, cell) + ", gene " + name(names_.genes, gene) +
                    ", which is " + describe(judge(value));
  }

  const File& file_;
  const Place& place_;
  const Names& names_;
  LayerInfo& info_;
  CountSink* counts_;
  Span span_;
  const RunControl& control_;
  MissingBuilder missing_;
};

std::int64_t count_of(const std::vector<std::string>& names) {
  return static_cast<std::int64_t>(names.size());
}

}  // namespace

LayerInfo describe(const File& file, const Place& place, const Names& names) {
  LayerInfo info;
  info.path = place.layer;
  info.n_cells = count_of(names.cells);
  info.n_genes = count_of(names.genes);
  std::vector<std::int64_t> shape = place.stated_shape;
  if (is_dense(place.layout)) {
    const Dataset data(file, place.path);
    info.encoding = "dense";
    info.dtype = data.dtype();
    info.stored = data.size();
    shape = data.shape();
    if (shape.size() != 2)
      damaged(file, place, "has " + std::to_string(shape.size()) + " dimensions where 2 are needed");
    if (place.layout == Layout::DenseGenes) std::swap(shape[0], shape[1]);
  } else {
    const Dataset data(file, place.path + "/data"), indices(file, place.path + "/indices"),
        indptr(file, place.path + "/indptr");
    info.encoding = place.layout == Layout::CellMajor ? "csr" : "csc";
    info.dtype = data.dtype();
    info.stored = data.size();
    if (data.shape().size() != 1 || indices.shape().size() != 1 || indptr.shape().size() != 1)
      damaged(file, place, "has data, indices or indptr that are no lists");
    if (indices.size() != data.size())
      damaged(file, place, "has " + grouped(data.size()) + " values but " + grouped(indices.size()) + " indices");
    const std::int64_t majors = place.layout == Layout::CellMajor ? info.n_cells : info.n_genes;
    if (indptr.size() != majors + 1)
      damaged(file, place,
              "has " + grouped(indptr.size() - 1) + (place.layout == Layout::CellMajor ? " cells" : " genes") +
                  " by its indptr but " + grouped(majors) + " names");
  }
  if (!shape.empty() && (shape.size() != 2 || shape[0] != info.n_cells || shape[1] != info.n_genes))
    damaged(file, place,
            "is " + grouped(shape[0]) + (shape.size() == 2 ? " × " + grouped(shape[1]) : "") + " but the file names " +
                grouped(info.n_cells) + " cells and " + grouped(info.n_genes) + " genes");
  return info;
}

Scanned scan(const File& file, const Place& place, const Names& names, LayerInfo& info, CountSink* counts, Span span,
             const RunControl& control) {
  const Dataset data(file, is_dense(place.layout) ? place.path : place.path + "/data");
  if (data.is_float()) return Scan<double>(file, place, names, info, counts, span, control).run();
  if (data.is_integer()) return Scan<std::int64_t>(file, place, names, info, counts, span, control).run();
  info.why_not = "holds " + data.dtype() + " where numbers are needed";
  return {};
}

}  // namespace scriptorium::data::hdf5
