#include "core/data/count_sink.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace scriptorium::data {
namespace {
constexpr std::uint32_t left_out = ~0U;
}

void MatrixSink::begin(const Table& cells, const Table& genes) {
  const std::lock_guard lock(mutex_);
  n_cells_ = static_cast<std::int64_t>(cells.size());
  n_genes_ = static_cast<std::int64_t>(genes.size());
  major_ = Major::Cell;
  matrix_ = {};
  early_.clear();
}

void MatrixSink::add(const CountBlock& block) {
  const std::lock_guard lock(mutex_);
  major_ = block.major;
  const std::int64_t rows = major_ == Major::Cell ? n_cells_ : n_genes_,
                     minors = major_ == Major::Cell ? n_genes_ : n_cells_;
  if (block.first < matrix_.n_cells || block.first + block.rows() > rows)
    throw Error(ErrorCode::BadInput,
                "Rows " + std::to_string(block.first) + " to " + std::to_string(block.first + block.rows()) +
                    " of a matrix came twice or lie outside it: it has " + std::to_string(rows),
                "Copy or download the file again.");
  for (const std::uint32_t minor : block.minor)
    if (minor >= minors)
      throw Error(ErrorCode::BadInput,
                  "Index " + std::to_string(minor) + " is out of range: there are " + std::to_string(minors),
                  "Copy or download the file again.");
  if (block.first > matrix_.n_cells) {
    early_[block.first] = {{block.row_start.begin(), block.row_start.end()},
                           {block.minor.begin(), block.minor.end()},
                           {block.count.begin(), block.count.end()}};
    return;
  }
  append(block.row_start, block.minor, block.count);
  for (auto next = early_.begin(); next != early_.end() && next->first == matrix_.n_cells; next = early_.erase(next))
    append(next->second.row_start, next->second.minor, next->second.count);
}

void MatrixSink::append(std::span<const std::int64_t> row_start, std::span<const std::uint32_t> minor,
                        std::span<const Count> count) {
  const std::int64_t offset = matrix_.nnz();
  matrix_.gene.insert(matrix_.gene.end(), minor.begin(), minor.end());
  matrix_.count.insert(matrix_.count.end(), count.begin(), count.end());
  for (std::size_t row = 1; row < row_start.size(); ++row) matrix_.row_start.push_back(offset + row_start[row]);
  matrix_.n_cells += static_cast<std::int64_t>(row_start.size()) - 1;
}

CountMatrix MatrixSink::finish() {
  for (const auto& [first, held] : early_) {  // what lies between never came: rows without counts
    matrix_.row_start.resize(static_cast<std::size_t>(first) + 1, matrix_.nnz());
    matrix_.n_cells = first;
    append(held.row_start, held.minor, held.count);
  }
  early_.clear();
  const bool by_cell = major_ == Major::Cell;
  matrix_.n_cells = by_cell ? n_cells_ : n_genes_;
  matrix_.n_genes = by_cell ? n_genes_ : n_cells_;
  matrix_.row_start.resize(static_cast<std::size_t>(matrix_.n_cells) + 1, matrix_.nnz());
  CountMatrix out = by_cell ? std::move(matrix_) : matrix_.transposed();
  matrix_ = {};
  return out;
}

std::uint32_t Selection::Axis::to(std::size_t old) const {
  return kept.empty() ? static_cast<std::uint32_t>(old) : new_index.at(old);
}

Table Selection::Axis::begin(const Table& all) {
  if (kept.empty()) return all;
  new_index.assign(all.size(), left_out);
  for (std::size_t i = 0; i < kept.size(); ++i)
    new_index[static_cast<std::size_t>(kept[i])] = static_cast<std::uint32_t>(i);
  return all.select(kept);
}

Selection::Selection(CountSink& next, const std::vector<std::int64_t>& kept_cells,
                     const std::vector<std::int64_t>& kept_genes)
    : next_(next), cells_{kept_cells, {}}, genes_{kept_genes, {}} {}

void Selection::begin(const Table& cells, const Table& genes) {
  const Table kept_cells = cells_.begin(cells), kept_genes = genes_.begin(genes);
  next_.begin(kept_cells, kept_genes);
}

void Selection::add(const CountBlock& block) {
  const Axis& major = block.major == Major::Cell ? cells_ : genes_;
  const Axis& minors = block.major == Major::Cell ? genes_ : cells_;
  std::vector<std::int64_t> start{0};
  std::vector<std::uint32_t> minor;
  std::vector<Count> count;
  std::int64_t first = -1;
  for (std::int64_t row = 0; row < block.rows(); ++row) {  // rows that follow one another and are kept still do
    const std::uint32_t to = major.to(static_cast<std::size_t>(block.first + row));
    if (to == left_out) continue;
    if (first < 0) first = to;
    for (auto k = static_cast<std::size_t>(block.row_start[row]);
         k < static_cast<std::size_t>(block.row_start[row + 1]); ++k)
      if (const std::uint32_t at = minors.to(block.minor[k]); at != left_out) {
        minor.push_back(at);
        count.push_back(block.count[k]);
      }
    start.push_back(static_cast<std::int64_t>(count.size()));
  }
  if (first >= 0) next_.add({block.major, first, start, minor, count});
}

CountSource source_of(const CountMatrix& counts) {
  return [&counts](CountSink& sink) {
    constexpr std::int64_t cells_at_once = 256;
    std::vector<std::int64_t> scratch;
    for (std::int64_t first = 0; first < counts.n_cells; first += cells_at_once)
      sink.add(counts.block(first, std::min(counts.n_cells, first + cells_at_once), scratch));
  };
}

}  // namespace scriptorium::data
