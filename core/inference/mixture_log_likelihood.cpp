#include "core/inference/mixture_log_likelihood.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {
std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}
constexpr std::int64_t gene_grain = 16, cell_grain = 64;
constexpr double annotated_floor = 1e-8;  // added to π_k beside an annotation
}  // namespace

MixturePlaces::MixturePlaces(const model::Model& model, const Problem& one)
    : components_(index(model.components)),
      genes_(index(one.n_genes())),
      n_units_(one.units.size()),
      of_site_(one.gene_sites.size()) {
  std::size_t shared = 0;
  const bool mixture = components_ > 1;
  for (const auto& site : model::layout(model)) {
    if (site.support == model::Support::Simplex || site.extent == model::Extent::Cell) continue;
    const bool own = !mixture || site.by_component;
    if (site.extent == model::Extent::Scalar) {
      scalars_ = own ? components_ : 1;
      continue;
    }
    for (std::size_t s = 0; s < of_site_.size(); ++s)
      if (one.gene_sites[s].site().name == site.name) of_site_[s] = {!own, own ? own_++ : shared++};
  }
}

void MixturePlaces::read(std::span<const double> z, std::size_t k, Point& out) const {
  if (scalars_ > 0) out.scalar = z[scalar(k)];
  out.genes.resize(genes_ * n_sites());
  for (std::size_t g = 0; g < genes_; ++g)
    for (std::size_t s = 0; s < n_sites(); ++s) out.genes[g * n_sites() + s] = z[gene(k, g, s)];
  out.units.assign(z.begin() + static_cast<std::ptrdiff_t>(unit(0)), z.end());
}

void MixturePlaces::add(const PointGradient& of, std::size_t k, std::span<double> to) const {
  if (scalars_ > 0) to[scalar(k)] += of.scalar;
  for (std::size_t g = 0; g < genes_; ++g)
    for (std::size_t s = 0; s < n_sites(); ++s) to[gene(k, g, s)] += of.genes[g * n_sites() + s];
}

MixtureLogLikelihood::MixtureLogLikelihood(const model::Model& mixture, const Problem& one,
                                           std::span<const double> logits, int threads)
    : problem_(&one),
      places_(mixture, one),
      logits_(logits),
      threads_(threads),
      visiting_(one, threads),
      components_(places_.components()) {}

void MixtureLogLikelihood::gather(std::span<const std::int64_t> batch) {
  if (gathered_ && std::equal(batch.begin(), batch.end(), batch_.begin(), batch_.end())) return;
  batch_.assign(batch.begin(), batch.end());
  entries_ = CellEntries(*problem_->counts, batch, threads_);
  gathered_ = true;
}

double MixtureLogLikelihood::evaluate(std::span<const double> z, std::span<const double> log_weight,
                                      std::span<const std::int64_t> batch, double scale, std::vector<double>& slope,
                                      std::vector<double>& weight_slope, const RunControl& control) {
  const auto& p = *problem_;
  gather(batch);
  for (std::size_t k = 0; k < components_.size(); ++k) {
    auto& c = components_[k];
    places_.read(z, k, c.point);
    c.at = terms_at(p, c.point);
    c.slopes.clear(c.at);
  }
  tabulate(control);
  cells_of_components(control);
  const double value = share_out(log_weight, weight_slope, control);
  gene_slopes(control);
  slope.assign(places_.size(), 0.0);
  PointGradient gradient;
  for (std::size_t k = 0; k < components_.size(); ++k) {
    cell_slopes(components_[k], control);
    to_axes(p, components_[k].point, components_[k].slopes, scale, gradient);
    places_.add(gradient, k, slope);
    for (std::size_t u = 0; u < gradient.units.size(); ++u) slope[places_.unit(u)] += gradient.units[u];
  }
  for (double& s : weight_slope) s *= scale;
  return scale * value;
}

/// What a count adds to its cell's log likelihood: under capture Σ lnΓ-ratios, else relative to a zero.
void MixtureLogLikelihood::tabulate(const RunControl& control) {
  const auto& p = *problem_;
  const std::size_t k = components_.size(), genes = places_.n_genes();
  table_.resize(entries_.n_entries() * k);
  std::vector<double> zeros(p.capture ? 0 : genes * k);
  compute::parallel_for(p.n_genes(), gene_grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    for (auto g = index(first); g < index(last); ++g)
      for (std::size_t j = 0; j < k; ++j) {
        const auto& at = components_[j].at;
        const double r = std::exp(at.log_r[g]);
        ZeroTerms terms;
        if (!p.capture) zeros[g * k + j] = (terms = zero_terms(at, g)).zero;
        double rising = terms.positive - terms.zero;
        std::uint32_t upto = 0;
        for (auto e = index(entries_.gene_start[g]); e < index(entries_.gene_start[g + 1]); ++e) {
          const std::uint32_t u = entries_.value[e];
          rising += math::log_rising(r + upto, u - upto);
          upto = u;
          table_[e * k + j] = rising + u * terms.log_p;
        }
      }
  });
  if (p.capture) return;
  for (std::size_t j = 0; j < k; ++j) {
    std::vector<double> by_kind(p.n_kinds(), 0.0);
    for (std::size_t g = 0; g < genes; ++g) by_kind[p.kind_of_gene[g]] += zeros[g * k + j];
    components_[j].base = p.over_kinds(by_kind);
  }
}

/// The components' values of the cells but for the entries' terms, with their slopes in ln ν.
void MixtureLogLikelihood::cells_of_components(const RunControl& control) {
  const auto& p = *problem_;
  if (!p.capture) return;
  if (p.visits_nonzeros) {
    for (auto& c : components_) visiting_.by_cell(c.at, batch_, c.value, c.slope, control);
    return;
  }
  std::vector<std::vector<double>> sum_r;
  for (auto& c : components_) {
    sum_r.push_back(sums_of_r(p, c.at));
    for (auto* column : {&c.value, &c.slope, &c.zero}) column->resize(entries_.n_cells());
  }
  compute::parallel_for(static_cast<std::int64_t>(entries_.n_cells()), cell_grain, threads_,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          control.check();
                          for (auto i = index(first); i < index(last); ++i) {
                            const auto& unit = p.units[cell(i)];
                            for (std::size_t k = 0; k < components_.size(); ++k) {
                              auto& c = components_[k];
                              const double log_odds = c.at.log_nu[cell(i)] - c.at.log_phi[0];
                              const auto of = captured_cell(log_odds, sum_r[k][unit.pattern], unit.total);
                              c.value[i] = of.value;
                              c.slope[i] = of.slope;
                              c.zero[i] = of.zero;
                            }
                          }
                        });
}

/// The cells' log likelihoods and responsibilities; slopes in the logs of the weights.
double MixtureLogLikelihood::share_out(std::span<const double> log_weight, std::vector<double>& weight_slope,
                                       const RunControl& control) {
  const auto& p = *problem_;
  const std::size_t k = components_.size(), n = entries_.n_cells();
  std::vector<double> log_pi(log_weight.begin(), log_weight.end());
  const double all = math::log_sum_exp(log_pi.data(), k);
  std::vector<double> log_share(k);  // as a cell has it before its logits
  for (std::size_t j = 0; j < k; ++j) {
    log_pi[j] -= all;
    log_share[j] = logits_.empty() ? log_pi[j] : std::log(std::exp(log_pi[j]) + annotated_floor);
  }
  share_.resize(n * k);
  cell_value_.resize(n);
  for (auto& c : components_) c.weight.resize(n);
  const auto n_pieces = index(compute::pieces(static_cast<std::int64_t>(n), cell_grain));
  std::vector<double> pulls(n_pieces * k);  // Σ r_ck, less w_ck beside an annotation
  compute::parallel_for(static_cast<std::int64_t>(n), cell_grain, threads_,
                        [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
                          control.check();
                          std::vector<double> weight(k);
                          double* pull = &pulls[index(piece) * k];
                          for (auto i = index(first); i < index(last); ++i) {
                            double* row = &share_[i * k];
                            const double* logits = logits_.empty() ? nullptr : &logits_[cell(i) * k];
                            for (std::size_t j = 0; j < k; ++j) weight[j] = log_share[j] + (logits ? logits[j] : 0);
                            const double norm = logits ? math::log_sum_exp(weight.data(), k) : 0;
                            for (std::size_t j = 0; j < k; ++j) {
                              const auto& c = components_[j];
                              row[j] = weight[j] - norm - entries_.log_factorial[i] +
                                       (p.capture ? c.value[i] : c.base[pattern(i)]);
                            }
                            for (auto e = index(entries_.cell_start[i]); e < index(entries_.cell_start[i + 1]); ++e) {
                              const double* entry = &table_[entries_.of_cell[e] * k];
                              for (std::size_t j = 0; j < k; ++j) row[j] += entry[j];
                            }
                            cell_value_[i] = math::softmax(row, k);
                            for (std::size_t j = 0; j < k; ++j) {
                              components_[j].weight[i] = row[j];
                              pull[j] += row[j] - (logits ? std::exp(weight[j] - norm) : 0);
                            }
                          }
                        });
  double value = 0;
  for (const double v : cell_value_) value += v;
  // By ln π_k, then through π = softmax.
  std::vector<double> by_log_pi(k, 0.0);
  for (std::size_t piece = 0; piece < n_pieces; ++piece)
    for (std::size_t j = 0; j < k; ++j) by_log_pi[j] += pulls[piece * k + j];
  double sum = 0;
  for (std::size_t j = 0; j < k; ++j) {
    if (!logits_.empty()) by_log_pi[j] *= 1 / (1 + annotated_floor * std::exp(-log_pi[j]));
    sum += by_log_pi[j];
  }
  weight_slope.resize(k);
  for (std::size_t j = 0; j < k; ++j) weight_slope[j] = by_log_pi[j] - sum * std::exp(log_pi[j]);
  return value;
}

/// Slopes of the lnΓ-ratios and, without capture, of everything else, from the histograms that the responsibilities
/// make.
void MixtureLogLikelihood::gene_slopes(const RunControl& control) {
  const auto& p = *problem_;
  const std::size_t k = components_.size(), genes = places_.n_genes();
  std::vector<GeneSums> sums(k);
  for (auto& s : sums) {
    s.nonzero.assign(genes, 0.0);
    s.total.assign(genes, 0.0);
  }
  compute::parallel_for(p.n_genes(), gene_grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    std::vector<double> cells;  // entries of the gene × components
    for (auto g = index(first); g < index(last); ++g) {
      const auto begin = index(entries_.gene_start[g]), end = index(entries_.gene_start[g + 1]);
      cells.assign((end - begin) * k, 0.0);
      const auto& rows = entries_.by_gene;
      for (auto i = index(rows.row_start[g]); i < index(rows.row_start[g + 1]); ++i) {
        const double* from = &share_[rows.gene[i] * k];
        double* to = &cells[(entries_.of_gene[i] - begin) * k];
        for (std::size_t j = 0; j < k; ++j) to[j] += from[j];
      }
      for (std::size_t j = 0; j < k; ++j) {
        auto& c = components_[j];
        const double r = std::exp(c.at.log_r[g]);
        double rising = 0, slope = 0;
        std::uint32_t upto = 0;
        for (auto e = begin; e < end; ++e) {
          const std::uint32_t u = entries_.value[e];
          const double w = cells[(e - begin) * k + j];
          rising += math::digamma_rising(r + upto, u - upto);
          upto = u;
          slope += w * rising;
          sums[j].nonzero[g] += w;
          sums[j].total[g] += w * u;
        }
        c.slopes.log_r[g] += r * slope;
      }
    }
  });
  if (p.capture) return;
  for (std::size_t j = 0; j < k; ++j) {
    std::vector<double> by_pattern(p.n_patterns(), 0.0);
    for (std::size_t i = 0; i < entries_.n_cells(); ++i) by_pattern[pattern(i)] += components_[j].weight[i];
    sums[j].measured = p.over_measured(by_pattern);
    without_capture(p, components_[j].at, sums[j], components_[j].slopes);
  }
}

/// Slopes of what the cells' captures take part in.
void MixtureLogLikelihood::cell_slopes(Component& c, const RunControl& control) {
  const auto& p = *problem_;
  if (!p.capture) return;
  std::vector<double> zeros(p.n_patterns(), 0.0);
  for (std::size_t i = 0; i < entries_.n_cells(); ++i) {
    const double slope = c.weight[i] * c.slope[i];
    c.slopes.log_nu[cell(i)] = slope;
    if (!c.at.own_p) c.slopes.log_phi[0] -= slope;
    if (!p.visits_nonzeros) zeros[pattern(i)] += c.weight[i] * c.zero[i];
  }
  if (p.visits_nonzeros) {
    visiting_.by_gene(c.at, batch_, entries_.by_gene, c.weight, c.slopes, control);
    return;
  }
  const auto by_kind = p.over_measured(zeros);
  for (std::size_t g = 0; g < c.at.log_r.size(); ++g)
    c.slopes.log_r[g] -= std::exp(c.at.log_r[g]) * by_kind[p.kind_of_gene[g]];
}

}  // namespace scriptorium::inference
