#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <optional>

#include "core/compute/parallel.hpp"
#include "core/inference/gamma_slope.hpp"
#include "core/inference/log_likelihood.hpp"
#include "core/inference/optimiser.hpp"
#include "core/inference/solver.hpp"
#include "core/math/random.hpp"

namespace scriptorium::inference {
namespace {

/// One site element of the guide: its family, where its coordinates are, and the shift of a capture prior.
struct Element {
  const SiteFamily* family;
  double* z;      ///< where a draw goes
  double* slope;  ///< where the likelihood's slope in z is read
  double shift;
  bool cell;
};

/// The coordinates that the optimiser moves. Ours: SiteFamily's own (a Beta's mean and concentration apart). SCRIBE's:
/// ln α and ln β, by which a shared p hardly ever finds its concentration (documented, and kept for parity).
struct Axis {
  bool scribe;
  std::array<double, 2> to_coordinates(const SiteFamily& f, double u1, double u2) const {
    return scribe && f.beta() ? f.coordinates(std::exp(u1), std::exp(u2)) : std::array<double, 2>{u1, u2};
  }
  std::array<double, 2> from_coordinates(const SiteFamily& f, double x1, double x2) const {
    if (!scribe || !f.beta()) return {x1, x2};
    const auto a = f.arguments(x1, x2);
    return {std::log(a[0]), std::log(a[1])};
  }
  /// Gradient in (a ∂/∂a, b ∂/∂b) for a Beta, as it stands for a Normal, to the optimiser's coordinates.
  std::array<double, 2> from_log_arguments(double a, double b, double ga, double gb) const {
    if (scribe) return {ga, gb};
    return {(b * ga - a * gb) / (a + b), ga + gb};
  }
  /// Gradient in SiteFamily's coordinates to the optimiser's.
  std::array<double, 2> from_own(const SiteFamily& f, double a, double b, const std::array<double, 2>& g) const {
    if (!scribe || !f.beta()) return g;
    return {g[0] + a / (a + b) * g[1], -g[0] + b / (a + b) * g[1]};
  }
};

class Svi {
 public:
  Svi(const FitInput& input, const FitOptions& options, const FitControl& control)
      : options_(options),
        svi_(options.svi),
        control_(control),
        problem_(input.model, *input.summary, input.counts, true),
        layout_(problem_, options.threads),
        likelihood_(problem_, options.threads),
        axis_{svi_.mode == SviMode::Scribe} {
    cells_ = problem_.n_cells();
    batch_ = svi_.batch_size > 0 && svi_.batch_size < cells_ ? svi_.batch_size : 0;  // a batch of all cells is none
    if (batch_ && !input.counts)
      throw Error(ErrorCode::BadInput, "minibatches need the counts, and they are not at hand",
                  "Open the data that the summary was made from, or fit all cells at once.");
    draws_ = axis_.scribe ? 1 : std::max(1, svi_.draws);
    x_ = layout_.start();
    bind();
    for (std::size_t e = 0; e < elements_.size(); ++e) {
      const auto& family = *elements_[e].family;
      const auto own = axis_.scribe ? family.start() : std::array<double, 2>{x_[2 * e], x_[2 * e + 1]};
      const auto u = axis_.from_coordinates(family, own[0], own[1]);
      x_[2 * e] = u[0];
      x_[2 * e + 1] = u[1];
    }
  }

  /// One noisy loss and its gradient, of `draws` draws keyed by `step`.
  double estimate(std::int64_t step, int draws, std::vector<double>* gradient) {
    std::vector<std::int64_t> batch = pick_batch(step);
    const double scale = batch.empty() ? 1 : static_cast<double>(cells_) / static_cast<double>(batch.size());
    std::vector<char> active(elements_.size(), 1);
    if (!batch.empty() && problem_.cell) {
      const std::size_t first = elements_.size() - static_cast<std::size_t>(cells_);
      std::fill(active.begin() + static_cast<std::ptrdiff_t>(first), active.end(), 0);
      for (const auto c : batch) active[first + static_cast<std::size_t>(c)] = 1;
    }
    if (gradient) gradient->assign(x_.size(), 0.0);
    double loss = divergence(active, scale, gradient);
    std::vector<double> slope_a(elements_.size()), slope_b(elements_.size());
    for (int d = 0; d < draws; ++d) {
      draw(step * draws_ + d, active, gradient ? &slope_a : nullptr, &slope_b);
      if (rule_over_scalar())
        loss -= expect_over_scalar(batch, scale, draws, gradient);
      else
        loss -= likelihood_.evaluate(point_, batch, scale, slopes_, control_) / draws;
      loss += sampled_divergence(active, scale, draws, gradient, slope_a, slope_b);
      if (!gradient) continue;
      for (std::size_t e = 0; e < elements_.size(); ++e) {
        if (!active[e]) continue;
        const double s = -*elements_[e].slope / draws;
        add(e, s * slope_a[e], s * slope_b[e], *gradient);
      }
    }
    return loss;
  }

  std::vector<double>& x() { return x_; }
  std::size_t size() const { return x_.size(); }
  int draws() const { return draws_; }
  Posterior posterior(const std::vector<double>& at) const {
    std::vector<double> own(at.size());
    for (std::size_t e = 0; e < elements_.size(); ++e) {
      const auto c = axis_.to_coordinates(*elements_[e].family, at[2 * e], at[2 * e + 1]);
      own[2 * e] = c[0];
      own[2 * e + 1] = c[1];
    }
    return posterior_at(layout_, own);
  }
  const Problem& problem() const { return problem_; }

 private:
  void bind() {
    const auto genes = static_cast<std::size_t>(problem_.n_genes()), sites = problem_.gene_sites.size();
    point_.genes.resize(genes * sites);
    point_.units.resize(problem_.units.size());
    slopes_.genes.resize(genes * sites);
    slopes_.units.resize(problem_.units.size());
    if (problem_.scalar) elements_.push_back({&*problem_.scalar, &point_.scalar, &slopes_.scalar, 0, false});
    for (std::size_t i = 0; i < genes * sites; ++i)
      elements_.push_back({&problem_.gene_sites[i % sites], &point_.genes[i], &slopes_.genes[i], 0, false});
    for (std::size_t u = 0; u < problem_.units.size(); ++u)
      elements_.push_back({&*problem_.cell, &point_.units[u], &slopes_.units[u], problem_.units[u].prior_shift, true});
  }

  std::vector<std::int64_t> pick_batch(std::int64_t step) {
    if (!batch_) return {};
    order_.resize(static_cast<std::size_t>(cells_));
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
    math::Random random(options_.seed, math::Purpose::Minibatch, static_cast<std::uint64_t>(step));
    for (std::int64_t i = 0; i < batch_; ++i) {
      const auto j = i + static_cast<std::int64_t>(random.uniform() * static_cast<double>(cells_ - i));
      std::swap(order_[static_cast<std::size_t>(i)], order_[static_cast<std::size_t>(j)]);
    }
    std::vector<std::int64_t> batch(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(batch_));
    std::sort(batch.begin(), batch.end());
    return batch;
  }

  /// The shared scalar is integrated, not drawn (ours): a draw of the genes shifts the best p, and that shift, linear
  /// in the scalar, would drown the gradient of its concentration.
  bool rule_over_scalar() const { return !axis_.scribe && problem_.scalar.has_value(); }

  double expect_over_scalar(const std::vector<std::int64_t>& batch, double scale, int draws,
                            std::vector<double>* gradient) {
    const auto& f = *problem_.scalar;
    f.make_axis_rule(x_[0], x_[1], std::min(16, f.nodes_for(x_[0], x_[1])), scalar_rule_);
    PointGradient sum;
    sum.genes.assign(point_.genes.size(), 0.0);
    sum.units.assign(point_.units.size(), 0.0);
    double value = 0, first = 0;
    for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
      const double w = scalar_rule_.weight[k];
      if (w < 1e-12) continue;
      point_.scalar = scalar_rule_.value[k];
      const double ll = likelihood_.evaluate(point_, batch, scale, slopes_, control_);
      if (first == 0) first = ll;
      value += w * ll;
      if (gradient)
        for (std::size_t i = 0; i < 2; ++i) (*gradient)[i] -= w * scalar_rule_.score[i][k] * (ll - first) / draws;
      for (std::size_t i = 0; i < sum.genes.size(); ++i) sum.genes[i] += w * slopes_.genes[i];
      for (std::size_t i = 0; i < sum.units.size(); ++i) sum.units[i] += w * slopes_.units[i];
    }
    std::copy(sum.genes.begin(), sum.genes.end(), slopes_.genes.begin());  // in place: elements point there
    std::copy(sum.units.begin(), sum.units.end(), slopes_.units.begin());
    slopes_.scalar = 0;
    return value / draws;
  }

  /// Whether the divergence of this site is taken in closed form (SCRIBE: only between equal families).
  bool closed(const SiteFamily& f) const {
    if (!axis_.scribe) return true;
    const auto law = f.site().prior.law;
    return law == f.site().guide;
  }

  double divergence(const std::vector<char>& active, double scale, std::vector<double>* gradient) {
    constexpr std::int64_t grain = 256;
    const auto n = static_cast<std::int64_t>(elements_.size());
    std::vector<double> parts(static_cast<std::size_t>(compute::pieces(n, grain)));
    compute::parallel_for(n, grain, options_.threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
      for (auto e = static_cast<std::size_t>(first); e < static_cast<std::size_t>(last); ++e) {
        const auto& el = elements_[e];
        if (!active[e] || !closed(*el.family)) continue;
        const double weight = el.cell ? scale : 1;
        const auto c = axis_.to_coordinates(*el.family, x_[2 * e], x_[2 * e + 1]);
        const auto k = el.family->divergence(c[0], c[1], el.shift);
        parts[static_cast<std::size_t>(piece)] += weight * k.value;
        if (!gradient) continue;
        const auto a = el.family->arguments(c[0], c[1]);
        const auto g = axis_.from_own(*el.family, a[0], a[1], k.gradient);
        (*gradient)[2 * e] += weight * g[0];
        (*gradient)[2 * e + 1] += weight * g[1];
      }
    });
    double sum = 0;
    for (const double v : parts) sum += v;
    return sum;
  }

  /// Draws z of every active element; slopes: for a Normal (dz/dloc, dz/d ln scale), for a Beta (a dz/da, b dz/db).
  void draw(std::int64_t number, const std::vector<char>& active, std::vector<double>* slope_a,
            std::vector<double>* slope_b) {
    compute::parallel_for(static_cast<std::int64_t>(elements_.size()), 256, options_.threads,
                          [&](std::int64_t, std::int64_t first, std::int64_t last) {
                            for (auto e = static_cast<std::size_t>(first); e < static_cast<std::size_t>(last); ++e) {
                              const auto& el = elements_[e];
                              math::Random random(options_.seed, math::Purpose::Svi, static_cast<std::uint64_t>(number),
                                                  e);
                              const auto c = axis_.to_coordinates(*el.family, x_[2 * e], x_[2 * e + 1]);
                              const auto arg = el.family->arguments(c[0], c[1]);
                              if (!active[e]) continue;
                              if (!el.family->beta()) {
                                const double noise = arg[1] * random.normal();
                                *el.z = arg[0] + noise;
                                if (slope_a) (*slope_a)[e] = 1, (*slope_b)[e] = noise;
                                continue;
                              }
                              const double g1 = random.log_gamma_variate(arg[0]), g2 = random.log_gamma_variate(arg[1]);
                              *el.z = g1 - g2;
                              if (slope_a) {
                                (*slope_a)[e] = arg[0] * log_gamma_slope(arg[0], g1);
                                (*slope_b)[e] = -arg[1] * log_gamma_slope(arg[1], g2);
                              }
                            }
                          });
  }

  /// ln q − ln p at the draw, where the families differ and SCRIBE samples the term.
  double sampled_divergence(const std::vector<char>& active, double scale, int draws, std::vector<double>* gradient,
                            const std::vector<double>& slope_a, const std::vector<double>& slope_b) {
    double sum = 0;
    for (std::size_t e = 0; e < elements_.size(); ++e) {
      const auto& el = elements_[e];
      if (!active[e] || closed(*el.family)) continue;
      const double weight = (el.cell ? scale : 1) / draws, loc = x_[2 * e], log_scale = x_[2 * e + 1],
                   d = (*el.z - loc) / std::exp(log_scale);
      sum += weight * (-0.5 * d * d - log_scale - 0.5 * math::log_two_pi - el.family->log_prior(*el.z, el.shift));
      if (!gradient) continue;
      const double s = -weight * el.family->log_prior_slope(*el.z, el.shift);
      (*gradient)[2 * e] += s * slope_a[e];
      (*gradient)[2 * e + 1] += s * slope_b[e] - weight;
    }
    return sum;
  }

  void add(std::size_t e, double ga, double gb, std::vector<double>& gradient) const {
    const auto& f = *elements_[e].family;
    if (f.beta()) {
      const auto c = axis_.to_coordinates(f, x_[2 * e], x_[2 * e + 1]);
      const auto arg = f.arguments(c[0], c[1]);
      const auto g = axis_.from_log_arguments(arg[0], arg[1], ga, gb);
      ga = g[0];
      gb = g[1];
    }
    gradient[2 * e] += ga;
    gradient[2 * e + 1] += gb;
  }

  const FitOptions& options_;
  const SviOptions& svi_;
  const FitControl& control_;
  Problem problem_;
  Objective layout_;  ///< only for the order of coordinates and the posterior's form
  LogLikelihood likelihood_;
  Axis axis_;
  std::int64_t cells_ = 0, batch_ = 0;
  int draws_ = 1;
  std::vector<double> x_;
  std::vector<Element> elements_;
  Point point_;
  PointGradient slopes_;
  SiteRule scalar_rule_;
  std::vector<std::int64_t> order_;
};

/// SCRIBE's rule of early stopping over smoothed losses.
class Stopping {
 public:
  Stopping(const EarlyStopping& rule) : rule_(rule) {}
  double best = INFINITY;
  std::int64_t since = 0;
  std::vector<double> best_x;
  /// After step number `step` (from 1). True: stop now.
  bool check(std::int64_t step, const std::vector<LossPoint>& trace, const std::vector<double>& x) {
    if (!(rule_.enabled || rule_.restore_best) || step % rule_.check_every != 0 || step < rule_.warmup ||
        static_cast<std::int64_t>(trace.size()) < rule_.window)
      return false;
    double sum = 0;
    std::int64_t n = 0;
    for (auto i = trace.size(); i-- > 0 && n < rule_.window;)
      if (std::isfinite(trace[i].loss)) sum += trace[i].loss, ++n;
    const double smoothed = sum / static_cast<double>(std::max<std::int64_t>(1, n));
    const bool better = !std::isfinite(best) ||
                        (rule_.min_delta_percent > 0
                             ? 100 * (best - smoothed) / std::max(std::fabs(best), 1e-8) > rule_.min_delta_percent
                             : best - smoothed > rule_.min_delta);
    if (better) {
      best = smoothed;
      since = 0;
      if (rule_.restore_best) best_x = x;
    } else {
      since += rule_.check_every;
    }
    return rule_.enabled && since >= rule_.patience;
  }

 private:
  EarlyStopping rule_;
};

/// Mean and standard error of a stretch of the trace.
std::array<double, 2> mean_and_error(const std::vector<LossPoint>& trace, std::size_t first, std::size_t last) {
  double sum = 0, square = 0, n = 0;
  for (auto i = first; i < last; ++i) {
    if (!std::isfinite(trace[i].loss)) continue;
    sum += trace[i].loss;
    square += trace[i].loss * trace[i].loss;
    ++n;
  }
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(0.0, square / n - mean * mean) / std::max(1.0, n - 1))};
}

}  // namespace

FitResult fit_svi(const FitInput& input, const FitOptions& options, const Checkpoint* resume,
                  const FitControl& control) {
  Svi svi(input, options, control);
  const auto& o = options.svi;
  if (o.steps < 1) throw Error(ErrorCode::BadInput, "svi needs at least one step", "Give --steps a positive number.");
  if (!(o.learning_rate > 0)) throw Error(ErrorCode::BadInput, "the learning rate must be positive");
  const auto print = fingerprint(input, options);
  SviOptions moves = o;
  // Gradients fall by orders of magnitude in the first hundreds of steps; a memory of a thousand would freeze Adam
  // after.
  if (o.mode == SviMode::Ours) moves.b2 = std::min(moves.b2, 0.99);
  Optimiser optimiser(moves, svi.size());
  Stopping stopping(o.stopping);
  std::int64_t step = 0;
  std::vector<double> average;  // Ours: mean of the iterates of the last fifth, which Adam circles around
  double averaged = 0;
  if (resume) {
    check_resume(*resume, "svi", print, svi.size());
    const auto& a = resume->arrays;
    svi.x() = a.at("x");
    optimiser.first = a.at("first");
    optimiser.second = a.at("second");
    step = static_cast<std::int64_t>(a.at("numbers").at(0));
    averaged = a.at("numbers").at(1);
    stopping.best = a.at("numbers").at(2);
    stopping.since = static_cast<std::int64_t>(a.at("numbers").at(3));
    average = a.at("average");
    stopping.best_x = a.at("best");
  }
  Recorder recorder(control, options, "svi", print, resume);
  const auto keep = [&] {
    recorder.keep(
        {{"x", svi.x()},
         {"first", optimiser.first},
         {"second", optimiser.second},
         {"average", average},
         {"best", stopping.best_x},
         {"numbers", {static_cast<double>(step), averaged, stopping.best, static_cast<double>(stopping.since)}}});
  };
  const bool ours = o.mode == SviMode::Ours;
  std::vector<double> gradient;
  bool early = false, kept = false;
  std::int64_t skipped = 0;
  try {
    for (; step < o.steps;) {
      control.check();
      if (control.keep.stop_requested()) {
        kept = true;
        break;
      }
      const double loss = svi.estimate(step, svi.draws(), &gradient);
      const bool finite = std::isfinite(loss) &&
                          std::all_of(gradient.begin(), gradient.end(), [](double g) { return std::isfinite(g); });
      const double done = static_cast<double>(step) / static_cast<double>(o.steps);
      if (finite)
        optimiser.update(svi.x(), gradient, step,
                         ours && o.decay ? o.learning_rate * std::pow(0.01, done) : o.learning_rate);
      else
        ++skipped;  // as SCRIBE: a step that is not a number is left out
      ++step;
      recorder.add(
          step, loss, -1, done,
          "step " + std::to_string(step) + " of " + std::to_string(o.steps) + ", loss " + std::to_string(loss));
      if (ours && done >= 0.8) {
        averaged += 1;
        average.resize(svi.size(), 0.0);
        for (std::size_t i = 0; i < average.size(); ++i) average[i] += (svi.x()[i] - average[i]) / averaged;
      }
      if (stopping.check(step, recorder.trace(), svi.x())) {
        early = true;
        break;
      }
      if (recorder.due()) keep();
    }
  } catch (const Cancelled&) {
    keep();
    throw;
  }
  const bool complete = step >= o.steps;
  if (o.stopping.restore_best && !stopping.best_x.empty() && (!ours || !complete)) svi.x() = stopping.best_x;
  if (ours && complete && averaged > 0) svi.x() = average;

  FitResult result;
  // The loss of what is returned, from fresh draws.
  double sum = 0, square = 0;
  constexpr int checks = 64;
  for (int i = 0; i < checks; ++i) {
    const double loss = svi.estimate(o.steps + 1 + i, 1, nullptr);
    sum += loss;
    square += loss * loss;
  }
  result.loss = sum / checks;
  result.loss_error = std::sqrt(std::max(0.0, square / checks - result.loss * result.loss) / (checks - 1));
  result.posterior = svi.posterior(svi.x());
  result.trace = recorder.trace();
  result.seconds = recorder.seconds();

  auto& c = result.convergence;
  c.stopped_early = early || kept;
  c.notes = identifiability_notes(svi.problem());
  if (skipped > 0)
    c.notes.push_back(std::to_string(skipped) + " steps gave a loss that is not a number and were left out.");
  const std::size_t n = result.trace.size(), tenth = n / 10;
  char text[320];
  if (tenth >= 10) {
    const auto before = mean_and_error(result.trace, n - 2 * tenth, n - tenth),
               last = mean_and_error(result.trace, n - tenth, n);
    const double fall = before[0] - last[0], error = std::hypot(before[1], last[1]);
    c.converged = !kept && fall < std::max(3 * error, 0.5);
    std::snprintf(text, sizeof text,
                  "%s after %lld steps: over the last tenth of them the mean loss fell by %.3g ± %.2g nats (rule: less "
                  "than three standard errors, or half a nat).",
                  c.converged ? "Level" : "Still falling", static_cast<long long>(step), fall, error);
  } else {
    std::snprintf(text, sizeof text, "Too few steps (%lld) to say whether the loss is level.",
                  static_cast<long long>(step));
  }
  c.verdict = text;
  if (kept) c.verdict += " Stopped by you.";
  if (early) c.verdict += " Stopped early by its rule.";
  if (!c.converged) c.advice = "Take more steps, or use exact, which converges in tens of iterations.";
  if (!ours && svi.problem().scalar)
    c.notes.push_back("SCRIBE's loop optimises α and β apart: the spread of the shared " +
                      svi.problem().scalar->site().name + " is not to be trusted after it.");
  return result;
}

}  // namespace scriptorium::inference
