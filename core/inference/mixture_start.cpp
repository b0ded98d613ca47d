#include "core/inference/mixture_start.hpp"

#include <algorithm>
#include <cmath>

#include "core/embedding/k_means.hpp"
#include "core/embedding/principal_components.hpp"
#include "core/math/random.hpp"

namespace scriptorium::inference {
namespace {

constexpr double elsewhere = 0.02;  // of a cell, in all other components together
constexpr int rounds = 30;

/// What the cells did not measure, as readers tell it.
data::Missing missing_of(const summary::CountSummary& summary) {
  data::Missing missing;
  if (summary.patterns.size() == 1 && summary.patterns[0].missing_genes.empty()) return missing;
  for (const auto& pattern : summary.patterns) missing.genes.push_back(pattern.missing_genes);
  for (const auto of : summary.class_of_cell)
    missing.pattern_of_cell.push_back(summary.classes[of].pattern + 1);  // pattern 0 lacks nothing
  return missing;
}

}  // namespace

MixtureStarts::MixtureStarts(const FitInput& input, const FitOptions& options, const RunControl& control)
    : input_(input),
      options_(options),
      cells_(static_cast<std::size_t>(input.summary->n_cells)),
      components_(static_cast<std::size_t>(input.model.components)) {
  for (std::size_t c = 0; c * components_ < input.cell_logits.size(); ++c) {
    const double* row = &input.cell_logits[c * components_];
    const auto top = std::max_element(row, row + components_);
    label_.push_back(*std::min_element(row, row + components_) < *top ? static_cast<std::int32_t>(top - row) : -1);
  }
  if (options.start == Start::Scribe) return;
  control.tell(-1, "looking for clusters of cells");
  embedding::PcaOptions pca;
  pca.seed = options.seed;
  pca.threads = options.threads;
  pca.dims = std::max(20, static_cast<int>(components_));
  const auto found =
      embedding::principal_components(input.counts->n_cells, input.counts->n_genes, data::source_of(*input.counts),
                                      missing_of(*input.summary), pca, control);
  dims_ = found.dims;
  points_ = found.scores;
}

std::vector<double> MixtureStarts::responsibilities(int restart, const RunControl& control) const {
  std::vector<double> out(cells_ * components_);
  if (options_.start == Start::Scribe) {
    for (std::size_t c = 0; c < cells_; ++c) {
      math::Random random(options_.seed, math::Purpose::Start, c, static_cast<std::uint64_t>(restart));
      double sum = 0;
      for (std::size_t k = 0; k < components_; ++k) sum += out[c * components_ + k] = random.gamma(1);
      for (std::size_t k = 0; k < components_; ++k) out[c * components_ + k] /= sum;
    }
    return out;
  }
  const bool labelled = std::any_of(label_.begin(), label_.end(), [](std::int32_t l) { return l >= 0; });
  const auto cluster = labelled ? around_labels(restart) : clusters(restart, control);
  const double other = elsewhere / static_cast<double>(components_ - 1);
  for (std::size_t c = 0; c < cells_; ++c)
    for (std::size_t k = 0; k < components_; ++k)
      out[c * components_ + k] = static_cast<std::size_t>(cluster[c]) == k ? 1 - elsewhere : other;
  return out;
}

bool MixtureStarts::alike() const {
  if (options_.start == Start::Scribe) return false;
  std::vector<bool> seen(components_);
  for (const auto label : label_)
    if (label >= 0) seen[static_cast<std::size_t>(label)] = true;
  return !label_.empty() && std::ranges::all_of(seen, [](bool one) { return one; });
}

std::vector<std::int32_t> MixtureStarts::clusters(int restart, const RunControl& control) const {
  embedding::KMeansOptions options;
  options.clusters = static_cast<int>(components_);
  options.restarts = restart == 0 ? 10 : 1;  // the best clusters first, then others
  options.seed = options_.seed + static_cast<std::uint64_t>(restart);
  options.threads = options_.threads;
  return embedding::k_means(points_, dims_, options, control).cluster;
}

/// Lloyd's rounds from the means of labelled cells, which stay in their clusters; components without a label start at
/// cells drawn far from the others.
std::vector<std::int32_t> MixtureStarts::around_labels(int restart) const {
  const auto d = static_cast<std::size_t>(dims_);
  std::vector<double> centre(components_ * d, 0.0);
  std::vector<double> size(components_, 0.0);
  const auto add = [&](std::size_t k, std::size_t c) {
    size[k] += 1;
    for (std::size_t i = 0; i < d; ++i) centre[k * d + i] += points_[c * d + i];
  };
  const auto distance = [&](std::size_t k, std::size_t c) {
    double sum = 0;
    for (std::size_t i = 0; i < d; ++i) {
      const double x = points_[c * d + i] - centre[k * d + i];
      sum += x * x;
    }
    return sum;
  };
  const auto divide = [&] {
    for (std::size_t k = 0; k < components_; ++k)
      for (std::size_t i = 0; i < d && size[k] > 0; ++i) centre[k * d + i] /= size[k];
  };
  for (std::size_t c = 0; c < cells_; ++c)
    if (label_[c] >= 0) add(static_cast<std::size_t>(label_[c]), c);
  divide();
  math::Random random(options_.seed, math::Purpose::Start, cells_, static_cast<std::uint64_t>(restart));
  for (std::size_t k = 0; k < components_; ++k) {
    if (size[k] > 0) continue;
    std::vector<double> upto(cells_);
    double sum = 0;
    for (std::size_t c = 0; c < cells_; ++c) {
      double least = INFINITY;
      for (std::size_t j = 0; j < components_; ++j)
        if (size[j] > 0) least = std::min(least, distance(j, c));
      upto[c] = sum += least;
    }
    const auto at = std::upper_bound(upto.begin(), upto.end() - 1, random.uniform() * sum) - upto.begin();
    add(k, static_cast<std::size_t>(at));
  }
  std::vector<std::int32_t> cluster(cells_);
  for (int round = 0; round < rounds; ++round) {
    bool changed = false;
    for (std::size_t c = 0; c < cells_; ++c) {
      std::size_t best = 0;
      if (label_[c] >= 0) {
        best = static_cast<std::size_t>(label_[c]);
      } else {
        double least = INFINITY;
        for (std::size_t k = 0; k < components_; ++k)
          if (const double its = distance(k, c); its < least) least = its, best = k;
      }
      changed = changed || cluster[c] != static_cast<std::int32_t>(best);
      cluster[c] = static_cast<std::int32_t>(best);
    }
    if (!changed && round > 0) break;
    std::fill(centre.begin(), centre.end(), 0.0);
    std::fill(size.begin(), size.end(), 0.0);
    for (std::size_t c = 0; c < cells_; ++c) add(static_cast<std::size_t>(cluster[c]), c);
    divide();
  }
  return cluster;
}

}  // namespace scriptorium::inference
