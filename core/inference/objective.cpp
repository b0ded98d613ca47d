#include "core/inference/objective.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/compute/parallel.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/distributions.hpp"

namespace scriptorium::inference {
namespace {
constexpr double flattest = 0.1;  // α or β of a Beta that its rules still integrate

double flatter(const SiteFamily& family, double x1, double x2) {
  const auto [a, b] = family.arguments(x1, x2);
  return std::min(a, b);
}
}  // namespace

bool site_inside(const SiteFamily& family, const double* at) {
  return !family.beta() || flatter(family, at[0], at[1]) >= flattest;
}

void keep_site_inside(const SiteFamily& family, const double* at, double* step) {
  if (!family.beta()) return;
  const auto least = [&](double share) { return flatter(family, at[0] + share * step[0], at[1] + share * step[1]); };
  const double floor = flattest + 0.1 * (least(0) - flattest);
  double share = 1;
  while (share > 1e-6 && !(least(share) >= floor)) share *= 0.5;
  if (share <= 1e-6) share = 0;  // at the wall and pressing against it
  step[0] *= share;
  step[1] *= share;
}

Objective::Objective(const Problem& problem, int threads, std::optional<double> fixed_scalar)
    : problem_(&problem), threads_(threads), fixed_scalar_(fixed_scalar) {
  scalar_size_ = problem.scalar && !fixed_scalar ? 2 : 0;
  size_ = cell_at(problem.units.size());
  gene_nodes_.assign(index(problem.n_genes()) * problem.gene_sites.size(), 8);
  cell_nodes_.assign(problem.units.size(), 8);
  if (problem.visits_nonzeros) nonzeros_ = std::make_unique<NonzeroPass>(problem);
  system_.gene_size = static_cast<int>(gene_size());
  system_.has_scalar = scalar_size_ > 0;
  system_.coupled = problem.capture;
  system_.problem = problem_;
}

/// R = Σ r for the start: genes share one dispersion, r_g = R π_g with π the composition of all counts, and cells are
/// Dirichlet-multinomial given their totals. The likelihood of that in ln R rises to one top.
double Objective::start_dispersion(const std::vector<double>& share) const {
  const auto& p = *problem_;
  const auto slope = [&](double r) {
    std::vector<double> parts(index(compute::pieces(p.n_genes(), grain)));
    compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
      for (auto g = first; g < last; ++g)
        parts[index(piece)] += share[index(g)] * sum_rising_slope(p.tail_runs(g), r * share[index(g)]);
    });
    double sum = 0;
    for (const double part : parts) sum += part;
    for (const auto& cells : p.summary->classes) sum -= cells.cells * math::digamma_rising(r, cells.total);
    return sum;
  };
  double low = -2, high = 14;
  for (int step = 0; step < 12; ++step) {
    const double middle = 0.5 * (low + high);
    (slope(std::exp(middle)) > 0 ? low : high) = middle;
  }
  return std::exp(0.5 * (low + high));
}

std::vector<double> Objective::start() const {
  const auto& p = *problem_;
  const auto& s = *p.summary;
  std::vector<double> x(size_);
  std::vector<double> share;
  double sum = 0, largest = 1;
  for (std::size_t g = 0; g < index(p.n_genes()); ++g) {
    share.push_back(std::max(s.gene_total[g], 0.5) / std::max(1.0, s.gene_measured[g]));
    sum += share.back();
  }
  for (double& v : share) v /= sum;
  for (const auto& cells : s.classes) largest = std::max(largest, static_cast<double>(cells.total));
  // A cell whose capture is 1 would have this many counts: what the prior says, or the largest there is.
  const double dispersion = start_dispersion(share),
               mean_total = std::max(s.total() / static_cast<double>(p.n_cells()), 1e-3);
  const double whole = !p.capture              ? mean_total
                       : p.model.capture_prior ? std::exp(p.model.capture_prior->log_m0)
                                               : 1.1 * largest;
  const double log_phi = std::log(dispersion / whole);
  if (scalar_size_) p.scalar->place(log_phi, 0.1, &x[0]);
  for (std::int64_t g = 0; g < p.n_genes(); ++g) {
    const double log_r = std::log(dispersion * share[index(g)]), spread = 1 / std::sqrt(1 + s.gene_nonzero[index(g)]);
    for (std::size_t k = 0; k < p.gene_sites.size(); ++k) {
      double* at = &x[gene_at(g) + 2 * k];
      if (static_cast<int>(k) == p.gate_at) {
        at[0] = p.gene_sites[k].start()[0];
        at[1] = p.gene_sites[k].start()[1];
      } else {
        p.gene_sites[k].place(p.gene_sites[k].site().name == "mu" ? log_r - log_phi : log_r, spread, at);
      }
    }
  }
  for (std::size_t u = 0; u < p.units.size(); ++u)
    p.cell->place(std::clamp(std::log(std::max(p.units[u].total, 1.0) / whole), -12.0, -0.05), 0.3, &x[cell_at(u)]);
  return x;
}

bool Objective::choose_nodes(const std::vector<double>& x) {
  const auto& p = *problem_;
  const auto before = std::tie(scalar_nodes_, gene_nodes_, cell_nodes_);
  const std::tuple<int, std::vector<std::uint8_t>, std::vector<std::uint8_t>> old = before;
  scalar_nodes_ = scalar_size_ ? p.scalar->nodes_for(x[0], x[1]) : 1;
  compute::parallel_for(p.n_genes(), 1024, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto g = first; g < last; ++g) choose_gene_nodes(&x[gene_at(g)], &gene_nodes_[index(g) * p.gene_sites.size()]);
  });
  for (std::size_t u = 0; u < p.units.size(); ++u)
    cell_nodes_[u] = static_cast<std::uint8_t>(p.cell->nodes_for(x[cell_at(u)], x[cell_at(u) + 1]));
  const bool changed = before != old;
  if (!nonzeros_) return changed;

  // The interval of t: what the nodes that carry weight span. t grows with the capture, so that the outermost of its
  // nodes say it.
  prepare_scalar(x);
  struct Interval {
    double low = INFINITY, high = -INFINITY;
  };
  const auto units = static_cast<std::int64_t>(p.units.size());
  std::vector<Interval> spans(index(compute::pieces(units, 1024)));
  compute::parallel_for(units, 1024, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    SiteRule rule;
    auto& span = spans[index(piece)];
    for (auto u = index(first); u < index(last); ++u) {
      p.cell->make_rule(x[cell_at(u)], x[cell_at(u) + 1], cell_nodes_[u], false, rule);
      for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
        Interval carried;
        for (std::size_t i = 0; i < rule.size(); ++i) {
          if (rule.weight[i] < 1e-8 || scalar_rule_.weight[k] * rule.weight[i] < 1e-8) continue;
          carried.low = std::min(carried.low, rule.value[i]);
          carried.high = std::max(carried.high, rule.value[i]);
        }
        if (carried.low > carried.high) continue;
        const auto t = [&](double value) {
          return p.scalar ? std::log(math::softplus(value - scalar_rule_.value[k])) + std::log(rho_[k]) : value;
        };
        span.low = std::min(span.low, t(carried.low));
        span.high = std::max(span.high, t(carried.high));
      }
    }
  });
  double low = INFINITY, high = -INFINITY;
  for (const auto& span : spans) {
    low = std::min(low, span.low);
    high = std::max(high, span.high);
  }
  // Room for steps, in whole units, so that a grid serves many of them; nodes as close as the singularities of the
  // functions ask for (within about 0.6π of the real axis where zeros are inflated, π elsewhere).
  // What lies e^−16 below the most captured cell is as good as nothing.
  high = std::ceil(high + 0.25);
  low = std::max(std::floor(low - 0.25), high - 16);
  if (low == grid_low_ && high == grid_high_) return changed;
  grid_low_ = low;
  grid_high_ = high;
  nonzeros_->grid.set(low, high, p.zero_inflated ? 0.125 : 0.2);
  nonzeros_->resize();
  return true;
}

void Objective::choose_gene_nodes(const double* at, std::uint8_t* nodes) const {
  const auto& p = *problem_;
  const std::size_t sites = p.gene_sites.size();
  // Where three axes meet in a gene's tensor, the zero term is smooth enough for fewer nodes each.
  const int most = p.visits_nonzeros && sites == 3 ? 12 : sites == 3 || p.visits_nonzeros ? 24 : 64;
  for (std::size_t s = 0; s < sites; ++s) {
    const auto& family = p.gene_sites[s];
    nodes[s] =
        static_cast<std::uint8_t>(std::min(family.beta() ? 255 : most, family.nodes_for(at[2 * s], at[2 * s + 1])));
  }
}

bool Objective::nodes_serve(std::int64_t gene, const double* at) const {
  const std::size_t sites = problem_->gene_sites.size();
  std::array<std::uint8_t, 3> wanted{};
  choose_gene_nodes(at, wanted.data());
  for (std::size_t s = 0; s < sites; ++s) {
    const int has = gene_nodes_[index(gene) * sites + s];
    // A tenth less of a Beta's nodes costs a tenth of its digits; those of Normals come in large steps.
    if (wanted[s] > (problem_->gene_sites[s].beta() ? has + has / 10 : has)) return false;
  }
  return true;
}

bool Objective::inside(const std::vector<double>& x) const {
  const auto& p = *problem_;
  if (scalar_size_ && !site_inside(*p.scalar, x.data())) return false;
  for (std::size_t s = 0; s < p.gene_sites.size(); ++s)
    for (std::int64_t g = 0; p.gene_sites[s].beta() && g < p.n_genes(); ++g)
      if (!site_inside(p.gene_sites[s], &x[gene_at(g) + 2 * s])) return false;
  for (std::size_t u = 0; u < p.units.size(); ++u)
    if (!site_inside(*p.cell, &x[cell_at(u)])) return false;
  return true;
}

void Objective::keep_inside(const std::vector<double>& x, std::vector<double>& step) const {
  const auto& p = *problem_;
  for (std::size_t s = 0; s < p.gene_sites.size(); ++s)
    for (std::int64_t g = 0; p.gene_sites[s].beta() && g < p.n_genes(); ++g) {
      const std::size_t at = gene_at(g) + 2 * s;
      keep_site_inside(p.gene_sites[s], &x[at], &step[at]);
    }
  for (std::size_t u = 0; u < p.units.size(); ++u) keep_site_inside(*p.cell, &x[cell_at(u)], &step[cell_at(u)]);
}

void Objective::prepare_scalar(const std::vector<double>& x) {
  const auto& p = *problem_;
  if (scalar_size_) {
    p.scalar->make_rule(x[0], x[1], scalar_nodes_, true, scalar_rule_);
  } else {
    scalar_rule_.value = {p.scalar ? p.scalar->read(*fixed_scalar_) : 0};
    scalar_rule_.weight = {1};
    for (auto& s : scalar_rule_.score) s = {0};
    for (auto& h : scalar_rule_.curvature) h = {0};
  }
  const std::size_t n = scalar_rule_.size();
  log_p_.resize(n);
  log_1mp_.resize(n);
  rho_.resize(n);
  for (std::size_t k = 0; k < n; ++k) {
    const double lphi = scalar_rule_.value[k];
    log_p_[k] = -math::softplus(lphi);
    log_1mp_[k] = -math::softplus(-lphi);
    rho_[k] = p.mean == Mean::MeanTimesOdds ? std::exp(lphi) : 1;
  }
}

double Objective::evaluate(const std::vector<double>& x, std::vector<double>* settled, std::vector<double>* gradient,
                           NewtonSystem* system, const RunControl& control) {
  const auto& p = *problem_;
  const auto genes = index(p.n_genes()), size = gene_size(), units = p.units.size();
  if (!inside(x)) return INFINITY;
  gradient_.assign(size_, 0.0);
  zero_.resize(genes);
  system_.gene_block.resize(genes * size * size);
  system_.gene_scalar.resize(genes * size * 2);
  system_.gene_loss.resize(p.capture && !nonzeros_ ? 0 : genes);
  if (nonzeros_) {
    mean_.resize(genes);
    unit_rate_.resize(units);
  } else {
    system_.gene_mean.assign(genes * size, 0.0);
  }
  system_.cell_block.resize(units * 3);
  system_.cell_scalar.resize(units * 4);
  if (!nonzeros_) system_.cell_rate.resize(units * 2);
  log_likelihood_ = -p.summary->sum_log_factorial;
  system_.scalar_rate.assign(2 * p.n_patterns(), 0.0);
  divergence_ = 0;
  rate_sum_.assign(p.n_patterns(), 0.0);
  prepare_scalar(x);
  phi_k_.assign(scalar_rule_.size(), 0.0);

  if (nonzeros_) {
    spread_cells(x, control);
    gene_pass(x, {}, settled, control);
    mean_sum_ = expected_means(x);
    cell_pass(x, control);
    if (system) couple(x);
  } else {
    if (p.capture) {
      mean_sum_ = expected_means(x);
      cell_pass(x, control);
    }
    gene_pass(x, p.over_measured(rate_sum_), settled, control);
  }

  if (scalar_size_) {
    const auto d = p.scalar->divergence(x[0], x[1], 0);
    divergence_ += d.value;
    double g[2] = {0, 0}, h[3] = {0, 0, 0}, middle = 0;
    for (std::size_t k = 0; k < scalar_rule_.size(); ++k) middle += scalar_rule_.weight[k] * phi_k_[k];
    for (std::size_t k = 0; k < scalar_rule_.size(); ++k) {
      const double f = scalar_rule_.weight[k] * (phi_k_[k] - middle);  // scores average to 0: less to cancel
      for (std::size_t b = 0; b < 2; ++b) g[b] += f * scalar_rule_.score[b][k];
      for (std::size_t b = 0; b < 3; ++b) h[b] += f * scalar_rule_.curvature[b][k];
    }
    for (std::size_t b = 0; b < 2; ++b) gradient_[b] = d.gradient[b] - g[b];
    for (std::size_t b = 0; b < 3; ++b) system_.scalar_block[b] = d.hessian[b] - h[b];
  } else if (p.scalar) {
    divergence_ -= p.scalar->log_prior(*fixed_scalar_, 0);
  }
  if (gradient) *gradient = gradient_;
  if (system) *system = system_;
  return divergence_ - log_likelihood_;
}

}  // namespace scriptorium::inference
