#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace scriptorium::inference {

/// Where the genes' coordinates of several systems (components of a mixture) stand among those of all. A gene has
/// coordinates of its own in every system and, in some mixtures, others that all systems share. Nothing shared: the
/// genes of one system after the other, each a block for itself. Otherwise a gene is one block: its own coordinates in
/// one system after the other, then the shared ones.
struct GeneLayout {
  std::vector<std::size_t> own, shared;  ///< coordinates of a gene as one system numbers them, ascending
  std::size_t systems = 1, genes = 0;
  std::size_t first = 0;  ///< where genes begin

  std::size_t block_size() const { return shared.empty() ? own.size() : systems * own.size() + shared.size(); }
  std::size_t blocks() const { return shared.empty() ? systems * genes : genes; }
  std::size_t block_at(std::size_t block) const { return first + block * block_size(); }
  std::size_t end() const { return block_at(blocks()); }
  std::size_t own_at(std::size_t system, std::size_t gene) const {
    return shared.empty() ? block_at(system * genes + gene) : block_at(gene) + system * own.size();
  }
  std::size_t shared_at(std::size_t gene) const { return block_at(gene) + systems * own.size(); }

  /// Reads a gene of one system from the coordinates of all, and writes it there.
  void read(const std::vector<double>& all, std::size_t system, std::size_t gene, double* one) const {
    const std::size_t its = own_at(system, gene);
    for (std::size_t i = 0; i < own.size(); ++i) one[own[i]] = all[its + i];
    for (std::size_t i = 0; i < shared.size(); ++i) one[shared[i]] = all[shared_at(gene) + i];
  }
  void write(std::vector<double>& all, std::size_t system, std::size_t gene, const double* one) const {
    const std::size_t its = own_at(system, gene);
    for (std::size_t i = 0; i < own.size(); ++i) all[its + i] = one[own[i]];
    for (std::size_t i = 0; i < shared.size(); ++i) all[shared_at(gene) + i] = one[shared[i]];
  }
};

}  // namespace scriptorium::inference
