#pragma once
#include <span>
#include <vector>

#include "core/inference/gene_layout.hpp"
#include "core/inference/objective.hpp"

namespace scriptorium::inference {

/// One gene of a mixture whose components share some of the gene's sites, given all else: the sum of the components'
/// losses of it, in the coordinates of its block (GeneLayout). What descend() moves. Before: hold_rest() of every part.
class SharedGene {
 public:
  SharedGene(std::span<Objective* const> parts, const GeneLayout& layout);
  /// The gene that the others are about.
  void take(std::int64_t gene);

  double move_to(std::span<const double> at);
  double try_at(std::span<const double> at);
  const double* gradient() const { return now_.gradient.data(); }
  void newton_step(std::span<double> step) const;

  /// Follows the optima that can compete with the one near `at` (Objective::improve_genes), and moves it where another
  /// is better. Returns the nats gained.
  double improve(std::span<double> at);
  /// Keeps the quadratures for a point: evaluations of the parts use them until they choose others.
  void set_nodes(std::span<const double> at);

 private:
  using Nodes = std::array<std::uint8_t, 3>;
  struct Evaluation {
    std::vector<Objective::GeneTerm> terms;  ///< parts
    std::vector<double> gradient;            ///< of the block
  };
  struct Sight;  // what the tensors of all components say
  double loss_at(std::span<const double> at, Evaluation& out);
  /// A gene of one part, from the block and back.
  std::array<double, 6> of_part(std::span<const double> at, std::size_t part) const;
  void put_part(std::size_t part, const std::array<double, 6>& from, std::span<double> at) const;
  Sight look(std::span<const double> at);

  std::span<Objective* const> parts_;
  const GeneLayout& layout_;
  std::int64_t gene_ = 0;
  std::vector<Objective::GeneScratch> scratch_;  ///< parts
  std::vector<Nodes> nodes_;
  std::vector<double> at_, tried_;
  Evaluation now_, next_;
  double found_ = 0;
};

}  // namespace scriptorium::inference
