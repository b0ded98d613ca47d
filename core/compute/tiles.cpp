#include "core/compute/tiles.hpp"

#include <algorithm>

namespace scriptorium::compute {

Pieces cut_rows(const CsrView& rows, std::int64_t length) {
  Pieces pieces;
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    const std::int64_t end = rows.row_start[row + 1] - rows.row_start[0];
    for (auto begin = rows.row_start[row] - rows.row_start[0]; begin < end; begin += length) {
      pieces.start.push_back(std::min(begin + length, end));
      pieces.row.push_back(row);
    }
  }
  return pieces;
}

std::vector<Tile> cut_tiles(const std::vector<std::int64_t>& upto, double bytes_per_entry, double bytes_per_item,
                            double budget, double most_entries) {
  std::vector<Tile> tiles;
  const auto items = static_cast<std::int64_t>(upto.size()) - 1;
  for (std::int64_t first = 0; first < items;) {
    const auto fits = [&](std::int64_t last) {
      const auto entries =
          static_cast<double>(upto[static_cast<std::size_t>(last)] - upto[static_cast<std::size_t>(first)]);
      return entries <= most_entries &&
             entries * bytes_per_entry + static_cast<double>(last - first) * bytes_per_item <= budget;
    };
    std::int64_t low = first + 1, high = items;  // the largest end that fits, or one item
    while (low < high) {
      const auto middle = low + (high - low + 1) / 2;
      if (fits(middle))
        low = middle;
      else
        high = middle - 1;
    }
    tiles.push_back({first, low});
    first = low;
  }
  return tiles;
}

}  // namespace scriptorium::compute
