#include "core/data/formats/missing_builder.hpp"

#include <algorithm>

#include "core/data/formats/names.hpp"

namespace scriptorium::data {

void MissingBuilder::add_cell(std::int64_t cell, std::span<const std::uint32_t> genes) {
  if (genes.empty()) return;
  const std::lock_guard lock(mutex_);
  // Cells that follow one another mostly lack the same genes.
  if (last_ && std::equal(genes.begin(), genes.end(), last_->first.begin(), last_->first.end())) {
    pattern_of_cell_[static_cast<std::size_t>(cell)] = last_->second;
    return;
  }
  last_ = &*patterns_.try_emplace({genes.begin(), genes.end()}, static_cast<std::uint32_t>(patterns_.size() + 1)).first;
  pattern_of_cell_[static_cast<std::size_t>(cell)] = last_->second;
}

void MissingBuilder::add_gene(std::uint32_t gene, std::span<const std::uint32_t> cells) {
  const std::lock_guard lock(mutex_);
  for (const std::uint32_t cell : cells) by_cell_[cell].push_back(gene);
}

std::optional<Missing> MissingBuilder::finish(Stray& stray) {
  for (auto& [cell, genes] : by_cell_) {
    std::sort(genes.begin(), genes.end());
    genes.erase(std::unique(genes.begin(), genes.end()), genes.end());
    add_cell(cell, genes);
  }
  by_cell_.clear();
  if (patterns_.empty()) return Missing{};
  std::vector<std::int64_t> cells(patterns_.size() + 1, 0);
  for (const std::uint32_t pattern : pattern_of_cell_) ++cells[pattern];
  const auto needed = std::min(enough_cells, static_cast<std::int64_t>(pattern_of_cell_.size()));
  Missing out;
  out.genes.resize(patterns_.size() + 1);
  // Numbered in the order of the cells, whatever order they came in.
  std::vector<const std::vector<std::uint32_t>*> of(patterns_.size() + 1);
  for (const auto& [genes, pattern] : patterns_) of[pattern] = &genes;
  std::vector<std::uint32_t> renumbered(of.size(), 0);
  std::uint32_t next = 1;
  for (std::size_t cell = 0; cell < pattern_of_cell_.size(); ++cell) {
    const std::uint32_t pattern = pattern_of_cell_[cell];
    if (pattern == 0) continue;
    if (cells[pattern] < needed) {
      stray = {static_cast<std::int64_t>(cell), of[pattern]->front()};
      return {};
    }
    if (renumbered[pattern] == 0) {
      out.genes[next] = *of[pattern];
      renumbered[pattern] = next++;
    }
  }
  for (std::uint32_t& pattern : pattern_of_cell_) pattern = renumbered[pattern];
  out.pattern_of_cell = std::move(pattern_of_cell_);
  return out;
}

std::string stray_words() {
  return "; it stands alone (not measured means that at least " + std::to_string(MissingBuilder::enough_cells) +
         " cells lack the same genes): correct it, or write 0 where nothing was seen";
}

std::string describe_missing(const Missing& missing) {
  return grouped(missing.entries()) + " entries of " + grouped(missing.n_cells()) + " cells and " +
         grouped(static_cast<std::int64_t>(missing.any_gene().size())) + " genes were not measured (" +
         grouped(static_cast<std::int64_t>(missing.genes.size()) - 1) +
         (missing.genes.size() == 2 ? " pattern)" : " patterns)");
}

}  // namespace scriptorium::data
