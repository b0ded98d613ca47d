#pragma once
#include "command.hpp"
#include "core/data/packed_dataset.hpp"
#include "core/summary/summary_file.hpp"

/// Counts as `fit` and `summarise` take them: one or several files of data, or of summaries.
namespace scriptorium::cli {

/// --genes, --cells and the least counts of cells and genes.
struct FilterWords {
  std::string genes, cells, cell_names;
  double min_counts_per_cell = 0, min_counts_per_gene = 0;
  std::int64_t min_genes_per_cell = 0, min_cells_per_gene = 0;
  void add_to(CLI::App& command);
  data::Filter filter() const;
};

/// --memory LIMIT: bytes that the program may take; 0: no limit was given.
struct MemoryLimit {
  std::uint64_t bytes = 0;
  void add_to(CLI::App& command);
  /// Where counts are set aside: a part of the limit, then a file beside `out`.
  data::PackedStorage storage(const std::string& out) const;
  /// @throws Error(OutOfMemory) when what the program has now and `further` bytes are more than the limit
  void check(double further, const std::string& what, const std::string& remedy) const;
};

/// "2G", "500M", "1.5 GiB", "800000000" in bytes. @throws Error(BadInput)
std::uint64_t bytes_of(const std::string& text);

struct CountsInput {
  std::vector<std::string> paths;
  data::OpenOptions open;
  data::Filter filter;
  bool suffix = false;  ///< cells get the number of their file, "-1", "-2", …, behind their name
  data::PackedStorage storage;
  int threads = 0;
};

/// The summary of all inputs, data and summary files; tells readers' notes of several files on standard error.
/// @throws Error, UsageError when the words do not go together with what the files are
summary::NamedSummary summarise(const CountsInput& input, const RunControl& control);
/// The summary of a data set that was read.
summary::NamedSummary summarise(const data::PackedDataset& data, const CountsInput& input, const RunControl& control);

}  // namespace scriptorium::cli
