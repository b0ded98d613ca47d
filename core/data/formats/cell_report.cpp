#include "core/data/formats/cell_report.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "core/data/formats/names.hpp"

namespace scriptorium::data {
namespace {

std::uint64_t hashed(std::uint32_t gene, Count count) {
  std::uint64_t x = (static_cast<std::uint64_t>(gene) << 32 | count) * 0x9E3779B97F4A7C15ULL;
  x = (x ^ x >> 32) * 0xD6E8FEB86659FD93ULL;
  return x ^ x >> 29;
}

}  // namespace

void CellReport::begin(const Table& cells, const Table& genes) {
  hash_.assign(cells.size(), 0);
  total_.assign(cells.size(), 0);
  next_.begin(cells, genes);
}

void CellReport::add(const CountBlock& block) {
  std::unique_lock<std::mutex> lock;
  if (block.major == Major::Gene) lock = std::unique_lock(mutex_);
  for (std::int64_t row = 0; row < block.rows(); ++row) {
    const auto at = static_cast<std::size_t>(block.first + row);
    for (auto k = static_cast<std::size_t>(block.row_start[row]);
         k < static_cast<std::size_t>(block.row_start[row + 1]); ++k) {
      const bool by_cell = block.major == Major::Cell;
      const std::size_t cell = by_cell ? at : block.minor[k];
      hash_[cell] += hashed(by_cell ? block.minor[k] : static_cast<std::uint32_t>(at), block.count[k]);
      total_[cell] += block.count[k];
    }
  }
  if (lock) lock.unlock();
  next_.add(block);
}

void CellReport::note_repeated(const std::vector<std::string>& names, std::vector<std::string>& notes) const {
  const auto of = [&](std::size_t cell) { return std::pair(hash_[cell], total_[cell]); };
  std::vector<std::size_t> order(hash_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return of(a) < of(b); });
  std::vector<std::size_t> repeated;          // cells with counts that an earlier one has too
  std::map<std::size_t, std::size_t> of_lag;  // how many of them follow their like by so many cells
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (of(order[i]) != of(order[i - 1]) || total_[order[i]] == 0) continue;
    repeated.push_back(order[i]);
    ++of_lag[order[i] - order[i - 1]];
  }
  if (repeated.empty()) return;
  const std::size_t lag = std::max_element(of_lag.begin(), of_lag.end(), [](const auto& a, const auto& b) {
                            return a.second < b.second;
                          })->first;
  std::size_t first = 0, length = 0, begin = lag;  // the longest run that repeats the cells `lag` before it
  for (std::size_t cell = lag; cell < hash_.size(); ++cell) {
    if (of(cell) != of(cell - lag)) begin = cell + 1;
    if (cell + 1 - begin > length) {
      first = begin;
      length = cell + 1 - begin;
    }
  }
  const auto alike = [](std::size_t n) {
    return grouped(static_cast<std::int64_t>(n)) + (n == 1 ? " cell has" : " cells have") +
           " the same counts as another, gene by gene";
  };
  if (length < static_cast<std::size_t>(enough_cells)) {
    notes.push_back(alike(repeated.size()) + " (first: " + names[*std::min_element(repeated.begin(), repeated.end())] +
                    "). All are kept.");
    return;
  }
  const std::size_t last = first + length - 1;
  const auto others =
      std::count_if(repeated.begin(), repeated.end(), [&](std::size_t cell) { return cell < first || cell > last; });
  notes.push_back(grouped(static_cast<std::int64_t>(length)) + " cells in a row, " + names[first] + " to " +
                  names[last] + ", have the same counts gene by gene as " + names[first - lag] + " to " +
                  names[last - lag] + ": they seem to be in the file twice. " +
                  (others > 0 ? "Elsewhere " + alike(static_cast<std::size_t>(others)) + ". " : std::string{}) +
                  "All are kept.");
}

void CellReport::note_reads(std::vector<std::string>& notes) const {
  std::vector<std::uint64_t> totals;
  for (const std::uint64_t total : total_)
    if (total > 0) totals.push_back(total);
  if (totals.empty()) return;
  const auto middle = totals.begin() + static_cast<std::ptrdiff_t>(totals.size() / 2);
  std::nth_element(totals.begin(), middle, totals.end());
  const double large = large_total * static_cast<double>(*middle);
  const auto n = std::count_if(totals.begin(), totals.end(),
                               [&](std::uint64_t total) { return static_cast<double>(total) > large; });
  if (n >= enough_cells)
    notes.push_back(grouped(n) + " cells have totals above " + grouped(static_cast<std::int64_t>(large)) + ", " +
                    std::to_string(static_cast<int>(large_total)) + " times the median of " +
                    grouped(static_cast<std::int64_t>(*middle)) +
                    ": read counts may be mixed with counts of molecules (UMIs).");
}

std::vector<std::string> CellReport::notes(const std::vector<std::string>& names) const {
  std::vector<std::string> out;
  note_repeated(names, out);
  note_reads(out);
  return out;
}

}  // namespace scriptorium::data
