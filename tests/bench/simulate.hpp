#pragma once
#include "core/data/count_matrix.hpp"

/// Overdispersed counts of `cells` × `genes`, about as sparse as real ones; the same each time.
scriptorium::data::CountMatrix simulate(std::int64_t cells, std::int64_t genes);
