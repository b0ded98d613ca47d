#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/compute/parallel.hpp"
#include "core/data/dataset.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/signature.hpp"

/// Simulated screens in which it is known which cells respond.
namespace simulated_screen {

struct Options {
  std::int64_t cells = 600, genes = 120;
  int targets = 4;          ///< beside the control; the second half of them has no effect
  double controls = 0.3;    ///< share of cells
  int effect_genes = 20;    ///< of a target that has an effect; half of them go up, half down
  double effect = 1;        ///< log units
  double responders = 0.5;  ///< share of the cells of a target with an effect
  double counts = 1500;     ///< of a cell, on average
  bool same_genes = false;  ///< all targets with an effect move the same genes
  int splits = 2, guides = 3;
  std::uint64_t seed = 1;
};

struct Screen {
  scriptorium::data::Dataset data;     ///< columns target ("NT", "T0", …), guide ("T0g1", …), rep ("r0", …)
  std::vector<std::uint8_t> responds;  ///< of each cell
  int with_effect = 0;                 ///< targets T0 … T(with_effect − 1) have an effect
};

inline std::string numbered(std::string name, std::int64_t number) {
  name += std::to_string(number);
  return name;
}

inline Screen make(const Options& options) {
  using scriptorium::math::Purpose;
  using scriptorium::math::Random;
  namespace data = scriptorium::data;
  Screen out;
  out.with_effect = (options.targets + 1) / 2;
  const auto n = static_cast<std::size_t>(options.cells), m = static_cast<std::size_t>(options.genes);
  std::vector<double> mean(m);
  double sum = 0;
  for (std::size_t g = 0; g < m; ++g)
    sum += mean[g] = std::exp(1.2 * Random(options.seed, Purpose::Test, 1, g).normal());
  for (double& one : mean) one *= options.counts / sum;
  // Genes that a target moves are among the better expressed half, as those that a screen can see.
  std::vector<std::size_t> order(m);
  for (std::size_t g = 0; g < m; ++g) order[g] = g;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return mean[a] > mean[b]; });
  std::vector<std::vector<double>> change(static_cast<std::size_t>(out.with_effect), std::vector<double>(m, 0));
  for (std::size_t t = 0; t < change.size(); ++t) {
    Random random(options.seed, Purpose::Test, 2, t);
    for (int placed = 0; placed < std::min(options.effect_genes, static_cast<int>(m / 2));) {
      const std::size_t g = order[static_cast<std::size_t>(random.uniform() * static_cast<double>(m / 2))];
      if (change[t][g] != 0) continue;
      change[t][g] = placed++ % 2 == 0 ? -options.effect : options.effect;
    }
    if (options.same_genes) change[t] = change[0];
  }
  std::vector<std::string> target(n), guide(n), rep(n);
  out.responds.assign(n, 0);
  std::vector<int> target_of(n, -1);
  for (std::size_t c = 0; c < n; ++c) {
    Random random(options.seed, Purpose::Test, 3, c);
    if (random.uniform() >= options.controls) target_of[c] = static_cast<int>(random.uniform() * options.targets);
    target[c] = target_of[c] < 0 ? "NT" : numbered("T", target_of[c]);
    guide[c] = numbered(target[c] + "g", static_cast<std::int64_t>(random.uniform() * options.guides));
    rep[c] = numbered("r", static_cast<std::int64_t>(random.uniform() * options.splits));
    out.responds[c] = target_of[c] >= 0 && target_of[c] < out.with_effect && random.uniform() < options.responders;
    out.data.cells.names.push_back(numbered("cell", static_cast<std::int64_t>(c)));
  }
  std::vector<std::vector<std::uint32_t>> genes(n);
  std::vector<std::vector<data::Count>> counts(n);
  scriptorium::compute::parallel_for(options.cells, 64, 0, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto c = static_cast<std::size_t>(first); c < static_cast<std::size_t>(last); ++c) {
      Random random(options.seed, Purpose::Test, 4, c);
      const double depth = std::exp(0.3 * random.normal());
      for (std::size_t g = 0; g < m; ++g) {
        double here = mean[g] * depth * (rep[c] == "r0" ? 1 : 1.2);
        if (out.responds[c]) here *= std::exp(change[static_cast<std::size_t>(target_of[c])][g]);
        const auto count = random.negative_binomial(4, here / 4);
        if (count == 0) continue;
        genes[c].push_back(static_cast<std::uint32_t>(g));
        counts[c].push_back(static_cast<data::Count>(count));
      }
    }
  });
  auto& matrix = out.data.counts;
  matrix.n_cells = options.cells;
  matrix.n_genes = options.genes;
  for (std::size_t c = 0; c < n; ++c) {
    matrix.gene.insert(matrix.gene.end(), genes[c].begin(), genes[c].end());
    matrix.count.insert(matrix.count.end(), counts[c].begin(), counts[c].end());
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.count.size()));
  }
  for (std::size_t g = 0; g < m; ++g) out.data.genes.names.push_back(numbered("gene", static_cast<std::int64_t>(g)));
  out.data.cells.columns = {
      {"target", std::move(target), {}}, {"guide", std::move(guide), {}}, {"rep", std::move(rep), {}}};
  return out;
}

/// A simulated screen with its labels, expression and signature.
struct Prepared {
  Screen simulated;
  scriptorium::perturbation::Screen screen;
  std::shared_ptr<const scriptorium::perturbation::Expression> x;
  scriptorium::perturbation::Signature signature;
};
/// Labels and signature anew, after the columns were changed. @param split  column of groups, "rep" or empty
inline void remake(Prepared& made, const std::string& split) {
  made.screen = scriptorium::perturbation::make_screen(made.simulated.data, {"target", "NT", "guide", split});
  made.signature = scriptorium::perturbation::make_signature(made.x, made.simulated.data, made.screen, {.threads = 1});
}
inline Prepared prepare(const std::string& split = "", const Options& options = {}) {
  using scriptorium::perturbation::Expression;
  Prepared out{make(options), {}, nullptr, {}};
  out.x = std::make_shared<Expression>(Expression::of_counts(out.simulated.data.counts, {}, 1));
  remake(out, split);
  return out;
}

/// What an Error says, with its remedy; empty where nothing was thrown.
template <class Run>
std::string refusal(const Run& run) {
  try {
    run();
  } catch (const scriptorium::Error& error) {
    return std::string(error.what()) + " " + error.remedy();
  }
  return {};
}

}  // namespace simulated_screen
