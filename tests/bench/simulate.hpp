#pragma once
#include "core/data/count_matrix.hpp"

/// Overdispersed counts of `cells` × `genes`, about as sparse as real ones; the same each time. They are cells number
/// `first` and on of as many as one likes.
scriptorium::data::CountMatrix simulate(std::int64_t cells, std::int64_t genes, std::int64_t first = 0);
