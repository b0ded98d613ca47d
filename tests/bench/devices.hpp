#pragma once
#include "core/data/dataset.hpp"

/// Prints a table: seconds of each of a Backend's kernels on the CPU and on every GPU, and their ratio; where there is
/// no GPU, the CPU's seconds and why.
void compare_devices(const scriptorium::data::Dataset& dataset, int threads);
