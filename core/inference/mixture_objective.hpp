#pragma once
#include <memory>
#include <vector>

#include "core/inference/gene_layout.hpp"
#include "core/inference/objective.hpp"

namespace scriptorium::inference {

/// The deterministic loss of a mixture, given how cells are shared out among its components (responsibilities): the sum
/// over components of an Objective whose cells have weights. A cell's divergence is counted by the weights, which sum
/// to one; so captures are shared. Coordinates: scalars (2 a component, or 2 in all), genes (GeneLayout), cells. Sites
/// of genes that components share (Model::mixture_params) have one divergence, and make a gene one problem for all
/// components (SharedGene).
class MixtureObjective {
 public:
  /// `gpu`: takes the sums over non-zeros of scores(); null: threads do.
  MixtureObjective(const model::Model& model, const summary::CountSummary& summary, const data::CountMatrix& counts,
                   int threads, const compute::Backend* gpu = nullptr);

  struct System {
    std::vector<NewtonSystem> parts;
    std::vector<double> gene_loss;  ///< blocks of genes
    bool shared_scalar = false;
    GeneLayout layout;
    NewtonSystem::Direction solve(const std::vector<double>& gradient, int threads, int caution = 0) const {
      return NewtonSystem::solve_joint(parts, shared_scalar, layout, gradient, threads, caution);
    }
  };
  std::size_t components() const { return parts_.size(); }
  std::size_t n_cells() const { return static_cast<std::size_t>(counts_->n_cells); }
  std::size_t size() const { return size_; }
  std::size_t scalar_size() const { return scalar_size_; }
  const GeneLayout& layout() const { return layout_; }
  /// Blocks of genes that are stepped together: a gene of one component, or where sites are shared of all.
  std::size_t gene_size() const { return layout_.block_size(); }
  std::size_t n_gene_blocks() const { return layout_.blocks(); }
  std::size_t gene_at(std::int64_t block) const { return layout_.block_at(static_cast<std::size_t>(block)); }
  std::size_t cell_at(std::size_t unit) const { return layout_.end() + 2 * unit; }
  bool visits_nonzeros() const { return parts_.front().objective->visits_nonzeros(); }
  bool genes_apart() const { return parts_.front().objective->genes_apart(); }
  const Problem& problem() const { return *parts_.front().problem; }
  const Objective& part(std::size_t k) const { return *parts_[k].objective; }

  /// Shares out the cells: cells × components, rows that sum to one.
  void share_out(const std::vector<double>& responsibilities);
  /// Cells of each component, by their shares.
  const std::vector<double>& sizes() const { return sizes_; }

  /// Where exact fits start: moments of the counts of each component.
  std::vector<double> start() const;
  /// From coordinates of the mixture to those of one component, and back (units are written by the first).
  std::vector<double> of_part(const std::vector<double>& x, std::size_t k) const;
  void put_part(std::size_t k, const std::vector<double>& from, std::vector<double>& x) const;
  /// The coordinates of all components in those of the mixture; where they differ in what is shared, that of genes is
  /// their average by size, scalars and cells are the first component's.
  std::vector<double> put_together(const std::vector<std::vector<double>>& of_parts) const;

  bool choose_nodes(const std::vector<double>& x);
  /// The same in the middle of a descent, where what was chosen may still serve: marginals have hardly moved since, or
  /// need no more nodes than they have. Then every step is one evaluation.
  bool renew_nodes(const std::vector<double>& x);
  void keep_inside(const std::vector<double>& x, std::vector<double>& step) const;
  double improve_genes(std::vector<double>& x, const RunControl& control);
  /// A cell's capture settles for the components that it is shared out to, and then no other may suit it. Each cell is
  /// tried in every component alone with the capture that suits it there, and moves where that is better by `enough`
  /// nats than how it is shared out. Returns the nats gained; x and `share` are changed, and shared out. Models without
  /// capture, or that visit the non-zeros: nothing to do. @param log_weight  E ln w, cells × components
  double move_cells(std::vector<double>& x, std::vector<double>& share, const std::vector<double>& log_weight,
                    double enough, const RunControl& control);
  /// Σ_k of the components' losses; without what depends on the shares and the mixing weights alone.
  double evaluate(const std::vector<double>& x, std::vector<double>* gradient, System* system,
                  const RunControl& control) {
    return evaluate(x, nullptr, gradient, system, control);
  }
  double settle(std::vector<double>& x, std::vector<double>* gradient, System* system, const RunControl& control) {
    return evaluate(x, &x, gradient, system, control);
  }
  /// E ln P(cell | component): cells × components, at x; and the divergences of all marginals of sites there.
  std::vector<double> scores(const std::vector<double>& x, const RunControl& control);
  double divergence() const;

 private:
  struct Part {
    std::unique_ptr<summary::CountSummary> summary;
    std::unique_ptr<Problem> problem;
    std::unique_ptr<Objective> objective;
  };
  double evaluate(const std::vector<double>& x, std::vector<double>* settled, std::vector<double>* gradient,
                  System* system, const RunControl& control);
  void find_entries();
  /// `of_units`: what captures add to them, until the parts are evaluated again; none without capture.
  std::vector<double> scores(const std::vector<double>& x, std::vector<std::span<const double>>& of_units,
                             const RunControl& control);
  std::vector<std::span<const double>> unit_values(const std::vector<double>& x, const RunControl& control);
  /// Σ over the non-zeros of each cell of the rows of `table` (entries × components): cells × components.
  std::vector<double> sums_by_cell(const std::vector<double>& table, const RunControl& control) const;
  std::vector<Objective*> objectives() const {
    std::vector<Objective*> out;
    for (const auto& part : parts_) out.push_back(part.objective.get());
    return out;
  }
  bool hold_rest(const std::vector<double>& x, const RunControl& control);
  bool settle_shared(std::vector<double>& x, const RunControl& control);
  double improve_shared(std::vector<double>& x, const RunControl& control);
  double shared_divergence(const std::vector<double>& x, std::vector<double>* gradient, System* system) const;

  const summary::CountSummary* summary_;
  const data::CountMatrix* counts_;
  int threads_;
  const compute::Backend* gpu_;
  std::unique_ptr<compute::Rows> cells_there_;  ///< the counts by cell, on the GPU
  std::size_t size_ = 0, scalar_size_ = 0;
  bool shared_scalar_ = false;
  GeneLayout layout_;
  std::vector<Part> parts_;
  std::vector<double> sizes_;
  // Of every count: which entry of the summary's histograms it is; by cells, and by genes.
  std::vector<std::uint32_t> entry_by_cell_, entry_by_gene_;
  std::vector<std::uint32_t> cell_by_gene_;
  std::vector<std::int64_t> gene_start_;
  std::vector<double> log_factorial_;  ///< cells: Σ ln u!
  std::vector<double> at_;             ///< where the parts were evaluated last
  std::vector<double> chosen_at_;      ///< where nodes were chosen last
};

}  // namespace scriptorium::inference
