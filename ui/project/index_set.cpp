#include "ui/project/index_set.hpp"

#include <algorithm>
#include <iterator>

namespace scriptorium::ui {

IndexSet united(const IndexSet& a, const IndexSet& b) {
  IndexSet out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

IndexSet common(const IndexSet& a, const IndexSet& b) {
  IndexSet out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

IndexSet without(const IndexSet& a, const IndexSet& b) {
  IndexSet out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

IndexSet inverted(const IndexSet& a, std::int64_t n) {
  IndexSet out;
  auto at = a.begin();
  for (std::int64_t i = 0; i < n; ++i) {
    if (at != a.end() && *at == i)
      ++at;
    else
      out.push_back(i);
  }
  return out;
}

IndexSet asIndexSet(std::vector<std::int64_t> rows, std::int64_t n) {
  std::erase_if(rows, [n](std::int64_t i) { return i < 0 || i >= n; });
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

std::vector<std::uint8_t> asFlags(const IndexSet& set, std::int64_t n) {
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(n), 0);
  for (const std::int64_t i : set) flags[static_cast<std::size_t>(i)] = 1;
  return flags;
}

IndexSet combined(const IndexSet& before, const IndexSet& chosen, Combine how) {
  switch (how) {
    case Combine::Add:
      return united(before, chosen);
    case Combine::Remove:
      return without(before, chosen);
    case Combine::Keep:
      return common(before, chosen);
    case Combine::Replace:
      break;
  }
  return chosen;
}

}  // namespace scriptorium::ui
