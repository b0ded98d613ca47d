#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/inference/gene_descent.hpp"
#include "core/inference/gene_relief.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/elementary.hpp"

// The search of single genes' optima given all else.
namespace scriptorium::inference {

bool Objective::hold_rest(const std::vector<double>& x, const RunControl& control) {
  if (!inside(x)) return false;
  prepare_scalar(x);
  if (nonzeros_) spread_cells(x, control);
  return true;
}

double Objective::gene_loss(std::int64_t gene, const double* at, const std::uint8_t* nodes, GeneScratch& scratch,
                            GeneTerm& term) const {
  const auto& p = *problem_;
  for (std::size_t s = 0; s < p.gene_sites.size(); ++s)
    if (!site_inside(p.gene_sites[s], at + 2 * s)) return INFINITY;
  scratch.by_scalar.assign(scalar_rule_.size(), 0.0);
  gene_term(gene, at, nodes, 0, scratch, term, scratch.by_scalar);
  return term.divergence - term.log_likelihood;
}

namespace {

/// What descend() moves: a gene of one objective.
class GeneAlone {
 public:
  GeneAlone(const Objective& objective, std::int64_t gene, Objective::GeneScratch& scratch)
      : objective_(objective), gene_(gene), scratch_(scratch) {}
  double move_to(std::span<const double> at) {
    std::copy(at.begin(), at.end(), at_.begin());
    std::array<std::uint8_t, 3> nodes{};
    objective_.choose_gene_nodes(at.data(), nodes.data());
    if (nodes == nodes_ && std::equal(at.begin(), at.end(), tried_.begin())) {  // where it has just been
      std::swap(term_, next_);
      return found_;
    }
    nodes_ = nodes;
    return objective_.gene_loss(gene_, at.data(), nodes_.data(), scratch_, term_);
  }
  double try_at(std::span<const double> at) {
    std::copy(at.begin(), at.end(), tried_.begin());
    return found_ = objective_.gene_loss(gene_, at.data(), nodes_.data(), scratch_, next_);
  }
  const double* gradient() const { return term_.gradient.data(); }
  void newton_step(std::span<double> step) const {
    solve_block(term_.block.data(), term_.gradient.data(), step.size(), step.data());
    const auto& sites = objective_.problem().gene_sites;
    for (std::size_t s = 0; s < sites.size(); ++s) keep_site_inside(sites[s], &at_[2 * s], &step[2 * s]);
  }

 private:
  const Objective& objective_;
  std::int64_t gene_;
  Objective::GeneScratch& scratch_;
  Objective::GeneTerm term_, next_;
  std::array<std::uint8_t, 3> nodes_{};
  std::array<double, 6> at_{}, tried_{};
  double found_ = INFINITY;
};

}  // namespace

double Objective::descend_gene(std::int64_t gene, double* at, double enough, double out_of_reach,
                               GeneScratch& scratch) const {
  GeneAlone alone(*this, gene, scratch);
  return descend(alone, {at, gene_size()}, enough, out_of_reach);
}

Axes Objective::gene_axes(const double* at) const {
  const auto& p = *problem_;
  const bool own_p = p.mean == Mean::MeanAndDispersion;
  const std::size_t gate = p.gene_sites.size() - 1;
  // The mean count stays about what it is: θ rises as the gate closes.
  const double level = p.gene_sites[0].read(at[0]) - math::softplus(p.gene_sites[gate].read(at[2 * gate]));
  Axes axes;
  axes.add(level - 1.4, own_p ? 0.7 : 0.35, own_p ? 10 : 19);
  if (own_p) axes.add(p.gene_sites[1].read(at[2]) - 3.5, 0.7, 14);
  axes.add(-6, 0.7, 15);
  return axes;
}

namespace {
double axis_of(const SiteFamily& family, double value) {
  std::array<double, 2> z;
  family.place(value, 0.1, z.data());
  return z[0];
}
}  // namespace

void Objective::gene_relief(std::int64_t gene, const Axes& axes, const std::array<bool, 3>& with_prior,
                            GeneScratch& scratch) const {
  const auto& p = *problem_;
  const std::size_t sites = p.gene_sites.size();
  for (std::size_t s = 0; s < sites; ++s) {
    auto& rule = scratch.rules[s];
    rule.value.resize(axes.size[s]);
    rule.weight.assign(axes.size[s], 0.0);  // values at the nodes are wanted, not their average
    for (std::size_t i = 0; i < axes.size[s]; ++i) rule.value[i] = axes.value(s, i);
  }
  const auto rules = std::span<const SiteRule>(scratch.rules).first(sites);
  scratch.by_scalar.assign(scalar_rule_.size(), 0.0);
  gene_values(gene, rules, scratch, scratch.by_scalar);
  if (nonzeros_) gene_tables(gene, rules, scratch);

  // The prior on each site's own axis; a density of ln θ is one of z times dz/d ln θ, which the width of a top takes
  // in.
  std::array<std::vector<double>, 3> prior;
  for (std::size_t s = 0; s < 3; ++s) prior[s].assign(axes.size[s], 0.0);
  for (std::size_t s = 0; s < sites; ++s)
    for (std::size_t i = 0; i < axes.size[s] && with_prior[s]; ++i) {
      const double z = axis_of(p.gene_sites[s], axes.value(s, i));
      prior[s][i] = p.gene_sites[s].log_prior(z, 0) - std::log(p.gene_sites[s].read_slope(z));
    }
  for (std::size_t i = 0, node = 0; i < axes.size[0]; ++i)
    for (std::size_t j = 0; j < axes.size[1]; ++j)
      for (std::size_t k = 0; k < axes.size[2]; ++k, ++node)
        scratch.f[node] += prior[0][i] + (sites == 3 ? prior[1][j] + prior[2][k] : prior[1][j]);
}

void Objective::place_site(std::size_t site, const Top& top, double* coordinates) const {
  const auto& family = problem_->gene_sites[site];
  const double slope = family.read_slope(axis_of(family, top.value[site]));
  family.place(top.value[site], std::max(top.sd[site] / std::fabs(slope), 1e-4), coordinates);
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
    const auto loss_at = [&](std::int64_t gene, const double* at) {
      std::array<std::uint8_t, 3> nodes{};
      choose_gene_nodes(at, nodes.data());
      return gene_loss(gene, at, nodes.data(), scratch, term);
    };
    for (auto g = first; g < last; ++g) {
      control.check();
      if (p.summary->gene_nonzero[index(g)] < fewest_nonzeros) continue;
      if (nonzeros_) gather_gene(g, scratch);
      double* at = &x[gene_at(g)];
      const double before = loss_at(g, at);
      const Axes axes = gene_axes(at);
      gene_relief(g, axes, {true, true, true}, scratch);
      GridPlace now{};
      for (std::size_t s = 0; s < sites; ++s) now[s] = axes.nearest(s, p.gene_sites[s].read(at[2 * s]));
      const auto found = summits_of({axes, scratch.f}, now, hopeless_summit);
      std::array<double, 6> best{}, here{};
      std::copy_n(at, size, best.begin());
      double least = before;
      const auto keep = [&](double loss) {
        if (!(loss < least)) return;
        least = loss;
        best = here;
      };
      const auto go_to = [&](const Summit& summit) {
        for (std::size_t s = 0; s < sites; ++s) place_site(s, summit.top, &here[2 * s]);
      };
      go_to(found[0]);
      keep(loss_at(g, here.data()));
      // Which of several is the best, their own optima say.
      for (std::size_t k = 0; found.size() > 1 && k < found.size(); ++k) {
        if (k == 0)
          here = best;
        else
          go_to(found[k]);
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
