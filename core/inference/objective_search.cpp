#include <algorithm>
#include <array>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/objective_pieces.hpp"

// The search of single genes' optima given all else.
namespace scriptorium::inference {
namespace {
constexpr double fewest = 5;  // cells with a count: fewer say nothing about a gate
}

/// Newton's method on one gene from `at`, which it moves; returns the gene's share of the loss there. Ends early where
/// what it hopes for stays above `hopeless`.
double Objective::descend_gene(std::int64_t gene, double* at, double hopeless, GeneScratch& scratch) const {
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
    if (!(slope < -1e-6) || (iteration > 2 && loss + slope > hopeless + 1)) break;
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

double Objective::improve_genes(std::vector<double>& x, const RunControl& control) {
  const auto& p = *problem_;
  if (p.gate_at < 0) return 0;
  choose_nodes(x);
  prepare_scalar(x);
  if (nonzeros_) spread_cells(x, control);
  const std::size_t size = gene_size(), gate = 2 * index(p.gate_at);
  std::vector<double> gained(index(compute::pieces(p.n_genes(), grain)));
  compute::parallel_for(p.n_genes(), grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    thread_local GeneScratch scratch;
    std::array<double, 6> here{}, best{};
    for (auto g = first; g < last; ++g) {
      control.check();
      if (p.summary->gene_nonzero[index(g)] < fewest) continue;
      if (nonzeros_) gather_gene(g, scratch);
      double* at = &x[gene_at(g)];
      // Nearly all zeros due to the gate; none of them due to it. The mean count stays what it is.
      const double measured = std::max(1.0, p.summary->gene_measured[index(g)]),
                   seen = p.summary->gene_nonzero[index(g)] / measured, closed = std::clamp(1 - 1.3 * seen, 0.0, 0.98);
      const double now = 1 / (1 + std::exp(-at[gate])), level = p.gene_sites[0].read(at[0]) + std::log1p(-now);
      std::copy_n(at, size, here.begin());
      std::array<std::uint8_t, 3> nodes{};
      choose_gene_nodes(at, nodes.data());
      GeneTerm term;
      std::vector<double> by_scalar(scalar_rule_.size());
      gene_term(g, at, nodes.data(), 0, scratch, term, by_scalar);
      const double before = term.divergence - term.log_likelihood;
      double least = descend_gene(g, here.data(), INFINITY, scratch);
      best = here;
      for (const double share : {0.02, closed}) {
        // Not where it is already, nor where nothing speaks for it.
        if (share == closed ? closed < 0.2 || now > 0.5 * closed : now < 0.15) continue;
        std::copy_n(at, size, here.begin());
        p.gene_sites[0].place(level - std::log1p(-share), 0.1, here.data());
        p.gene_sites[index(p.gate_at)].place(std::log(share / (1 - share)), 0.3, here.data() + gate);
        const double loss = descend_gene(g, here.data(), least, scratch);
        if (loss < least) {
          least = loss;
          best = here;
        }
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
