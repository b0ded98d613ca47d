#include "core/inference/mixture_objective.hpp"

#include <algorithm>
#include <cmath>

#include "core/compute/parallel.hpp"
#include "core/inference/objective_pieces.hpp"
#include "core/math/special.hpp"

namespace scriptorium::inference {
namespace {
constexpr double no_cells = 1e-10;  // of a count in a component: left out
}

MixtureObjective::MixtureObjective(const model::Model& model, const summary::CountSummary& summary,
                                   const data::CountMatrix& counts, int threads, const compute::Backend* gpu)
    : summary_(&summary), counts_(&counts), threads_(threads), gpu_(gpu) {
  const auto one = model::component_model(model);
  bool has_scalar = false;
  for (const auto& site : model::layout(model)) {
    if (site.support == model::Support::Simplex) continue;
    if (site.extent == model::Extent::Scalar) {
      has_scalar = true;
      shared_scalar_ = !site.by_component;
    } else if (site.extent == model::Extent::Gene && !site.by_component) {
      throw Error(ErrorCode::Unsupported,
                  "the exact method gives every component its own " + site.name + ", and this model shares it",
                  "Add " + site.name + " to the mixture parameters.");
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
  std::vector<double> x(size_);
  for (std::size_t k = components(); k-- > 0;) put_part(k, parts_[k].objective->start(), x);
  return x;
}

std::vector<double> MixtureObjective::of_part(const std::vector<double>& x, std::size_t k) const {
  const std::size_t own = scalar_size_ ? 2 : 0, genes = n_gene_blocks() / components() * gene_size();
  std::vector<double> out(parts_[k].objective->size());
  std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(shared_scalar_ ? 0 : own * k), own, out.begin());
  std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(scalar_size_ + k * genes), genes,
              out.begin() + static_cast<std::ptrdiff_t>(own));
  std::copy(x.begin() + static_cast<std::ptrdiff_t>(cell_at(0)), x.end(),
            out.begin() + static_cast<std::ptrdiff_t>(own + genes));
  return out;
}

void MixtureObjective::put_part(std::size_t k, const std::vector<double>& from, std::vector<double>& x) const {
  const std::size_t own = scalar_size_ ? 2 : 0, genes = n_gene_blocks() / components() * gene_size();
  if (!shared_scalar_ || k == 0) std::copy_n(from.begin(), own, x.begin() + static_cast<std::ptrdiff_t>(own * k));
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(own), genes,
              x.begin() + static_cast<std::ptrdiff_t>(scalar_size_ + k * genes));
  if (k == 0)
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(own + genes), from.end(),
              x.begin() + static_cast<std::ptrdiff_t>(cell_at(0)));
}

bool MixtureObjective::choose_nodes(const std::vector<double>& x) {
  bool changed = false;
  for (std::size_t k = 0; k < components(); ++k) changed = parts_[k].objective->choose_nodes(of_part(x, k)) || changed;
  if (changed) at_.clear();
  return changed;
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
  const std::size_t own = scalar_size_ ? 2 : 0, genes = n_gene_blocks() / components() * gene_size();
  at_.clear();
  if (gradient) gradient->assign(size_, 0.0);
  if (system) {
    system->parts.resize(components());
    system->gene_loss.clear();
    system->shared_scalar = shared_scalar_;
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
    if (part_system)
      system->gene_loss.insert(system->gene_loss.end(), part_system->gene_loss.begin(), part_system->gene_loss.end());
    if (!gradient) continue;
    const std::size_t scalar_at = shared_scalar_ ? 0 : own * k, gene_first = scalar_size_ + k * genes;
    for (std::size_t i = 0; i < own; ++i) (*gradient)[scalar_at + i] += part_gradient[i];
    for (std::size_t i = 0; i < genes; ++i) (*gradient)[gene_first + i] = part_gradient[own + i];
    for (std::size_t i = 0; i < size_ - cell_at(0); ++i) (*gradient)[cell_at(0) + i] += part_gradient[own + genes + i];
  }
  if (shared_scalar_ && own) {  // its divergence was counted once a component
    const auto d = problem().scalar->divergence(x[0], x[1], 0);
    const double extra = static_cast<double>(components()) - 1;
    loss -= extra * d.value;
    for (std::size_t i = 0; gradient && i < 2; ++i) (*gradient)[i] -= extra * d.gradient[i];
    for (std::size_t i = 0; system && i < 3; ++i) system->parts[0].scalar_block[i] -= extra * d.hessian[i];
  }
  at_ = settled ? *settled : x;
  return loss;
}

double MixtureObjective::divergence() const {
  double sum = 0;
  for (const auto& part : parts_) sum += part.objective->divergence();
  if (shared_scalar_ && scalar_size_)
    sum -= (static_cast<double>(components()) - 1) * problem().scalar->divergence(at_[0], at_[1], 0).value;
  return sum;
}

std::vector<double> MixtureObjective::scores(const std::vector<double>& x, const RunControl& control) {
  if (at_ != x) evaluate(x, nullptr, nullptr, nullptr, control);
  const std::size_t k = components();
  const auto& s = *summary_;
  const bool capture = problem().capture;
  std::vector<double> table(s.value.size() * k);         // entries × components
  std::vector<double> base(s.patterns.size() * k, 0.0);  // zeros of all genes measured
  for (std::size_t j = 0; j < k; ++j) {
    const auto its = of_part(x, j);
    std::vector<double> zeros(index(counts_->n_genes));
    compute::parallel_for(counts_->n_genes, grain, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      control.check();
      std::vector<double> values;
      for (auto g = first; g < last; ++g) {
        const auto begin = index(s.gene_start[index(g)]), n = index(s.gene_start[index(g) + 1]) - begin;
        values.resize(n);
        parts_[j].objective->entry_values(its, g, std::span(s.value).subspan(begin, n), values.data(), zeros[index(g)]);
        for (std::size_t e = 0; e < n; ++e) table[(begin + e) * k + j] = values[e];
      }
    });
    if (capture) continue;
    std::vector<double> by_kind(problem().n_kinds(), 0.0);
    for (std::size_t g = 0; g < zeros.size(); ++g) by_kind[problem().kind_of_gene[g]] += zeros[g];
    const auto by_pattern = problem().over_kinds(by_kind);
    for (std::size_t q = 0; q < by_pattern.size(); ++q) base[q * k + j] = by_pattern[q];
  }
  auto out = sums_by_cell(table, control);
  for (std::size_t c = 0; c < n_cells(); ++c) {
    const double* zeros = &base[s.classes[s.class_of_cell[c]].pattern * k];
    for (std::size_t j = 0; j < k; ++j)
      out[c * k + j] +=
          zeros[j] - log_factorial_[c] + (capture ? parts_[j].objective->unit_values()[problem().unit_of_cell[c]] : 0);
  }
  return out;
}

std::vector<double> MixtureObjective::sums_by_cell(const std::vector<double>& table, const RunControl& control) const {
  const std::size_t k = components();
  std::vector<double> out(n_cells() * k, 0.0);
  if (gpu_) {
    compute::Gather job;
    job.width = static_cast<std::int64_t>(k);
    job.table_rows = static_cast<std::int64_t>(summary_->value.size());
    job.table = table.data();
    job.lookup_start = summary_->gene_start.data();
    job.lookup_value = summary_->value.data();
    gpu_->gather(*cells_there_, job, out.data(), control);
    return out;
  }
  compute::parallel_for(counts_->n_cells, 16, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    for (auto c = index(first); c < index(last); ++c) {
      double* to = &out[c * k];
      for (auto i = index(counts_->row_start[c]); i < index(counts_->row_start[c + 1]); ++i) {
        const double* row = &table[entry_by_cell_[i] * k];
        for (std::size_t j = 0; j < k; ++j) to[j] += row[j];
      }
    }
  });
  return out;
}

}  // namespace scriptorium::inference
