#pragma once
#include <cstdint>
#include <vector>

#include "core/compute/work.hpp"

/// How rows are cut for a device: into pieces (a thread's work), and pieces into tiles (what is on the device at once).
/// Pieces depend on the data only, so that sums do not depend on tiles.
namespace scriptorium::compute {

/// Piece i is the entries [start[i], start[i+1]) of row row[i]; rows without entries have none.
struct Pieces {
  std::vector<std::int64_t> start{0}, row;
  std::int64_t count() const { return static_cast<std::int64_t>(row.size()); }
};
Pieces cut_rows(const CsrView& rows, std::int64_t length);

/// Items [first, last).
struct Tile {
  std::int64_t first = 0, last = 0;
};
/// Cuts items 0 … sizes.size()−2 of cumulative size `upto` (entries) into consecutive tiles with
/// entries · bytes_per_entry + items · bytes_per_item ≤ budget and entries ≤ most_entries; an item alone may exceed
/// both.
std::vector<Tile> cut_tiles(const std::vector<std::int64_t>& upto, double bytes_per_entry, double bytes_per_item,
                            double budget, double most_entries);

}  // namespace scriptorium::compute
