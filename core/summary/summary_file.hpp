#pragma once
#include <string>
#include <vector>

#include "core/summary/count_summary.hpp"

namespace scriptorium::summary {

/// Where counts of a summary came from: one file of a shard, with what was done to it on the way.
struct Source {
  std::string path, layer;
  std::string missing;        ///< leave-out, zero or full-genes
  std::string filter;         ///< as the command line writes it; may be empty
  std::int64_t n_cells = 0;   ///< that it gave
  bool genes_chosen = false;  ///< some of its genes were left out, though they may have been measured
  bool operator==(const Source&) const = default;
};

/// A summary with all that a fit says of its data: what `summarise` writes and `fit` takes instead of counts.
struct NamedSummary {
  CountSummary summary;
  std::vector<std::string> genes, cells;  ///< names, in the order of the summary
  std::string data_id;                    ///< data::data_identity of all the counts
  std::vector<Source> sources;
};

/// Written aside, then renamed. @throws Error(Io) that names the path and the reason; the old file stays as it was.
void save_summary(const NamedSummary& summary, const std::string& path);
/// @throws Error when `path` is no summary, is damaged, or comes from a newer version.
NamedSummary load_summary(const std::string& path);
/// Whether a file says of itself that it is a summary.
bool is_summary_file(const std::string& path);

/// The summary of the cells of all parts, in their order: the same, to the last bit, as the summary of one data set
/// that holds them all. Genes are brought together by name, in the order in which they first come; a gene that a part
/// does not have was not measured in its cells.
/// @throws Error(BadInput) when a cell comes twice, when genes differ though some were left out of a part by choice, or
/// when there are more cells or labels than can be counted
NamedSummary merge(const std::vector<NamedSummary>& parts, const RunControl& control);

}  // namespace scriptorium::summary
