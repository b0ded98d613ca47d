#include "core/analysis/entropy_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"
#include "core/math/special.hpp"
#include "core/result/components.hpp"

namespace scriptorium::analysis {
namespace {

std::size_t at(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

/// Entropy of softmax(log_weight): ln Σ e^d − Σ d e^d / Σ e^d with d relative to the largest.
double entropy_of(const double* log_weight, std::size_t k) {
  const double most = *std::max_element(log_weight, log_weight + k);
  double sum = 0, weighted = 0;
  for (std::size_t j = 0; j < k; ++j) {
    const double d = log_weight[j] - most, e = std::exp(d);
    if (e == 0) continue;
    sum += e;
    weighted += d * e;
  }
  return std::max(0.0, std::log(sum) - weighted / sum);
}

/// The most probable component of a row of log weights, other than `but`.
std::int32_t best(const double* row, std::size_t k, std::int32_t but) {
  std::int32_t found = -1;
  for (std::int32_t j = 0; j < static_cast<std::int32_t>(k); ++j)
    if (j != but && (found < 0 || row[j] > row[found])) found = j;
  return found;
}

/// Sums over cells of a block, gene by gene.
class BlockSums {
 public:
  BlockSums(const GeneEvidence& of, const std::vector<std::int64_t>& genes)
      : of_(of),
        genes_(genes),
        k_(of.components()),
        capture_(!of.terms.front().n.empty()),
        log_weight_(k_),
        entry_(of.terms.begin(), of.terms.end()) {
    zero_.resize(genes.size() * k_);
    zero_entropy_.resize(genes.size());
    if (!capture_) find_zeros(0);
  }

  void clear() {
    entropy.assign(genes_.size(), 0.0);
    evidence.assign(genes_.size(), 0.0);
    count.assign(genes_.size(), 0.0);
    unmeasured.assign(genes_.size(), 0);
    unmeasured_evidence.assign(genes_.size(), 0);
    balance_.assign(k_, 0.0);
    cells = cells_with_component = 0;
  }
  void add_cell(std::size_t cell) {
    ++cells;
    cell_ = cell;
    first_ = of_.first[cell];
    second_ = of_.second[cell];
    has_component_ = first_ >= 0 && second_ >= 0;
    if (has_component_) {
      ++cells_with_component;
      balance_[at(first_)] += 1;
      balance_[at(second_)] -= 1;
    }
    if (!capture_) return;
    find_zeros(cell);
    add_zeros(1);
  }
  void add_positive(std::size_t gene, std::uint64_t u) {
    for (std::size_t j = 0; j < k_; ++j)
      log_weight_[j] = entry_[j].positive(static_cast<std::size_t>(genes_[gene]), cell_, u);
    count[gene] += static_cast<double>(u);
    if (has_component_) evidence[gene] += log_weight_[at(first_)] - log_weight_[at(second_)] - zero_evidence(gene);
    for (std::size_t j = 0; j < k_; ++j) log_weight_[j] += of_.log_weight[j];
    entropy[gene] += entropy_of(log_weight_.data(), k_) - zero_entropy_[gene];
  }
  void take_unmeasured(std::size_t gene) {
    ++unmeasured[gene];
    entropy[gene] -= zero_entropy_[gene];
    if (!has_component_) return;
    ++unmeasured_evidence[gene];
    evidence[gene] -= zero_evidence(gene);
  }
  /// Where zeros do not depend on the cell they are added once a block.
  void finish() {
    if (!capture_) add_zeros(static_cast<double>(cells));
  }

  std::vector<double> entropy, evidence, count;
  std::vector<std::int64_t> unmeasured, unmeasured_evidence;
  std::int64_t cells = 0, cells_with_component = 0;

 private:
  void find_zeros(std::size_t cell) {
    for (std::size_t g = 0; g < genes_.size(); ++g) {
      for (std::size_t j = 0; j < k_; ++j) {
        zero_[g * k_ + j] = entry_[j].zero(static_cast<std::size_t>(genes_[g]), cell);
        log_weight_[j] = zero_[g * k_ + j] + of_.log_weight[j];
      }
      zero_entropy_[g] = entropy_of(log_weight_.data(), k_);
    }
  }
  double zero_evidence(std::size_t gene) const {
    return zero_[gene * k_ + at(first_)] - zero_[gene * k_ + at(second_)];
  }
  void add_zeros(double times) {
    for (std::size_t g = 0; g < genes_.size(); ++g) {
      entropy[g] += times * zero_entropy_[g];
      for (std::size_t j = 0; j < k_; ++j)
        if (balance_[j] != 0) evidence[g] += balance_[j] * zero_[g * k_ + j];
    }
    std::fill(balance_.begin(), balance_.end(), 0.0);
  }

  const GeneEvidence& of_;
  const std::vector<std::int64_t>& genes_;
  std::size_t k_;
  bool capture_, has_component_ = false;
  std::vector<double> log_weight_;           ///< of one entry, by component
  std::vector<result::EntryValues> entry_;   ///< by component
  std::vector<double> zero_, zero_entropy_;  ///< genes × components, genes: of a zero (of the cell at hand)
  std::vector<double> balance_;  ///< by component: cells with it as a less cells with it as b, not yet added
  std::size_t cell_ = 0;
  std::int32_t first_ = -1, second_ = -1;
};

void check_request(const EntropyMapRequest& request, const data::Dataset& data) {
  const auto& edges = request.edges;
  const bool places = edges.size() > 1 && edges.front() >= 0 &&
                      edges.back() <= static_cast<std::int64_t>(request.cells.size()) &&
                      std::is_sorted(edges.begin(), edges.end());
  const auto inside = [](const std::vector<std::int64_t>& rows, std::int64_t n) {
    return std::all_of(rows.begin(), rows.end(), [n](std::int64_t i) { return i >= 0 && i < n; });
  };
  if (!places || !inside(request.cells, data.counts.n_cells) || !inside(request.genes, data.counts.n_genes))
    throw Error(ErrorCode::BadInput,
                "The blocks of a map are no places in its cells, or it names cells or genes that "
                "the data do not have.",
                "Give ascending edges, and rows and columns of the data.");
}

}  // namespace

GeneEvidence gene_evidence(const result::Fit& fit, const data::Dataset& data, std::span<const std::int32_t> assigned,
                           const AssignmentOptions& options, const RunControl& control) {
  const auto point = point_of_mixture(fit, options);
  const data::CountMatrix& counts = data.counts;
  const auto cells = at(counts.n_cells), genes = at(counts.n_genes), k = at(fit.model.components);
  if (!assigned.empty() && assigned.size() != cells)
    throw Error(ErrorCode::BadInput,
                "There are components of " + std::to_string(assigned.size()) + " cells; the data have " +
                    std::to_string(cells) + ".",
                "Give one a cell.");
  auto likelihood = options.likelihood;
  likelihood.missing = &data.missing;
  GeneEvidence out;
  for (const double w : result::mixing_weights(fit.model, point)) out.log_weight.push_back(std::log(w));
  const auto one = model::component_model(fit.model);
  std::vector<double> row(cells * k);
  for (std::size_t j = 0; j < k; ++j) {
    control.tell(0.5 * static_cast<double>(j) / static_cast<double>(k), "components of the cells");
    out.terms.push_back(result::resolve_terms(one, result::component_values(point, static_cast<std::int64_t>(j)),
                                              counts.n_cells, counts.n_genes, likelihood));
    const auto found = result::evaluate_terms(out.terms.back(), counts, likelihood, control, nullptr);
    for (std::size_t c = 0; c < cells; ++c) row[c * k + j] = out.log_weight[j] + found.by_cell[c];
  }
  double with_component = 0;
  for (std::size_t c = 0; c < cells; ++c) {
    const std::int32_t a = assigned.empty() ? best(&row[c * k], k, -1) : assigned[c];
    const bool some = a >= 0 && a < static_cast<std::int32_t>(k);
    out.first.push_back(some ? a : -1);
    out.second.push_back(some ? best(&row[c * k], k, a) : -1);
    with_component += some ? 1 : 0;
  }
  if (with_component == 0) throw Error(ErrorCode::BadInput, "No cell has a component.", "Choose other probabilities.");
  // Sums of ±ln f_k by gene are log likelihoods by gene with weights of the cells.
  out.separation.assign(genes, 0.0);
  for (std::size_t j = 0; j < k; ++j) {
    control.tell(0.5 + 0.5 * static_cast<double>(j) / static_cast<double>(k), "how well genes separate the components");
    auto weighted = out.terms[j];
    for (std::size_t c = 0; c < cells; ++c)
      weighted.cell_weight.push_back((out.first[c] == static_cast<std::int32_t>(j) ? 1 : 0) -
                                     (out.second[c] == static_cast<std::int32_t>(j) ? 1 : 0));
    const auto found = result::evaluate_terms(weighted, counts, likelihood, control, nullptr);
    for (std::size_t g = 0; g < genes; ++g) out.separation[g] += found.by_gene[g] / with_component;
  }
  out.order.resize(genes);
  std::iota(out.order.begin(), out.order.end(), std::int64_t{0});
  std::stable_sort(out.order.begin(), out.order.end(),
                   [&](std::int64_t a, std::int64_t b) { return out.separation[at(a)] > out.separation[at(b)]; });
  return out;
}

std::vector<double> responsibilities(const GeneEvidence& of, std::int64_t cell, std::int64_t gene,
                                     std::uint64_t count) {
  std::vector<double> out = of.log_weight;
  for (std::size_t j = 0; j < out.size(); ++j) {
    const result::EntryValues entry(of.terms[j]);
    out[j] += count == 0 ? entry.zero(at(gene), at(cell)) : entry.positive(at(gene), at(cell), count);
  }
  math::softmax(out.data(), out.size());
  return out;
}

std::vector<std::int64_t> cells_by_component(std::span<const double> probability, std::int64_t components,
                                             std::span<const std::int32_t> assigned) {
  std::vector<std::int64_t> order;
  for (std::size_t c = 0; c < assigned.size(); ++c)
    if (assigned[c] >= 0) order.push_back(static_cast<std::int64_t>(c));
  const auto sureness = [&](std::int64_t c) { return probability[at(c * components + assigned[at(c)])]; };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    if (assigned[at(a)] != assigned[at(b)]) return assigned[at(a)] < assigned[at(b)];
    return sureness(a) > sureness(b);
  });
  return order;
}

std::vector<std::int64_t> even_blocks(std::int64_t n, std::int64_t most) {
  const std::int64_t blocks = std::clamp<std::int64_t>(most, 1, n);
  std::vector<std::int64_t> edges;
  for (std::int64_t b = 0; b <= blocks; ++b) edges.push_back(b * n / blocks);
  return edges;
}

EntropyMapRequest component_blocks(const GeneEvidence& of, std::int64_t genes) {
  EntropyMapRequest out;
  out.edges = {0};
  for (std::int32_t k = 0; k < static_cast<std::int32_t>(of.components()); ++k) {
    for (std::size_t c = 0; c < of.first.size(); ++c)
      if (of.first[c] == k) out.cells.push_back(static_cast<std::int64_t>(c));
    out.edges.push_back(static_cast<std::int64_t>(out.cells.size()));
  }
  const auto shown = std::min(genes, static_cast<std::int64_t>(of.order.size()));
  out.genes.assign(of.order.begin(), of.order.begin() + shown);
  return out;
}

EntropyMap entropy_map(const GeneEvidence& of, const data::Dataset& data, const EntropyMapRequest& request,
                       const RunControl& control) {
  check_request(request, data);
  const data::CountMatrix& counts = data.counts;
  const std::size_t genes = request.genes.size(), blocks = request.edges.size() - 1;
  constexpr std::uint32_t absent = ~0U;
  std::vector<std::uint32_t> place(at(counts.n_genes), absent);  // of each gene on the map
  for (std::size_t i = 0; i < genes; ++i) place[at(request.genes[i])] = static_cast<std::uint32_t>(i);
  EntropyMap out;
  out.entropy.resize(genes * blocks);
  out.evidence.resize(genes * blocks);
  out.count.resize(genes * blocks);
  const auto visited = [&](std::int64_t block) {
    const std::int64_t n = request.edges[at(block) + 1] - request.edges[at(block)];
    return request.most_cells > 0 ? std::min(n, request.most_cells) : n;
  };
  for (std::int64_t b = 0; b < static_cast<std::int64_t>(blocks); ++b)
    out.sampled = out.sampled || visited(b) < request.edges[at(b) + 1] - request.edges[at(b)];

  const auto add_block = [&](BlockSums& sums, std::int64_t block) {
    sums.clear();
    const std::int64_t first = request.edges[at(block)], n = request.edges[at(block) + 1] - first, m = visited(block);
    for (std::int64_t i = 0; i < m; ++i) {
      control.check();
      const std::size_t cell = at(request.cells[at(first + (2 * i + 1) * n / (2 * m))]);
      sums.add_cell(cell);
      for (auto j = at(counts.row_start[cell]); j < at(counts.row_start[cell + 1]); ++j)
        if (const auto g = place[counts.gene[j]]; g != absent) sums.add_positive(g, counts.count[j]);
      for (const std::uint32_t gene : data.missing.genes[data.missing.pattern(cell)])
        if (const auto g = place[gene]; g != absent) sums.take_unmeasured(g);
    }
    sums.finish();
    for (std::size_t g = 0; g < genes; ++g) {
      const auto measured = static_cast<double>(sums.cells - sums.unmeasured[g]),
                 with_component = static_cast<double>(sums.cells_with_component - sums.unmeasured_evidence[g]);
      const std::size_t i = g * blocks + at(block);
      out.entropy[i] = measured > 0 ? std::max(0.0, sums.entropy[g] / measured) : std::nan("");
      out.evidence[i] = with_component > 0 ? sums.evidence[g] / with_component : std::nan("");
      out.count[i] = measured > 0 ? sums.count[g] / measured : std::nan("");
    }
  };
  // In slabs, so that there is something to tell between them.
  constexpr std::int64_t slab = 32;
  for (std::int64_t from = 0; from < static_cast<std::int64_t>(blocks); from += slab) {
    control.tell(static_cast<double>(from) / static_cast<double>(blocks), "entropies gene by gene");
    const std::int64_t to = std::min(from + slab, static_cast<std::int64_t>(blocks));
    compute::parallel_for(to - from, 4, request.threads, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
      BlockSums sums(of, request.genes);
      for (std::int64_t b = begin; b < end; ++b) add_block(sums, from + b);
    });
  }
  return out;
}

}  // namespace scriptorium::analysis
