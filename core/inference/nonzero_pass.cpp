#include "core/inference/nonzero_pass.hpp"

#include <algorithm>
#include <cmath>

namespace scriptorium::inference {

NonzeroPass::NonzeroPass(const Problem& problem) : problem_(&problem) {
  if (!problem.gpu) return;
  gene_rows_ = problem.gpu->hold(rows_of(*problem.by_gene));
  cell_rows_ = problem.gpu->hold(rows_of(*problem.counts));
}

void NonzeroPass::resize() {
  const auto m = static_cast<std::size_t>(grid.size()), genes = static_cast<std::size_t>(problem_->n_genes());
  exp_node.clear();
  for (const double t : grid.nodes()) exp_node.push_back(std::exp(t));
  nonzero_minus_zero.assign(genes * m, 0.0);
  zero.assign(genes * m, 0.0);
  per_count.assign(problem_->mean == Mean::MeanAndDispersion ? genes * m : 0, 0.0);
}

/// out: rows × M, sums of the table's rows (of M numbers each).
void NonzeroPass::gather(const compute::Rows& rows, compute::Weight weight, const std::vector<double>& table,
                         std::vector<double>& out, const RunControl& control) const {
  compute::Gather job;
  job.weight = weight;
  job.width = grid.size();
  job.table_rows = static_cast<std::int64_t>(table.size()) / job.width;
  job.table = table.data();
  out.resize(static_cast<std::size_t>(rows.view.rows * job.width));
  problem_->gpu->gather(rows, job, out.data(), control);
}

void NonzeroPass::copy_tables(std::int64_t from, std::int64_t to) {
  const auto m = static_cast<std::ptrdiff_t>(grid.size());
  for (auto* table : {&nonzero_minus_zero, &zero, &per_count})
    if (!table->empty()) std::copy_n(table->begin() + from * m, m, table->begin() + to * m);
}

void NonzeroPass::sum_cells(const RunControl& control) {
  const auto m = static_cast<std::size_t>(grid.size());
  std::vector<double> by_pattern(problem_->n_patterns() * m, 0.0);
  for (std::size_t c = 0; c < windows.size(); ++c) {
    const auto& window = windows[c];
    double* out = &by_pattern[problem_->units[c].pattern * m + static_cast<std::size_t>(window.first)];
    for (int k = 0; k < window.width; ++k) out[k] += weights[window.at + static_cast<std::size_t>(k)];
  }
  all_cells = problem_->over_measured(by_pattern);
  if (!gene_rows_) return;
  std::vector<double> table(windows.size() * m, 0.0);
  for (std::size_t u = 0; u < windows.size(); ++u)
    std::copy_n(&weights[windows[u].at], windows[u].width, &table[u * m + static_cast<std::size_t>(windows[u].first)]);
  gather(*gene_rows_, compute::Weight::One, table, gathered_, control);
  if (!per_count.empty()) gather(*gene_rows_, compute::Weight::Count, table, gathered_counts_, control);
}

void NonzeroPass::sum_zeros(const RunControl& control) {
  const auto m = static_cast<std::size_t>(grid.size());
  std::vector<double> by_kind(problem_->n_kinds() * m, 0.0);
  for (std::size_t g = 0; g < problem_->kind_of_gene.size(); ++g)
    for (std::size_t k = 0; k < m; ++k) by_kind[problem_->kind_of_gene[g] * m + k] += zero[g * m + k];
  zero_sum = problem_->over_kinds(by_kind);
  if (!cell_rows_) return;
  gather(*cell_rows_, compute::Weight::One, nonzero_minus_zero, gathered_, control);
  if (!per_count.empty()) gather(*cell_rows_, compute::Weight::Count, per_count, gathered_counts_, control);
}

void NonzeroPass::gene_weights(std::int64_t gene, double* nonzero, double* by_count) const {
  const auto m = static_cast<std::size_t>(grid.size());
  if (gene_rows_) {
    std::copy_n(&gathered_[static_cast<std::size_t>(gene) * m], m, nonzero);
    if (by_count) std::copy_n(&gathered_counts_[static_cast<std::size_t>(gene) * m], m, by_count);
    return;
  }
  const auto& matrix = *problem_->by_gene;  // its `gene` holds units
  const auto begin = static_cast<std::size_t>(matrix.row_start[static_cast<std::size_t>(gene)]),
             n = static_cast<std::size_t>(matrix.row_start[static_cast<std::size_t>(gene) + 1]) - begin;
  const std::uint32_t* cells = matrix.gene.data() + begin;
  std::fill(nonzero, nonzero + m, 0.0);
  compute::add_windows(cells, nullptr, n, windows.data(), weights.data(), nonzero);
  if (!by_count) return;
  std::fill(by_count, by_count + m, 0.0);
  compute::add_windows(cells, matrix.count.data() + begin, n, windows.data(), weights.data(), by_count);
}

void NonzeroPass::cell_function(std::size_t unit, const compute::Window& window, std::vector<double>& values) const {
  const auto m = static_cast<std::size_t>(grid.size());
  const auto& matrix = *problem_->counts;
  const std::size_t c = problem_->cell_of_unit[unit];
  const auto first = static_cast<std::size_t>(window.first), width = static_cast<std::size_t>(window.width);
  const auto begin = static_cast<std::size_t>(matrix.row_start[c]),
             n = static_cast<std::size_t>(matrix.row_start[c + 1]) - begin;
  const std::uint32_t* genes = matrix.gene.data() + begin;
  const double* zeros = &zero_sum[problem_->units[unit].pattern * m + first];
  values.assign(zeros, zeros + width);
  if (cell_rows_) {
    for (const auto* sums : {&gathered_, &gathered_counts_})
      for (std::size_t k = 0; k < width && !sums->empty(); ++k) values[k] += (*sums)[c * m + first + k];
    return;
  }
  compute::add_rows(genes, nullptr, n, &nonzero_minus_zero[first], m, values.data(), width);
  if (!per_count.empty())
    compute::add_rows(genes, matrix.count.data() + begin, n, &per_count[first], m, values.data(), width);
}

}  // namespace scriptorium::inference
