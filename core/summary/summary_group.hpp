#pragma once
#include "core/storage/hdf5_tree.hpp"
#include "core/summary/count_summary.hpp"

namespace scriptorium::summary {

/// A summary as the group `summary` of a file of ours: a fit, or a summary file.
void write_summary(hid_t file, const CountSummary& summary);
/// Takes the parts as they are. @throws Error or std::out_of_range when one is not there
CountSummary read_summary(hid_t file);
/// Whether its parts fit each other and so many genes and cells.
bool is_whole(const CountSummary& summary, std::size_t genes, std::size_t cells);

}  // namespace scriptorium::summary
