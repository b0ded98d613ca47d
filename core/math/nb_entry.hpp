#pragma once
#include "core/math/distributions.hpp"

/// One entry of the count matrix under the family's common formula: NB(r, p̂) behind a gate, given l = logit p̂.
namespace scriptorium::math {

/// log P and its slopes by r, l and the gate for one count.
struct NbEntry {
  double value = 0, dr = 0, dl = 0, dgate = 0;
};

/// ln P(0). `gated`: whether there is a gate at all; `free`: 0 where a clip holds l.
SCRIPTORIUM_HD inline NbEntry nb_zero(double r, double l, bool gated, double gate, bool slopes, double free) {
  const double log_1mp = -softplus(l), nb = r * log_1mp;
  NbEntry e;
  e.value = nb;
  e.dr = log_1mp;
  if (slopes) e.dl = -r * sigmoid(l) * free;
  if (gated) {
    e.value = log_inflated_zero(gate, nb);
    if (slopes) {
      const double weight = std::exp(std::log1p(-gate) + nb - e.value);  // that this zero came from the NB
      e.dr *= weight;
      e.dl *= weight;
      e.dgate = -std::expm1(nb) * std::exp(-e.value);
    }
  }
  return e;
}

/// ln P(u), u > 0.
SCRIPTORIUM_HD inline NbEntry nb_positive(double r, std::uint64_t u, double l, bool gated, double gate, bool slopes,
                                          double free) {
  const double log_p = -softplus(-l), log_1mp = -softplus(l);
  NbEntry e;
  e.value = nb_log_pmf(u, r, log_p, log_1mp);
  if (slopes) {
    e.dr = digamma_rising(r, u) + log_1mp;
    e.dl = (static_cast<double>(u) * sigmoid(-l) - r * sigmoid(l)) * free;
  }
  if (gated) {
    e.value += std::log1p(-gate);
    e.dgate = -1 / (1 - gate);
  }
  return e;
}

}  // namespace scriptorium::math
