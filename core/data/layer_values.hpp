#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.hpp"

namespace scriptorium::data {

/// A layer of real numbers beside the counts (dense or sparse, of an h5ad), for the cells and genes of a data set that
/// was read from the same file, in their order: cells × genes, row-major, NaN as it stands there.
/// @param layer   "X", or the name of a layer with or without "layers/"
/// @param remedy  what to do where the file has none of this name; the layers that there are stand behind it
/// @throws Error(BadInput) when there is no such layer, it is no matrix of numbers, or lacks one of the genes;
/// Cancelled
std::vector<double> layer_values(const Dataset& dataset, const std::string& layer, const std::string& remedy,
                                 const RunControl& control = {});

}  // namespace scriptorium::data
