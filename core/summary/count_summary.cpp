#include "core/summary/count_summary.hpp"

#include <algorithm>
#include <memory>

#include "core/compute/parallel.hpp"
#include "core/math/special.hpp"

namespace scriptorium::summary {
namespace {

// Two thirds of the positive counts are 1 and nearly all are below 16: those are counted in place.
constexpr std::uint32_t small_counts = 16;

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

double CountSummary::total() const {
  double sum = 0;
  for (const double s : gene_total) sum += s;
  return sum;
}

CountSummaryBuilder::CountSummaryBuilder(std::int64_t n_cells, std::int64_t n_genes)
    : n_cells_(n_cells),
      n_genes_(n_genes),
      small_(index(n_genes) * small_counts),
      large_(index(n_genes)),
      cell_total_(index(n_cells)) {}

void CountSummaryBuilder::add(const data::CountBlock& block) {
  const bool by_cell = block.major == data::Major::Cell;
  for (std::int64_t row = 0; row < block.rows(); ++row) {
    const std::size_t major = index(block.first + row);
    std::uint64_t total = 0;
    for (auto i = index(block.row_start[index(row)]); i < index(block.row_start[index(row) + 1]); ++i) {
      const std::uint32_t u = block.count[i];
      const std::size_t g = by_cell ? block.minor[i] : major;
      if (by_cell)
        total += u;
      else
        cell_total_[block.minor[i]] += u;
      if (u < small_counts)
        ++small_[g * small_counts + u];
      else
        large_[g].push_back(u);
    }
    if (by_cell) cell_total_[major] = total;
  }
}

void CountSummaryBuilder::merge(const CountSummaryBuilder& other) {
  for (std::size_t i = 0; i < small_.size(); ++i) small_[i] += other.small_[i];
  for (std::size_t g = 0; g < large_.size(); ++g)
    large_[g].insert(large_[g].end(), other.large_[g].begin(), other.large_[g].end());
  for (std::size_t c = 0; c < cell_total_.size(); ++c) cell_total_[c] += other.cell_total_[c];
}

CountSummary CountSummaryBuilder::finish(const data::Missing& missing) const {
  CountSummary s;
  s.n_cells = n_cells_;
  s.n_genes = n_genes_;
  s.gene_start.reserve(index(n_genes_) + 1);
  s.gene_start.push_back(0);
  std::vector<std::uint32_t> sorted;
  for (std::int64_t g = 0; g < n_genes_; ++g) {
    const auto entry = [&](std::uint32_t u, double cells) {
      s.value.push_back(u);
      s.cells.push_back(cells);
    };
    for (std::uint32_t u = 1; u < small_counts; ++u)
      if (const auto n = small_[index(g) * small_counts + u]) entry(u, n);
    sorted = large_[index(g)];
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size();) {
      std::size_t j = i;
      while (j < sorted.size() && sorted[j] == sorted[i]) ++j;
      entry(sorted[i], static_cast<double>(j - i));
      i = j;
    }
    s.gene_start.push_back(static_cast<std::int64_t>(s.value.size()));
  }
  add_gene_totals(s);
  classify(s, cell_total_, missing);
  return s;
}

void add_gene_totals(CountSummary& s) {
  s.sum_log_factorial = 0;
  s.gene_total.clear();
  s.gene_nonzero.clear();
  for (std::size_t g = 0; g < index(s.n_genes); ++g) {
    double total = 0, nonzero = 0;
    for (auto e = index(s.gene_start[g]); e < index(s.gene_start[g + 1]); ++e) {
      total += s.cells[e] * s.value[e];
      nonzero += s.cells[e];
      s.sum_log_factorial += s.cells[e] * math::log_rising(1.0, s.value[e]);
    }
    s.gene_total.push_back(total);
    s.gene_nonzero.push_back(nonzero);
  }
}

void classify(CountSummary& s, const std::vector<std::uint64_t>& cell_total, const data::Missing& missing) {
  for (const auto& genes : missing.genes) s.patterns.push_back({genes});
  std::vector<double> pattern_cells(s.patterns.size());
  for (std::size_t c = 0; c < index(s.n_cells); ++c) ++pattern_cells[missing.pattern(c)];
  s.gene_measured.assign(index(s.n_genes), static_cast<double>(s.n_cells));
  for (std::size_t p = 0; p < s.patterns.size(); ++p)
    for (const std::uint32_t g : s.patterns[p].missing_genes) s.gene_measured[g] -= pattern_cells[p];
  std::vector<std::pair<std::uint32_t, std::uint64_t>> kinds;  // (pattern, total)
  for (std::size_t c = 0; c < index(s.n_cells); ++c) kinds.emplace_back(missing.pattern(c), cell_total[c]);
  auto sorted_kinds = kinds;
  std::sort(sorted_kinds.begin(), sorted_kinds.end());
  for (const auto& [pattern, total] : sorted_kinds) {
    if (s.classes.empty() || s.classes.back().pattern != pattern || s.classes.back().total != total)
      s.classes.push_back({pattern, total, 0});
    ++s.classes.back().cells;
  }
  s.class_of_cell.reserve(index(s.n_cells));
  for (const auto& kind : kinds) {
    const auto at =
        std::lower_bound(s.classes.begin(), s.classes.end(), kind,
                         [](const CellClass& k, const auto& wanted) { return std::pair(k.pattern, k.total) < wanted; });
    s.class_of_cell.push_back(static_cast<std::uint32_t>(at - s.classes.begin()));
  }
}

void SummarySink::begin(const data::Table& cells, const data::Table& genes) {
  builder_.emplace(static_cast<std::int64_t>(cells.size()), static_cast<std::int64_t>(genes.size()));
}

void SummarySink::add(const data::CountBlock& block) {
  const std::lock_guard lock(mutex_);
  builder_->add(block);
}

CountSummary summarise(const data::CountMatrix& counts, int threads, const RunControl& control,
                       const data::Missing& missing) {
  const int workers = compute::resolve_threads(threads);
  std::vector<std::unique_ptr<CountSummaryBuilder>> builders;
  for (int w = 0; w < workers; ++w)
    builders.push_back(std::make_unique<CountSummaryBuilder>(counts.n_cells, counts.n_genes));
  const std::int64_t share = (counts.n_cells + workers - 1) / std::max(1, workers);
  constexpr std::int64_t cells_at_once = 256;  // a stop is seen within milliseconds
  compute::parallel_for(workers, 1, workers, [&](std::int64_t w, std::int64_t, std::int64_t) {
    std::vector<std::int64_t> scratch;
    for (std::int64_t first = w * share; first < std::min(counts.n_cells, (w + 1) * share); first += cells_at_once) {
      control.check();
      builders[index(w)]->add(
          counts.block(first, std::min({counts.n_cells, (w + 1) * share, first + cells_at_once}), scratch));
    }
  });
  for (int w = 1; w < workers; ++w) builders[0]->merge(*builders[index(w)]);
  return builders[0]->finish(missing);
}

}  // namespace scriptorium::summary
