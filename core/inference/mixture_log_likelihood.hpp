#pragma once
#include <span>
#include <vector>

#include "core/inference/cell_entries.hpp"
#include "core/inference/visiting_terms.hpp"

namespace scriptorium::inference {

/// Where the sampled numbers of a mixture (or of one population, K = 1) lie in one array: scalars (none, one, or one a
/// component), the genes of one component after the other with the sites it has to itself, the genes' sites that all
/// share, units.
class MixturePlaces {
 public:
  /// `one`: the problem of one component.
  MixturePlaces(const model::Model& model, const Problem& one);
  std::size_t components() const { return components_; }
  std::size_t size() const { return unit(n_units_); }
  std::size_t n_scalars() const { return scalars_; }
  std::size_t n_genes() const { return genes_; }
  std::size_t n_sites() const { return of_site_.size(); }
  std::size_t n_units() const { return n_units_; }
  bool shared_scalar() const { return scalars_ == 1; }
  bool shared_site(std::size_t s) const { return of_site_[s].shared; }
  std::size_t scalar(std::size_t k) const { return shared_scalar() ? 0 : k; }
  std::size_t gene(std::size_t k, std::size_t g, std::size_t s) const {
    const auto& site = of_site_[s];
    return site.shared ? scalars_ + components_ * genes_ * own_ + g * (n_sites() - own_) + site.at
                       : scalars_ + (k * genes_ + g) * own_ + site.at;
  }
  std::size_t unit(std::size_t u) const { return scalars_ + genes_ * (components_ * own_ + n_sites() - own_) + u; }

  /// The point of one component.
  void read(std::span<const double> z, std::size_t k, Point& out) const;
  /// Adds a component's gradient; units are left out.
  void add(const PointGradient& of, std::size_t k, std::span<double> to) const;

 private:
  struct Place {
    bool shared = false;
    std::size_t at = 0;
  };
  std::size_t components_ = 1, scalars_ = 0, genes_ = 0, n_units_ = 0, own_ = 0;
  std::vector<Place> of_site_;
};

/// The collapsed, unclipped log likelihood of a mixture at a point, with its gradient:
///   Σ_c log Σ_k w_ck Π_g f_k(u_cg),
/// where w_ck = π_k, or with annotation logits softmax_k(log(π_k + 1e-8) + logit_ck). What svi, and any sampler, takes.
/// The components' gradients are those of LogLikelihood, cells weighted by their responsibilities.
///
/// Cost of an evaluation, all cells or a batch: entries × K logarithms (an entry is a gene and a count that occurs),
/// cells × K exponentials and two passes of non-zeros × K additions; zero-inflated capture and mean_disp with capture
/// add VisitingTerms' two passes of non-zeros × nodes for each component (the second only over cells that are in it).
/// Never forms cells × genes. A batch is gathered once for all evaluations of it.
class MixtureLogLikelihood {
 public:
  /// `one`: the problem of a component (model::component_model), its cells apart, with the counts. `logits`: cells ×
  /// components, or empty.
  MixtureLogLikelihood(const model::Model& mixture, const Problem& one, std::span<const double> logits, int threads);

  /// `z`: places().size() numbers on the axes of the sites' guides; `log_weight`: logs of positive numbers whose shares
  /// are π. `batch`: cells to include (ascending, each once); empty: all. `scale` multiplies value and gradients.
  double evaluate(std::span<const double> z, std::span<const double> log_weight, std::span<const std::int64_t> batch,
                  double scale, std::vector<double>& slope, std::vector<double>& weight_slope,
                  const RunControl& control);
  const MixturePlaces& places() const { return places_; }
  /// Of the last evaluation: responsibilities and log P of the included cells, cells × components and cells.
  const std::vector<double>& responsibilities() const { return share_; }
  const std::vector<double>& by_cell() const { return cell_value_; }

 private:
  struct Component {
    Point point;
    PointTerms at;
    TermSlopes slopes;
    std::vector<double> value, slope;  ///< included cells: but for the entries' terms; in ln ν
    std::vector<double> zero;          ///< included cells: −ln(1−p̂), where p is shared
    std::vector<double> base;          ///< patterns: zeros of the genes measured, without capture
    std::vector<double> weight;        ///< included cells: their responsibilities
  };
  std::size_t cell(std::size_t place) const { return batch_.empty() ? place : static_cast<std::size_t>(batch_[place]); }
  std::uint32_t pattern(std::size_t place) const {
    return problem_->summary->classes[problem_->summary->class_of_cell[cell(place)]].pattern;
  }
  void gather(std::span<const std::int64_t> batch);
  void tabulate(const RunControl& control);
  void cells_of_components(const RunControl& control);
  double share_out(std::span<const double> log_weight, std::vector<double>& weight_slope, const RunControl& control);
  void gene_slopes(const RunControl& control);
  void cell_slopes(Component& component, const RunControl& control);

  const Problem* problem_;
  MixturePlaces places_;
  std::span<const double> logits_;
  int threads_;
  VisitingTerms visiting_;
  std::vector<Component> components_;
  bool gathered_ = false;
  std::vector<std::int64_t> batch_;
  CellEntries entries_;
  std::vector<double> table_;               ///< entries × components
  std::vector<double> share_, cell_value_;  ///< of the last evaluation
};

}  // namespace scriptorium::inference
