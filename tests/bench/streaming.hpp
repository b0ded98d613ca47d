#pragma once
#include <cstdint>
#include <vector>

/// What a fit of counts that pass by costs, by number of cells: time of the summary, of an evaluation and of the fit of
/// nbvcp, and peak memory, each in a process of its own. Prints a table.
void stream_cells(const std::vector<std::int64_t>& cells, std::int64_t genes, int threads);
