#include "core/inference/mixture_objective.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/inference/gene_descent.hpp"
#include "core/inference/mixture_genes.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {
constexpr double little = 0.1;      // of a coordinate: nodes that were chosen before still serve
constexpr double no_cells = 1e-10;  // of a count in a component: left out

/// Losses of genes by block, from those of one component's genes after the other's.
void add_gene_loss(const GeneLayout& layout, const std::vector<double>& part, std::vector<double>& all) {
  if (layout.shared.empty() || all.empty()) {
    all.insert(all.end(), part.begin(), part.end());
    return;
  }
  for (std::size_t g = 0; g < part.size(); ++g) all[g] += part[g];
}
}  // namespace

MixtureObjective::MixtureObjective(const model::Model& model, const summary::CountSummary& summary,
                                   const data::CountMatrix& counts, int threads, const compute::Backend* gpu)
    : summary_(&summary), counts_(&counts), threads_(threads), gpu_(gpu) {
  const auto one = model::component_model(model);
  bool has_scalar = false;
  std::size_t coordinate = 0;
  for (const auto& site : model::layout(model)) {
    if (site.support == model::Support::Simplex) continue;
    if (site.extent == model::Extent::Scalar) {
      has_scalar = true;
      shared_scalar_ = !site.by_component;
    } else if (site.extent == model::Extent::Gene) {
      for (std::size_t b = 0; b < 2; ++b) (site.by_component ? layout_.own : layout_.shared).push_back(coordinate++);
    }
  }
  parts_.resize(static_cast<std::size_t>(model.components));
  for (auto& part : parts_) {
    part.summary = std::make_unique<summary::CountSummary>(summary);
    part.problem = &part == &parts_.front()
                       ? std::make_unique<Problem>(one, *part.summary, &counts, !inference::visits_nonzeros(one))
                       : std::make_unique<Problem>(problem());
    part.problem->summary = part.summary.get();
    part.objective = std::make_unique<Objective>(*part.problem, threads);
  }
  scalar_size_ = !has_scalar ? 0 : shared_scalar_ ? 2 : 2 * components();
  layout_.systems = components();
  layout_.genes = index(summary.n_genes);
  layout_.first = scalar_size_;
  size_ = cell_at(problem().units.size());
  find_entries();
  if (gpu_) cells_there_ = gpu_->hold(rows_of(counts));
}

void MixtureObjective::find_entries() {
  const auto& s = *summary_;
  const auto entry_of = [&](std::size_t gene, data::Count count) {
    const auto begin = s.value.begin() + s.gene_start[gene], end = s.value.begin() + s.gene_start[gene + 1];
    return static_cast<std::uint32_t>(std::lower_bound(begin, end, count) - s.value.begin());
  };
  entry_by_cell_.resize(index(counts_->nnz()));
  log_factorial_.assign(n_cells(), 0.0);
  compute::parallel_for(counts_->n_cells, 64, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto c = index(first); c < index(last); ++c)
      for (auto i = index(counts_->row_start[c]); i < index(counts_->row_start[c + 1]); ++i) {
        entry_by_cell_[i] = entry_of(counts_->gene[i], counts_->count[i]);
        log_factorial_[c] += math::log_gamma(counts_->count[i] + 1.0);
      }
  });
  auto by_gene = counts_->transposed();
  entry_by_gene_.resize(entry_by_cell_.size());
  compute::parallel_for(counts_->n_genes, 64, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto g = index(first); g < index(last); ++g)
      for (auto i = index(by_gene.row_start[g]); i < index(by_gene.row_start[g + 1]); ++i)
        entry_by_gene_[i] = entry_of(g, by_gene.count[i]);
  });
  gene_start_ = std::move(by_gene.row_start);
  cell_by_gene_ = std::move(by_gene.gene);
}

void MixtureObjective::share_out(const std::vector<double>& share) {
  const std::size_t k = components(), cells = n_cells();
  const auto& s = *summary_;
  std::vector<double> by_entry(s.value.size() * k, 0.0);
  compute::parallel_for(counts_->n_genes, 64, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (auto i = index(gene_start_[index(first)]); i < index(gene_start_[index(last)]); ++i) {
      const double* from = &share[cell_by_gene_[i] * k];
      double* to = &by_entry[entry_by_gene_[i] * k];
      for (std::size_t j = 0; j < k; ++j) to[j] += from[j];
    }
  });
  sizes_.assign(k, 0.0);
  std::vector<double> by_class(s.classes.size() * k, 0.0), by_pattern(s.patterns.size() * k, 0.0);
  for (std::size_t c = 0; c < cells; ++c)
    for (std::size_t j = 0; j < k; ++j) {
      sizes_[j] += share[c * k + j];
      by_class[s.class_of_cell[c] * k + j] += share[c * k + j];
      by_pattern[s.classes[s.class_of_cell[c]].pattern * k + j] += share[c * k + j];
    }
  compute::parallel_for(static_cast<std::int64_t>(k), 1, threads_, [&](std::int64_t part, std::int64_t, std::int64_t) {
    const auto j = index(part);
    auto& mine = *parts_[j].summary;
    for (std::size_t e = 0; e < mine.cells.size(); ++e) {
      const double cells_of = by_entry[e * k + j];
      mine.cells[e] = cells_of < no_cells ? 0 : cells_of;
    }
    for (std::size_t i = 0; i < mine.classes.size(); ++i) mine.classes[i].cells = by_class[i * k + j];
    summary::add_gene_totals(mine);
    for (double& measured : mine.gene_measured) measured = sizes_[j];
    for (std::size_t pattern = 0; pattern < s.patterns.size(); ++pattern)
      for (const auto g : s.patterns[pattern].missing_genes) mine.gene_measured[g] -= by_pattern[pattern * k + j];
    std::vector<double> weight(cells);
    for (std::size_t c = 0; c < cells; ++c) weight[c] = share[c * k + j];
    parts_[j].problem->reweigh(mine, weight);
  });
  at_.clear();
}

std::vector<double> MixtureObjective::start() const {
  std::vector<std::vector<double>> of_parts;
  for (const auto& part : parts_) of_parts.push_back(part.objective->start());
  return put_together(of_parts);
}

std::vector<double> MixtureObjective::put_together(const std::vector<std::vector<double>>& of_parts) const {
  std::vector<double> x(size_);
  for (std::size_t k = components(); k-- > 0;) put_part(k, of_parts[k], x);
  double all = 0;
  for (const double size : sizes_) all += size;
  const std::size_t own = scalar_size_ ? 2 : 0, size = parts_.front().objective->gene_size();
  for (std::size_t g = 0; g < layout_.genes; ++g)
    for (std::size_t i = 0; i < layout_.shared.size(); ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < components(); ++k) sum += sizes_[k] * of_parts[k][own + g * size + layout_.shared[i]];
      x[layout_.shared_at(g) + i] = sum / all;
    }
  return x;
}

std::vector<double> MixtureObjective::of_part(const std::vector<double>& x, std::size_t k) const {
  const std::size_t own = scalar_size_ ? 2 : 0;
  const auto& objective = *parts_[k].objective;
  std::vector<double> out(objective.size());
  std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(shared_scalar_ ? 0 : own * k), own, out.begin());
  for (std::size_t g = 0; g < layout_.genes; ++g)
    layout_.read(x, k, g, &out[objective.gene_at(static_cast<std::int64_t>(g))]);
  std::copy(x.begin() + static_cast<std::ptrdiff_t>(cell_at(0)), x.end(),
            out.begin() + static_cast<std::ptrdiff_t>(objective.cell_at(0)));
  return out;
}

void MixtureObjective::put_part(std::size_t k, const std::vector<double>& from, std::vector<double>& x) const {
  const std::size_t own = scalar_size_ ? 2 : 0;
  const auto& objective = *parts_[k].objective;
  if (!shared_scalar_ || k == 0) std::copy_n(from.begin(), own, x.begin() + static_cast<std::ptrdiff_t>(own * k));
  for (std::size_t g = 0; g < layout_.genes; ++g)
    layout_.write(x, k, g, &from[objective.gene_at(static_cast<std::int64_t>(g))]);
  if (k == 0)
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(objective.cell_at(0)), from.end(),
              x.begin() + static_cast<std::ptrdiff_t>(cell_at(0)));
}

bool MixtureObjective::choose_nodes(const std::vector<double>& x) {
  bool changed = false;
  for (std::size_t k = 0; k < components(); ++k) changed = parts_[k].objective->choose_nodes(of_part(x, k)) || changed;
  if (changed) at_.clear();
  chosen_at_ = x;
  return changed;
}

bool MixtureObjective::renew_nodes(const std::vector<double>& x) {
  if (chosen_at_.size() != x.size()) return choose_nodes(x);
  const auto moved = [&](std::size_t first, std::size_t n) {
    bool any = false;
    for (auto i = first; i < first + n; ++i) any = any || std::fabs(x[i] - chosen_at_[i]) > little;
    return any;
  };
  if (moved(0, scalar_size_) || moved(cell_at(0), size_ - cell_at(0))) return choose_nodes(x);
  for (std::size_t k = 0; k < components(); ++k)
    for (std::size_t g = 0; g < layout_.genes; ++g) {
      if (!moved(layout_.own_at(k, g), layout_.own.size()) &&
          (layout_.shared.empty() || !moved(layout_.shared_at(g), layout_.shared.size())))
        continue;
      std::array<double, 6> its{};
      layout_.read(x, k, g, its.data());
      if (!parts_[k].objective->nodes_serve(static_cast<std::int64_t>(g), its.data())) return choose_nodes(x);
    }
  return false;
}

void MixtureObjective::keep_inside(const std::vector<double>& x, std::vector<double>& step) const {
  const std::vector<double> wanted = step;
  for (std::size_t k = 0; k < components(); ++k) {
    auto its = of_part(wanted, k);
    parts_[k].objective->keep_inside(of_part(x, k), its);
    put_part(k, its, step);
  }
}

double MixtureObjective::improve_genes(std::vector<double>& x, const RunControl& control) {
  if (problem().gate_at < 0) return 0;
  if (!layout_.shared.empty()) return improve_shared(x, control);
  double gain = 0;
  for (std::size_t k = 0; k < components(); ++k) {
    auto its = of_part(x, k);
    gain += parts_[k].objective->improve_genes(its, control);
    put_part(k, its, x);
  }
  at_.clear();
  return gain;
}

double MixtureObjective::evaluate(const std::vector<double>& x, std::vector<double>* settled,
                                  std::vector<double>* gradient, System* system, const RunControl& control) {
  at_.clear();
  if (settled && !layout_.shared.empty())
    return settle_shared(*settled, control) ? evaluate(*settled, nullptr, gradient, system, control) : INFINITY;
  const std::size_t own = scalar_size_ ? 2 : 0;
  if (gradient) gradient->assign(size_, 0.0);
  if (system) {
    system->parts.resize(components());
    system->gene_loss.clear();
    system->shared_scalar = shared_scalar_;
    system->layout = layout_;
  }
  double loss = 0;
  std::vector<double> part_gradient;
  for (std::size_t k = 0; k < components(); ++k) {
    auto& objective = *parts_[k].objective;
    auto its = of_part(x, k);
    NewtonSystem* part_system = system ? &system->parts[k] : nullptr;
    auto* wanted = gradient ? &part_gradient : nullptr;
    const double part = settled ? objective.settle(its, wanted, part_system, control)
                                : objective.evaluate(its, wanted, part_system, control);
    if (!std::isfinite(part)) return part;
    loss += part;
    if (settled) put_part(k, its, *settled);
    if (part_system) add_gene_loss(layout_, part_system->gene_loss, system->gene_loss);
    if (!gradient) continue;
    const std::size_t scalar_at = shared_scalar_ ? 0 : own * k, cells = objective.cell_at(0);
    for (std::size_t i = 0; i < own; ++i) (*gradient)[scalar_at + i] += part_gradient[i];
    for (std::size_t g = 0; g < layout_.genes; ++g) {
      const double* from = &part_gradient[objective.gene_at(static_cast<std::int64_t>(g))];
      const std::size_t at = layout_.own_at(k, g);
      for (std::size_t i = 0; i < layout_.own.size(); ++i) (*gradient)[at + i] = from[layout_.own[i]];
      for (std::size_t i = 0; i < layout_.shared.size(); ++i)
        (*gradient)[layout_.shared_at(g) + i] += from[layout_.shared[i]];
    }
    for (std::size_t i = 0; i < size_ - cell_at(0); ++i) (*gradient)[cell_at(0) + i] += part_gradient[cells + i];
  }
  // Divergences of what is shared were counted once a component.
  loss -= (static_cast<double>(components()) - 1) * shared_divergence(x, gradient, system);
  at_ = settled ? *settled : x;
  return loss;
}

/// The divergences of the scalar and of the genes' sites that components share; takes those that were counted too often
/// out of the gradient and the system.
double MixtureObjective::shared_divergence(const std::vector<double>& x, std::vector<double>* gradient,
                                           System* system) const {
  const double extra = static_cast<double>(components()) - 1;
  double sum = 0;
  if (shared_scalar_ && scalar_size_) {
    const auto d = problem().scalar->divergence(x[0], x[1], 0);
    sum += d.value;
    for (std::size_t i = 0; gradient && i < 2; ++i) (*gradient)[i] -= extra * d.gradient[i];
    for (std::size_t i = 0; system && i < 3; ++i) system->parts[0].scalar_block[i] -= extra * d.hessian[i];
  }
  const std::size_t size = parts_.front().objective->gene_size();
  for (std::size_t g = 0; g < layout_.genes; ++g)
    for (std::size_t i = 0; i < layout_.shared.size(); i += 2) {
      const std::size_t at = layout_.shared_at(g) + i, a = layout_.shared[i];
      const auto d = problem().gene_sites[a / 2].divergence(x[at], x[at + 1], 0);
      sum += d.value;
      for (std::size_t b = 0; gradient && b < 2; ++b) (*gradient)[at + b] -= extra * d.gradient[b];
      if (!system) continue;
      double* block = &system->parts[0].gene_block[(g * size + a) * size + a];
      block[0] -= extra * d.hessian[0];
      block[1] -= extra * d.hessian[1];
      block[size] -= extra * d.hessian[1];
      block[size + 1] -= extra * d.hessian[2];
      if (!system->gene_loss.empty()) system->gene_loss[g] -= extra * d.value;
    }
  return sum;
}

double MixtureObjective::divergence() const {
  double sum = 0;
  for (const auto& part : parts_) sum += part.objective->divergence();
  return sum - (static_cast<double>(components()) - 1) * shared_divergence(at_, nullptr, nullptr);
}

/// For genes as problems of their own: what they see of all else. False out of bounds.
bool MixtureObjective::hold_rest(const std::vector<double>& x, const RunControl& control) {
  for (std::size_t k = 0; k < components(); ++k)
    if (!parts_[k].objective->hold_rest(of_part(x, k), control)) return false;
  return true;
}

bool MixtureObjective::settle_shared(std::vector<double>& x, const RunControl& control) {
  if (!hold_rest(x, control)) return false;
  const auto parts = objectives();
  compute::parallel_for(counts_->n_genes, grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    SharedGene gene(parts, layout_);
    for (auto g = first; g < last; ++g) {
      control.check();
      const std::span at(&x[layout_.block_at(index(g))], layout_.block_size());
      gene.take(g);
      descend(gene, at, near_settled);
      gene.set_nodes(at);
    }
  });
  return true;
}

double MixtureObjective::improve_shared(std::vector<double>& x, const RunControl& control) {
  choose_nodes(x);
  at_.clear();
  if (!hold_rest(x, control)) return 0;
  const auto parts = objectives();
  std::vector<double> gained(index(compute::pieces(counts_->n_genes, grain)));
  compute::parallel_for(
      counts_->n_genes, grain, threads_, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
        SharedGene gene(parts, layout_);
        for (auto g = first; g < last; ++g) {
          control.check();
          double nonzeros = 0;
          for (const auto& part : parts_) nonzeros += part.summary->gene_nonzero[index(g)];
          if (nonzeros < fewest_nonzeros) continue;
          gene.take(g);
          gained[index(piece)] += gene.improve({&x[layout_.block_at(index(g))], layout_.block_size()});
        }
      });
  double sum = 0;
  for (const double part : gained) sum += part;
  return sum;
}

}  // namespace scriptorium::inference
