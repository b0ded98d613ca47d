#include "core/data/packed_dataset.hpp"

namespace scriptorium::data {
namespace {

/// Cells or genes that are kept of those kept before; both may be empty for all.
std::vector<std::int64_t> of_kept(const std::vector<std::int64_t>& before, const std::vector<std::int64_t>& now) {
  if (before.empty()) return now;
  std::vector<std::int64_t> out;
  for (const std::int64_t i : now) out.push_back(before[static_cast<std::size_t>(i)]);
  return out;
}

}  // namespace

PackedDataset::PackedDataset(const std::string& path, const OpenOptions& options, const Filter& filter,
                             PackedStorage storage, const RunControl& control)
    : counts_(std::make_unique<PackedCounts>(std::move(storage))), tables_(stream(path, options, *counts_, control)) {
  all_cells_.names = tables_.cells.names;
  all_genes_.names = tables_.genes.names;
  if (counts_->nnz() == 0) tables_.notes.push_back("All counts are zero.");
  kept_genes_ = settle_missing(tables_, options.missing);
  if (!kept_genes_.empty()) tables_ = tables_.select({}, kept_genes_);
  if (!filter.empty()) {
    control.tell(-1, "choosing cells and genes");
    const Kept kept = apply(filter, tables_, source(control));
    kept_cells_ = kept.cells;
    kept_genes_ = of_kept(kept_genes_, kept.genes);
    tables_ = tables_.select(kept.cells, kept.genes);
  }
  genes_chosen_ = tables_.genes.size() != all_genes_.size();
}

void PackedDataset::send(CountSink& sink, int threads, const RunControl& control) const {
  if (kept_cells_.empty() && kept_genes_.empty()) {
    sink.begin(tables_.cells, tables_.genes);
    return counts_->send(sink, threads, control);
  }
  Selection selection(sink, kept_cells_, kept_genes_);
  selection.begin(all_cells_, all_genes_);
  counts_->send(selection, threads, control);
}

void PackedDataset::send_by_cell(CountSink& sink, const RunControl& control, std::int64_t entries_at_once) const {
  if (major() == Major::Cell) return send(sink, 1, control);
  const std::size_t n_cells = tables_.cells.size();
  std::vector<std::int64_t> row_start(n_cells + 1, 0);
  for_each_entry(source(control), [&](std::size_t cell, std::size_t, Count) { ++row_start[cell + 1]; });
  for (std::size_t cell = 0; cell < n_cells; ++cell) row_start[cell + 1] += row_start[cell];
  sink.begin(tables_.cells, tables_.genes);
  for (std::size_t first = 0; first < n_cells;) {
    std::size_t last = first + 1;
    while (last < n_cells && row_start[last + 1] - row_start[first] <= entries_at_once) ++last;
    const std::int64_t offset = row_start[first];
    std::vector<std::int64_t> start, next;
    for (std::size_t cell = first; cell <= last; ++cell) start.push_back(row_start[cell] - offset);
    next = start;
    std::vector<std::uint32_t> minor(static_cast<std::size_t>(start.back()));
    std::vector<Count> counts(minor.size());
    for_each_entry(source(control), [&](std::size_t cell, std::size_t gene, Count count) {
      if (cell < first || cell >= last) return;
      const auto at = static_cast<std::size_t>(next[cell - first]++);
      minor[at] = static_cast<std::uint32_t>(gene);  // genes come in order, so each row is in order
      counts[at] = count;
    });
    sink.add({Major::Cell, static_cast<std::int64_t>(first), start, minor, counts});
    first = last;
  }
}

void PackedDataset::set_cell_column(Column column) {
  for (Column& old : tables_.cells.columns)
    if (old.name == column.name) {
      old = std::move(column);
      return;
    }
  tables_.cells.columns.push_back(std::move(column));
}

CountSource PackedDataset::source(const RunControl& control) const {
  return [this, &control](CountSink& sink) { send(sink, 1, control); };
}

Dataset PackedDataset::load(const RunControl& control) const {
  Dataset out = tables_;
  MatrixSink matrix;
  send(matrix, 1, control);
  out.counts = matrix.finish();
  return out;
}

}  // namespace scriptorium::data
