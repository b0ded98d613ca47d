#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/elementary.hpp"

// The search of single genes' optima given all else.
namespace scriptorium::inference {
namespace {
constexpr double fewest = 5;    // cells with a count: fewer say nothing about a gate
constexpr double hopeless = 3;  // nats by which a summit may look lower and still be tried
}  // namespace

/// Newton's method on one gene from `at`, which it moves; returns the gene's share of the loss there. Ends when about
/// `enough` nats are left to gain, and early where what it hopes for stays above `out_of_reach`.
double Objective::descend_gene(std::int64_t gene, double* at, double enough, double out_of_reach,
                               GeneScratch& scratch) const {
  const auto& p = *problem_;
  const std::size_t sites = p.gene_sites.size(), size = gene_size();
  std::array<std::uint8_t, 3> nodes{};
  std::array<double, 6> step{}, trial{};
  std::vector<double> by_scalar(scalar_rule_.size());
  GeneTerm term, next;
  const auto loss_at = [&](const double* here, GeneTerm& out) -> double {
    for (std::size_t s = 0; s < sites; ++s)
      if (!site_inside(p.gene_sites[s], here + 2 * s)) return INFINITY;
    gene_term(gene, here, nodes.data(), 0, scratch, out, by_scalar);
    return out.divergence - out.log_likelihood;
  };
  choose_gene_nodes(at, nodes.data());
  double loss = loss_at(at, term);
  for (int iteration = 0; iteration < 40 && std::isfinite(loss); ++iteration) {
    solve_block(term.block.data(), term.gradient.data(), size, step.data());
    for (std::size_t s = 0; s < sites; ++s) keep_site_inside(p.gene_sites[s], at + 2 * s, &step[2 * s]);
    double longest = 1, slope = 0;
    for (std::size_t a = 0; a < size; ++a) longest = std::max(longest, std::fabs(step[a]) / (a % 2 ? 1.0 : 2.0));
    for (std::size_t a = 0; a < size; ++a) slope += (step[a] /= longest) * term.gradient[a];
    if (!(slope < -2 * enough) || (iteration > 2 && loss + slope > out_of_reach + 1)) break;
    double t = 1, found = INFINITY;
    for (int attempt = 0; attempt < 12; ++attempt, t *= 0.4) {
      for (std::size_t a = 0; a < size; ++a) trial[a] = at[a] + t * step[a];
      found = loss_at(trial.data(), next);
      if (found <= loss + 1e-4 * t * slope) break;
    }
    if (!(found < loss)) break;
    std::copy_n(trial.begin(), size, at);
    choose_gene_nodes(at, nodes.data());
    loss = loss_at(at, term);
  }
  return loss;
}

namespace {

/// Points of a gene's coordinates that read as values on even axes: ln θ, then (mean_disp) ln r, then the gate's logit.
struct Axes {
  std::array<double, 3> low{}, spacing{1, 1, 1};
  std::array<std::size_t, 3> size{1, 1, 1};
  std::size_t used = 0;
  void add(double from, double step, std::size_t n) {
    low[used] = from;
    spacing[used] = step;
    size[used++] = n;
  }
  double value(std::size_t axis, std::size_t i) const { return low[axis] + static_cast<double>(i) * spacing[axis]; }
  std::size_t nearest(std::size_t axis, double what) const {
    return static_cast<std::size_t>(
        std::clamp((what - low[axis]) / spacing[axis] + 0.5, 0.0, static_cast<double>(size[axis]) - 1));
  }
};
using Place = std::array<std::size_t, 3>;

/// A function at all points of axes, the last axis running fastest.
struct Relief {
  const Axes& axes;
  const std::vector<double>& height;
  double at(const Place& p) const { return height[(p[0] * axes.size[1] + p[1]) * axes.size[2] + p[2]]; }
  /// The highest neighbour, or the place itself at a summit.
  Place uphill(const Place& from) const {
    Place best = from;
    const auto low = [&](std::size_t k) { return from[k] > 0 ? from[k] - 1 : 0; };
    const auto high = [&](std::size_t k) { return std::min(from[k] + 1, axes.size[k] - 1); };
    for (auto i = low(0); i <= high(0); ++i)
      for (auto j = low(1); j <= high(1); ++j)
        for (auto k = low(2); k <= high(2); ++k)
          if (at({i, j, k}) > at(best)) best = {i, j, k};
    return best;
  }
  Place summit(Place from) const {
    for (;;) {
      const Place next = uphill(from);
      if (next == from) return from;
      from = next;
    }
  }
};

/// A parabola through three neighbours on each axis: where its top is, and how wide.
struct Top {
  double height = 0;  ///< with the width: what a mean-field ELBO would be there, but for a constant
  std::array<double, 3> value{}, sd{};
};
Top top_of(const Relief& relief, const Place& place) {
  Top out;
  out.height = relief.at(place);
  for (std::size_t k = 0; k < relief.axes.used; ++k) {
    double shift = 0, sd = relief.axes.spacing[k];
    if (place[k] > 0 && place[k] + 1 < relief.axes.size[k]) {
      Place left = place, right = place;
      --left[k];
      ++right[k];
      const double below = relief.at(left), above = relief.at(right), bend = 2 * relief.at(place) - below - above;
      if (bend > 0) {
        shift = 0.5 * (above - below) / bend;
        sd *= std::sqrt(1 / bend);
        out.height += 0.25 * (above - below) * shift;
      }
    }
    out.value[k] = relief.axes.value(k, place[k]) + shift * relief.axes.spacing[k];
    out.sd[k] = std::clamp(sd, 1e-3, 1.0);
    out.height += std::log(out.sd[k]);
  }
  return out;
}

}  // namespace

/// The summits of one gene's posterior given all else, looked for at points a third to two thirds apart: the one that
/// `at` belongs to first, then, best first, those that are not hopelessly lower. One tensor of values finds them all.
std::vector<Objective::Summit> Objective::summits(std::int64_t gene, const double* at, GeneScratch& scratch) const {
  const auto& p = *problem_;
  const bool own_p = p.mean == Mean::MeanAndDispersion;
  const std::size_t sites = p.gene_sites.size(), gate = sites - 1;
  const double now = p.gene_sites[gate].read(at[2 * gate]);
  // The mean count stays about what it is: θ rises as the gate closes.
  const double level = p.gene_sites[0].read(at[0]) - math::softplus(now);
  Axes axes;
  axes.add(level - 1.4, own_p ? 0.7 : 0.35, own_p ? 10 : 19);
  if (own_p) axes.add(p.gene_sites[1].read(at[2]) - 3.5, 0.7, 14);
  axes.add(-6, 0.7, 15);
  for (std::size_t s = 0; s < sites; ++s) {
    auto& rule = scratch.rules[s];
    rule.value.resize(axes.size[s]);
    rule.weight.assign(axes.size[s], 0.0);  // values at the nodes are wanted, not their average
    for (std::size_t i = 0; i < axes.size[s]; ++i) rule.value[i] = axes.value(s, i);
  }
  const auto rules = std::span<const SiteRule>(scratch.rules).first(sites);
  std::vector<double> by_scalar(scalar_rule_.size());
  gene_values(gene, rules, scratch, by_scalar);
  if (nonzeros_) gene_tables(gene, rules, scratch);

  // The prior on each site's own axis; a density of ln θ is one of z times dz/d ln θ, which the width below takes in.
  std::array<std::vector<double>, 3> prior;
  const auto axis_of = [&](std::size_t s, double value) {
    std::array<double, 2> z;
    p.gene_sites[s].place(value, 0.1, z.data());
    return z[0];
  };
  for (std::size_t s = 0; s < sites; ++s)
    for (std::size_t i = 0; i < axes.size[s]; ++i) {
      const double z = axis_of(s, axes.value(s, i));
      prior[s].push_back(p.gene_sites[s].log_prior(z, 0) - std::log(p.gene_sites[s].read_slope(z)));
    }
  for (std::size_t i = 0, node = 0; i < axes.size[0]; ++i)
    for (std::size_t j = 0; j < axes.size[1]; ++j)
      for (std::size_t k = 0; k < axes.size[2]; ++k, ++node)
        scratch.f[node] += prior[0][i] + (own_p ? prior[1][j] + prior[2][k] : prior[1][j]);

  const Relief relief{axes, scratch.f};
  Place here{};
  for (std::size_t s = 0; s < sites; ++s) here[s] = axes.nearest(s, p.gene_sites[s].read(at[2 * s]));
  here = relief.summit(here);
  std::vector<Summit> out;
  const auto add = [&](const Place& place) {
    const Top top = top_of(relief, place);
    Summit summit{top.height, {}};
    for (std::size_t s = 0; s < sites; ++s) {
      const double slope = p.gene_sites[s].read_slope(axis_of(s, top.value[s]));
      p.gene_sites[s].place(top.value[s], std::max(top.sd[s] / std::fabs(slope), 1e-4), &summit.at[2 * s]);
    }
    out.push_back(summit);
  };
  add(here);
  const double floor = out[0].height - hopeless;
  for (std::size_t i = 0; i < axes.size[0]; ++i)
    for (std::size_t j = 0; j < axes.size[1]; ++j)
      for (std::size_t k = 0; k < axes.size[2]; ++k) {
        const Place place{i, j, k};
        if (place == here || relief.at(place) < floor || relief.uphill(place) != place) continue;
        add(place);
        if (out.back().height < floor) out.pop_back();
      }
  std::sort(out.begin() + 1, out.end(), [](const Summit& a, const Summit& b) { return a.height > b.height; });
  if (out.size() > 3) out.resize(3);
  return out;
}

double Objective::improve_genes(std::vector<double>& x, const RunControl& control) {
  const auto& p = *problem_;
  if (p.gate_at < 0) return 0;
  choose_nodes(x);
  prepare_scalar(x);
  if (nonzeros_) spread_cells(x, control);
  const std::size_t size = gene_size(), sites = p.gene_sites.size();
  std::vector<double> gained(index(compute::pieces(p.n_genes(), grain)));
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    thread_local GeneScratch scratch;
    GeneTerm term;
    std::vector<double> by_scalar(scalar_rule_.size());
    const auto loss_at = [&](std::int64_t gene, const double* at) -> double {
      for (std::size_t s = 0; s < sites; ++s)
        if (!site_inside(p.gene_sites[s], at + 2 * s)) return INFINITY;
      std::array<std::uint8_t, 3> nodes{};
      choose_gene_nodes(at, nodes.data());
      gene_term(gene, at, nodes.data(), 0, scratch, term, by_scalar);
      return term.divergence - term.log_likelihood;
    };
    for (auto g = first; g < last; ++g) {
      control.check();
      if (p.summary->gene_nonzero[index(g)] < fewest) continue;
      if (nonzeros_) gather_gene(g, scratch);
      double* at = &x[gene_at(g)];
      const double before = loss_at(g, at);
      const auto found = summits(g, at, scratch);
      std::array<double, 6> best{}, here{};
      std::copy_n(at, size, best.begin());
      double least = before;
      const auto keep = [&](double loss) {
        if (!(loss < least)) return;
        least = loss;
        best = here;
      };
      here = found[0].at;
      keep(loss_at(g, here.data()));
      // Which of several is the best, their own optima say.
      for (std::size_t k = 0; found.size() > 1 && k < found.size(); ++k) {
        here = k == 0 ? best : found[k].at;
        keep(descend_gene(g, here.data(), 1e-6, k == 0 ? INFINITY : least, scratch));
      }
      if (!(least < before)) continue;
      gained[index(piece)] += before - least;
      std::copy_n(best.begin(), size, at);
    }
  });
  double sum = 0;
  for (const double part : gained) sum += part;
  return sum;
}

}  // namespace scriptorium::inference
