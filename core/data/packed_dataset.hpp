#pragma once
#include "core/data/filter.hpp"
#include "core/data/open.hpp"
#include "core/data/packed_counts.hpp"

namespace scriptorium::data {

/// A data set after its filter whose counts are not in memory as a matrix: its file was read once, and they lie packed.
class PackedDataset {
 public:
  /// As `open` and `apply` do one after the other: the same cells, genes, counts and missing entries.
  /// @throws Error as these
  PackedDataset(const std::string& path, const OpenOptions& options, const Filter& filter, PackedStorage storage,
                const RunControl& control);

  /// Tables, missing entries, embeddings and notes of what is kept; its `counts` stay empty.
  const Dataset& tables() const { return tables_; }
  /// One column more for the cells, in the order of tables(); takes the place of one of that name.
  void set_cell_column(Column column);
  /// Whether genes of the file were left out: by the filter, or because not every cell measured them.
  bool genes_chosen() const { return genes_chosen_; }
  /// Whether the file gave its counts by cell or by gene.
  Major major() const { return counts_->major(); }
  const PackedCounts& packed() const { return *counts_; }

  /// Begins the sink and sends it all counts that are kept, rows in order (with several threads: in any order).
  void send(CountSink& sink, int threads, const RunControl& control) const;
  /// Begins the sink and sends the counts cell by cell even where the file has them gene by gene: then so many entries
  /// at a time are turned round, in as many passes as that takes.
  void send_by_cell(CountSink& sink, const RunControl& control,
                    std::int64_t entries_at_once = std::int64_t{1} << 24) const;
  /// The same as often as asked, to sinks that have begun.
  CountSource source(const RunControl& control) const;
  /// The data set with its counts in memory.
  Dataset load(const RunControl& control) const;

 private:
  std::unique_ptr<PackedCounts> counts_;
  Dataset tables_;
  Table all_cells_, all_genes_;                        // names of the rows that were packed
  std::vector<std::int64_t> kept_cells_, kept_genes_;  // of them; empty: all
  bool genes_chosen_ = false;
};

}  // namespace scriptorium::data
