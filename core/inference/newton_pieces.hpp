#pragma once
#include <Eigen/Dense>
#include <atomic>
#include <vector>

#include "core/inference/gene_layout.hpp"
#include "core/inference/newton_system.hpp"

/// What NewtonSystem is solved with: blocks of genes and units, and the sums of them that the border needs.
namespace scriptorium::inference::newton {

using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 6>;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 3 + NewtonSystem::most_rank>;

/// D⁻¹ R; where D is not positive definite its eigenvalues are replaced by their sizes, with a floor, and `changed`
/// set.
Rows solve_block(const Block& d, const Rows& r, bool& changed);
/// matrix⁻¹ right, where it is not positive definite mended as blocks are.
Eigen::VectorXd solve_mended(const Eigen::MatrixXd& matrix, const Eigen::VectorXd& right, bool& changed);

/// Σ [B ∇]ᵀ D⁻¹ [−g B ∇] over the genes of one kind; B has a column a scalar's coordinate, ∇ one a pair.
using Sums = Eigen::MatrixXd;

/// What genes and units add up to, by pattern and pair. Index 0 … P·rank − 1: patterns, the pairs of each together.
struct Reduced {
  Eigen::VectorXd scalar_right;  ///< Bᵀ D⁻¹ (−g)
  Eigen::MatrixXd scalar_block;  ///< Bᵀ D⁻¹ B
  Eigen::MatrixXd scalar_mean;   ///< scalars × P·rank: Bᵀ D⁻¹ ∇
  Eigen::VectorXd right;         ///< P·rank: ∇ᵀ D⁻¹ (−g)
  Eigen::MatrixXd product;       ///< P·rank square: ∇ᵀ D⁻¹ ∇
};

/// Σ over the kinds that measured both patterns, for every pair of them.
Eigen::MatrixXd over_pairs(const std::vector<Eigen::MatrixXd>& by_kind, const std::vector<std::vector<bool>>& measures,
                           std::size_t patterns);
/// The sums by pattern, with the columns of ∇ turned by `turn` (rank × fewer); B has `scalars` columns.
Reduced spread(const std::vector<Sums>& sums, Eigen::Index scalars, const Eigen::MatrixXd& turn,
               const std::vector<std::vector<bool>>& measures, std::size_t patterns);
/// The largest eigenvalue of Q_M Q_A.
double largest_product(const Eigen::MatrixXd& means, const Eigen::MatrixXd& rates);

/// The few combinations of the pairs through which genes and cells really pull at each other: the leading directions
/// of U Vᵀ in the metric of the blocks, as what ∇M and ∇A are to be multiplied by.
struct Leading {
  Eigen::MatrixXd genes, cells;  ///< rank × fewer
};
Leading leading_pairs(const Eigen::MatrixXd& genes, const Eigen::MatrixXd& cells, std::size_t patterns);

/// Small matrices of one shape, side by side: as many numbers as they have.
class Blocks {
 public:
  Blocks() = default;
  Blocks(std::size_t count, Eigen::Index rows, Eigen::Index cols)
      : rows_(rows), cols_(cols), numbers_(count * static_cast<std::size_t>(rows * cols)) {}
  bool empty() const { return numbers_.empty(); }
  Eigen::Map<Eigen::MatrixXd> operator[](std::size_t i) { return {numbers_.data() + i * each(), rows_, cols_}; }
  Eigen::Map<const Eigen::MatrixXd> operator[](std::size_t i) const {
    return {numbers_.data() + i * each(), rows_, cols_};
  }

 private:
  std::size_t each() const { return static_cast<std::size_t>(rows_ * cols_); }
  Eigen::Index rows_ = 0, cols_ = 0;
  std::vector<double> numbers_;
};

/// One of the systems that share units: D⁻¹ [−g, B, ∇] of its genes' own coordinates, their sums by kind, and where its
/// scalar and pairs are.
struct Member {
  const NewtonSystem* system = nullptr;
  const GeneLayout* layout = nullptr;
  std::size_t place = 0;  ///< in the layout
  Blocks rows;            ///< own coordinates × (3 + rank), one a gene
  Blocks across;          ///< D⁻¹ times what couples a gene's own and shared coordinates; empty: nothing shared
  std::vector<Sums> sums;
  Eigen::Index scalar_at = 0, rate_at = 0, pair_at = 0, kept = 1;  ///< rate_at: column of a unit's ∇A
  Leading leading;
  Eigen::MatrixXd genes() const {
    Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(system->rank, system->rank);
    for (const auto& s : sums) sum += s.bottomRightCorner(system->rank, system->rank);
    return sum;
  }
};

/// D⁻¹ [−g, B, ∇] for every gene's own coordinates, and what the border needs of them.
void reduce_genes(Member& member, const std::vector<double>& gradient, int threads, std::atomic<bool>& mended);

/// What is left of the genes' shared coordinates once their own in every system are eliminated: with S the Schur
/// complement of a gene's own blocks and R what [−g, B, ∇] become there (−g first, the scalars, then the pairs of all
/// systems: `width` numbers), S⁻¹ R a gene and Σ [B ∇]ᵀ S⁻¹ [−g B ∇] by kind. Empty where nothing is shared.
struct SharedGenes {
  Eigen::Index width = 0;
  std::vector<double> rows;  ///< genes × shared coordinates × width
  std::vector<Sums> sums;
  /// ∇ᵀ S⁻¹ ∇ of one member's pairs.
  Eigen::MatrixXd genes(const Member& member) const;
};
SharedGenes reduce_shared(const std::vector<Member>& members, Eigen::Index width, const std::vector<double>& gradient,
                          int threads, std::atomic<bool>& mended);

/// The units' D⁻¹ [−g, B, ∇] (two rows of `width` numbers each) and the sums [−g B ∇]ᵀ D⁻¹ [−g B ∇] by pattern.
struct UnitSums {
  Eigen::Index width = 0;
  std::vector<double> rows;
  std::vector<Eigen::MatrixXd> by_pattern;
};
UnitSums reduce_units(const std::vector<Member>& members, Eigen::Index width, std::size_t cell_at,
                      const std::vector<double>& gradient, int threads, std::atomic<bool>& mended);

}  // namespace scriptorium::inference::newton
