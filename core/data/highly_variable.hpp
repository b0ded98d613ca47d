#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/data/count_sink.hpp"

namespace scriptorium::data {

/// Standardised variance of each gene, as Seurat v3 ranks genes (Stuart et al. 2019, Cell 177, 1888): the variance that
/// a local regression of log10 variance on log10 mean expects is taken out, and counts above mean + √n · sd are cut.
/// Genes without variance get 0. Fewer than two cells: all 0.
/// @param counts  of so many cells and genes; gone through twice
std::vector<double> standardised_variance(std::int64_t cells, std::int64_t genes, const CountSource& counts);

/// Local regression of degree 2 (Cleveland, Grosse and Shyu 1992): tricube weights on the nearest `span` of the points,
/// computed at the vertices of a k-d tree whose cells hold a fifth of that, cubic blending in between.
/// @param x, y points, any order, at least one; @returns the fit at each x
std::vector<double> local_regression(std::span<const double> x, std::span<const double> y, double span);

}  // namespace scriptorium::data
