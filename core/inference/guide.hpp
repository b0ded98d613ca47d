#pragma once
#include <array>
#include <vector>

#include "core/inference/mixture_log_likelihood.hpp"
#include "core/inference/posterior.hpp"
#include "core/math/random.hpp"

namespace scriptorium::inference {

/// A draw of a guide on the axes of its families, with what differentiates it. For a Normal (∂z/∂loc, ∂z/∂ln scale);
/// for a Beta, whose z is the difference of the logs of two Gamma draws, (a ∂z/∂a, b ∂z/∂b).
struct GuideDraw {
  std::vector<double> z, slope_a, slope_b;  ///< elements
  std::vector<double> log_weight;           ///< components: logs of Gamma draws, whose shares are the weights
  std::vector<double> weight_slope;         ///< α ∂ ln g/∂α of these
};

/// The mean-field posterior of a stochastic fit as coordinates that an optimiser can move: two for each site element,
/// in the order of MixturePlaces, then those of the mixing weights' Dirichlet. Ours: SiteFamily's own (a Beta's mean
/// and concentration apart) and, for the Dirichlet, ln α_k/α_K, k < K, and ln Σα. SCRIBE's: ln α and ln β, and ln α_k,
/// by which a shared p hardly ever finds its concentration (documented, and kept for parity).
class Guide {
 public:
  /// `one`: the problem of a component (of the model itself where it is no mixture), its cells apart; it must outlive
  /// the guide.
  Guide(const model::Model& model, const Problem& one, bool scribe, int threads);

  std::size_t size() const { return 2 * elements_.size() + n_weights(); }
  std::size_t n_elements() const { return elements_.size(); }
  std::size_t n_weights() const { return prior_.size(); }  ///< components of a mixture; 0: none
  bool scribe() const { return scribe_; }
  const MixturePlaces& places() const { return places_; }
  const std::vector<double>& weight_prior() const { return prior_; }  ///< concentrations

  /// SCRIBE's start: the default priors, all components alike.
  std::vector<double> start() const;
  /// Puts an element at SiteFamily's coordinates, and the Dirichlet at these concentrations.
  void put(std::size_t element, const double* own, std::vector<double>& x) const;
  void put_concentration(const std::vector<double>& alpha, std::vector<double>& x) const;
  std::vector<double> concentration(const std::vector<double>& x) const;

  /// Σ KL from the priors of all `active` elements and the Dirichlet; those of cells times `scale`. The gradient (may
  /// be null) is added to. SCRIBE's guides take it in closed form only between equal families.
  double divergence(const std::vector<double>& x, const std::vector<char>& active, double scale,
                    std::vector<double>* gradient) const;
  /// What SCRIBE samples of it: Σ ln q − ln p at a draw, times `weight`, where the families differ.
  double sampled_divergence(const std::vector<double>& x, const GuideDraw& at, const std::vector<char>& active,
                            double scale, double weight, std::vector<double>* gradient) const;
  /// Σ ln q − ln p at a draw, of everything.
  double log_ratio(const std::vector<double>& x, const GuideDraw& at) const;

  /// Draws the active elements and the weights; keyed by (seed, purpose, number, element). `mirrored`: the scalars and
  /// the weights of the same number again, at the opposite quantiles; all else in `out` stays.
  void draw(const std::vector<double>& x, std::uint64_t seed, math::Purpose purpose, std::uint64_t number,
            bool mirrored, const std::vector<char>& active, bool slopes, GuideDraw& out) const;
  /// Adds by · ∂f/∂x, given f's slopes at the draw.
  void add_slopes(const std::vector<double>& x, const GuideDraw& at, const std::vector<char>& active,
                  const std::vector<double>& slope, const std::vector<double>& weight_slope, double by,
                  std::vector<double>& gradient) const;

  /// The marginals at x, components in this order (empty: as they are).
  Posterior posterior(const std::vector<double>& x, const std::vector<std::size_t>& order = {}) const;
  /// The coordinates of a posterior of the same model and data. @throws Error(BadInput) for another
  std::vector<double> coordinates(const Posterior& posterior) const;

 private:
  struct Element {
    const SiteFamily* family = nullptr;
    double shift = 0;  ///< of a capture prior
    bool cell = false;
  };
  std::array<double, 2> own(std::size_t element, const std::vector<double>& x) const;
  std::array<double, 2> arguments(std::size_t element, const std::vector<double>& x) const;
  bool closed(const SiteFamily& family) const;
  void add(std::size_t element, double ga, double gb, const std::vector<double>& x, std::vector<double>& to) const;
  void add_concentration(const std::vector<double>& slopes, const std::vector<double>& x,
                         std::vector<double>& to) const;
  double log_q(std::size_t element, const std::vector<double>& x, double z) const;

  const Problem* problem_;
  MixturePlaces places_;
  bool scribe_;
  int threads_;
  std::vector<Element> elements_;
  std::vector<double> prior_;
};

}  // namespace scriptorium::inference
