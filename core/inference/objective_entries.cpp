#include <cmath>

#include "core/compute/kernels.hpp"
#include "core/inference/objective.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/distributions.hpp"

namespace scriptorium::inference {

void Objective::entry_values(const std::vector<double>& x, std::int64_t gene, std::span<const std::uint32_t> counts,
                             double* out, double& zero) const {
  const auto& p = *problem_;
  const double* at = &x[gene_at(gene)];
  const std::uint8_t* nodes = &gene_nodes_[index(gene) * p.gene_sites.size()];
  const bool by_odds = p.mean == Mean::MeanTimesOdds, own_p = p.mean == Mean::MeanAndDispersion;
  thread_local std::array<SiteRule, 3> rules;
  for (std::size_t s = 0; s < p.gene_sites.size(); ++s)
    p.gene_sites[s].make_rule(at[2 * s], at[2 * s + 1], nodes[s], false, rules[s]);

  // r at its nodes: along its own site, or (first site × scalar).
  const SiteRule& level = own_p ? rules[1] : rules[0];
  const std::size_t along = by_odds ? scalar_rule_.size() : 1;
  thread_local std::vector<double> r, weight, rising;
  r.resize(level.size() * along);
  weight.resize(r.size());
  rising.assign(r.size(), 0.0);
  for (std::size_t i = 0; i < r.size(); ++i) {
    r[i] = std::exp(level.value[i / along] + (by_odds ? scalar_rule_.value[i % along] : 0));
    weight[i] = level.weight[i / along] * (by_odds ? scalar_rule_.weight[i % along] : 1);
  }
  double per_count = 0, constant = 0;
  zero = 0;
  if (!p.capture) {
    const SiteRule* gate = p.gate_at >= 0 ? &rules[index(p.gate_at)] : nullptr;
    const std::size_t second = own_p ? rules[1].size() : 1, depth = own_p ? 1 : scalar_rule_.size();
    for (std::size_t i = 0; i < rules[0].size(); ++i)
      for (std::size_t j = 0; j < second; ++j)
        for (std::size_t k = 0; k < depth; ++k) {
          const double log_odds = own_p ? rules[1].value[j] - rules[0].value[i] : scalar_rule_.value[k];
          const double its = r[own_p ? j : i * along + (by_odds ? k : 0)];
          const double w = rules[0].weight[i] * (own_p ? rules[1].weight[j] : scalar_rule_.weight[k]);
          constant += w * its * (own_p ? -math::softplus(-log_odds) : log_1mp_[k]);
          per_count += w * (own_p ? -math::softplus(log_odds) : log_p_[k]);
        }
    zero = gate ? zero_[index(gene)] : constant;
    for (std::size_t q = 0; gate && q < gate->size(); ++q) constant -= gate->weight[q] * math::softplus(gate->value[q]);
  }
  std::uint32_t done = 0;
  for (std::size_t n = 0; n < counts.size(); ++n) {
    if (counts[n] - done <= 4) {
      for (; done < counts[n]; ++done) compute::add_log(r.data(), done, 1, rising.data(), r.size());
    } else {
      for (std::size_t i = 0; i < r.size(); ++i) rising[i] += math::log_rising(r[i] + done, counts[n] - done);
      done = counts[n];
    }
    double sum = 0;
    for (std::size_t i = 0; i < r.size(); ++i) sum += weight[i] * rising[i];
    out[n] = sum + counts[n] * per_count + constant - zero;
  }
}

}  // namespace scriptorium::inference
