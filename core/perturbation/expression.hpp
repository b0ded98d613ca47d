#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/progress.hpp"

namespace scriptorium::perturbation {

/// Log-normalised expression, cells × genes, sparse and readable along both: x = log(1 + 10,000 · count / total of the
/// cell), natural logarithm. Only entries above 0 are stored.
class Expression {
 public:
  /// Stored entries of one cell (index: genes) or one gene (index: cells), ascending.
  struct Entries {
    std::span<const std::uint32_t> index;
    std::span<const double> value;
  };

  /// Totals are over all genes; a cell without counts is all zeros.
  /// @param per_cell  counts of a cell after normalisation
  /// @throws Error(BadInput) when `missing` says that some cells did not measure some genes; Cancelled
  static Expression of_counts(const data::CountMatrix& counts, const data::Missing& missing, int threads,
                              const RunControl& control = {}, double per_cell = 1e4);
  /// Values that stand in for x: rows by cell, genes ascending in a row; zeros may be stored.
  /// @throws Error(BadInput) for the first value that is not a finite number from 0 up, naming its row and column
  static Expression of_values(std::int64_t n_cells, std::int64_t n_genes, const std::vector<std::int64_t>& row_start,
                              const std::vector<std::uint32_t>& gene, const std::vector<double>& value,
                              const RunControl& control = {});
  /// The same of a dense matrix, row-major.
  static Expression of_dense(std::int64_t n_cells, std::int64_t n_genes, std::span<const double> values,
                             const RunControl& control = {});

  std::int64_t n_cells() const { return n_cells_; }
  std::int64_t n_genes() const { return n_genes_; }
  std::int64_t stored() const { return static_cast<std::int64_t>(by_cell_.value.size()); }
  Entries cell(std::int64_t i) const { return by_cell_.row(i); }
  Entries gene(std::int64_t g) const { return by_gene_.row(g); }
  /// x of one cell and gene (binary search).
  double at(std::int64_t i, std::int64_t g) const;
  /// Counts of each cell over all genes; empty where x came from values.
  const std::vector<double>& total() const { return total_; }

 private:
  struct Rows {
    std::vector<std::int64_t> start{0};
    std::vector<std::uint32_t> index;
    std::vector<double> value;
    Entries row(std::int64_t i) const;
  };
  void turn(const RunControl& control);  // by_gene_ from by_cell_
  std::int64_t n_cells_ = 0, n_genes_ = 0;
  Rows by_cell_, by_gene_;
  std::vector<double> total_;
};

}  // namespace scriptorium::perturbation
