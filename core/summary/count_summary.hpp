#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "core/data/count_sink.hpp"
#include "core/progress.hpp"

namespace scriptorium::summary {

/// Which genes a group of cells did not measure. Missing is not zero: such entries are left out of every sum.
struct MeasuredPattern {
  std::vector<std::uint32_t> missing_genes;  ///< ascending; empty: all measured
};

/// Cells that the capture models cannot tell apart: same pattern, same total count.
struct CellClass {
  std::uint32_t pattern = 0;
  std::uint64_t total = 0;
  double cells = 0;
};

/// All that a negative-binomial likelihood without zero-inflated capture needs of the counts: a mergeable one-pass
/// reduction whose size does not depend on the number of cells (but for the class of each cell).
struct CountSummary {
  std::int64_t n_cells = 0, n_genes = 0;

  // Histogram of the positive counts of each gene: entries [gene_start[g], gene_start[g+1]), values ascending.
  std::vector<std::int64_t> gene_start;
  std::vector<std::uint32_t> value;  ///< the count u
  std::vector<double> cells;         ///< n_gu, cells of gene g with count u (real numbers when weighted)

  std::vector<double> gene_total;     ///< S_g = Σ_c u_gc
  std::vector<double> gene_nonzero;   ///< cells with a positive count
  std::vector<double> gene_measured;  ///< cells that measured gene g (n_cells unless entries are missing)

  std::vector<MeasuredPattern> patterns;     ///< at least one; pattern 0 of a complete matrix has nothing missing
  std::vector<CellClass> classes;            ///< ascending (pattern, total)
  std::vector<std::uint32_t> class_of_cell;  ///< n_cells
  double sum_log_factorial = 0;              ///< Σ ln u!

  std::uint64_t cell_total(std::int64_t cell) const {
    return classes[class_of_cell[static_cast<std::size_t>(cell)]].total;
  }
  double total() const;
};

/// gene_total, gene_nonzero and sum_log_factorial from the histograms.
void add_gene_totals(CountSummary& summary);
/// Patterns, gene_measured and the classes of the cells, from the total of each cell and what it did not measure.
void classify(CountSummary& summary, const std::vector<std::uint64_t>& cell_total, const data::Missing& missing);

/// Builds a summary from blocks in any order (each block names its first cell). Builders over the same cells and genes
/// merge: one a thread, or one a shard of the data.
class CountSummaryBuilder {
 public:
  CountSummaryBuilder(std::int64_t n_cells, std::int64_t n_genes);
  /// Blocks of cells or of genes; each cell and gene in one block only.
  void add(const data::CountBlock& block);
  void merge(const CountSummaryBuilder& other);
  CountSummary finish(const data::Missing& missing = {}) const;

 private:
  std::int64_t n_cells_, n_genes_;
  std::vector<std::uint32_t> small_;               // n_genes × small_counts: cells by count
  std::vector<std::vector<std::uint32_t>> large_;  // per gene, the counts ≥ small_counts as they come
  std::vector<std::uint64_t> cell_total_;
};

/// Builds the summary of counts that pass by.
class SummarySink final : public data::CountSink {
 public:
  void begin(const data::Table& cells, const data::Table& genes) override;
  void add(const data::CountBlock& block) override;
  CountSummary finish(const data::Missing& missing) const { return builder_->finish(missing); }

 private:
  std::mutex mutex_;
  std::optional<CountSummaryBuilder> builder_;
};

/// The summary of a matrix in memory; the same bits at any number of threads.
CountSummary summarise(const data::CountMatrix& counts, int threads, const RunControl& control,
                       const data::Missing& missing = {});

}  // namespace scriptorium::summary
