#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/perturbation/weighted_de.hpp"
#include "core/report/table.hpp"

/// What perturbations do to genes, side by side: genes × targets, one matrix for each group of cells.
namespace scriptorium::perturbation {

/// 0.05 over 30,000 genes.
inline constexpr double genome_wide_p = 0.05 / 30000;

struct ZMatrix {
  std::string group;                 ///< "all" where cells were not parted
  std::vector<std::string> genes;    ///< rows
  std::vector<std::string> targets;  ///< columns
  std::vector<double> z;             ///< rows × columns: sign(b) · √(upper χ²₁ quantile of p); NaN: not tested
  double at(std::size_t row, std::size_t column) const { return z[row * targets.size() + column]; }
};

struct ZOptions {
  double p = genome_wide_p;  ///< of a gene in a group, this or less …
  double log2fc = 0.2;       ///< … and |log2 fold change|, this or more
  std::int64_t most = 50;    ///< genes of a target and group, those of smallest p; 0: no limit
};
/// Rows: genes that pass for some target in some group, in the order of `genes`. Columns: targets that have such genes.
/// All groups have the same rows and columns; a target that lacks a group is NaN there. Groups in the order in which
/// they first appear. No matrices where nothing passes.
std::vector<ZMatrix> z_matrices(std::span<const WeightedDe> tables, const std::vector<std::string>& genes,
                                const ZOptions& options = {});

struct CleanOptions {
  double cap = 37;           ///< |z| is cut there: 37 is where p falls below 1e-300
  bool mask_target = false;  ///< the target's own gene becomes 0
  std::int64_t min_sig = 0;  ///< columns with fewer genes beyond `p` are dropped
  double p = genome_wide_p;
  bool center = false, scale = false;  ///< columns to mean 0, to sd 1 (n − 1; a column of sd 0 stays)
};
/// NaN becomes 0, then as the options say. A group that is left with fewer than two columns is dropped.
std::vector<ZMatrix> clean(std::vector<ZMatrix> matrices, const CleanOptions& options = {});

/// The columns named, in that order. @pre they are there
ZMatrix select_columns(const ZMatrix& matrix, std::span<const std::size_t> columns);

/// A column "gene", and one a target.
report::Table z_table(const ZMatrix& matrix);
/// Such a table from its text (TSV or CSV; empty cells and "NA" are NaN), with the group's name. `path` is what errors
/// name. @throws Error(BadInput) naming line and column of what is no number, and repeated genes or targets
ZMatrix parse_z_table(const std::string& text, const std::string& group, const std::string& path);
/// The same from a file; the group is the file's name without "Z_" before and its ending.
ZMatrix read_z_table(const std::string& path);

}  // namespace scriptorium::perturbation
