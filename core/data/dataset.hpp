#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/data/count_matrix.hpp"
#include "core/progress.hpp"

namespace scriptorium::data {

/// Labels from a fixed list; code −1 is missing.
struct Categorical {
  std::vector<std::int32_t> codes;
  std::vector<std::string> categories;
  bool ordered = false;
};

/// One typed column of a cell or gene table.
struct Column {
  std::string name;
  std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::uint8_t>, std::vector<std::string>,
               Categorical>
      values;  ///< numbers, integers, booleans (0/1), text, labels
  std::vector<std::uint8_t>
      missing;               ///< empty, or 1 where the value is missing (NaN numbers are missing by themselves)
  std::string type() const;  ///< "number", "integer", "boolean", "text", "label"
  std::size_t size() const;
  bool is_missing(std::size_t row) const;
  /// The value as a person reads it; empty where missing. Numbers with up to 17 significant digits.
  std::string text(std::size_t row) const;
  /// The value as a number, NaN where missing or not a number.
  double number(std::size_t row) const;
  /// Rows `rows` of this column.
  Column select(std::span<const std::int64_t> rows) const;
};

/// The table of the cells (obs) or of the genes (var).
struct Table {
  std::vector<std::string> names;  ///< unique row names; duplicates in a file get "-1", "-2", … and a note
  std::vector<Column> columns;
  const Column* find(const std::string& column) const;
  /// The rows `rows`; an empty span is none.
  Table select(std::span<const std::int64_t> rows) const;
  std::size_t size() const { return names.size(); }
};

/// Coordinates per cell found in a file (obsm) or computed: row-major, cells × dims.
struct Embedding {
  std::string name;
  int dims = 0;
  std::vector<float> coordinates;
};

/// Which cells did not measure which genes. Missing is not zero: such entries belong in no sum.
struct Missing {
  std::vector<std::vector<std::uint32_t>> genes{{}};  ///< per pattern, ascending; pattern 0 lacks nothing
  std::vector<std::uint32_t> pattern_of_cell;         ///< empty: every cell has pattern 0
  bool none() const { return pattern_of_cell.empty(); }
  std::uint32_t pattern(std::size_t cell) const { return none() ? 0 : pattern_of_cell[cell]; }
  std::int64_t entries() const;                 ///< pairs of cell and gene that were not measured
  std::int64_t n_cells() const;                 ///< cells that lack something
  std::vector<std::uint32_t> any_gene() const;  ///< genes that some pattern lacks, ascending
  /// What is left for a choice of cells and genes (indices; empty spans keep all).
  Missing select(std::span<const std::int64_t> kept_cells, std::span<const std::int64_t> kept_genes,
                 std::int64_t n_genes) const;
};

/// One matrix that a file offers, judged but not loaded.
struct LayerInfo {
  std::string path;      ///< "X", "layers/counts", "raw/X", "matrix", …: what --layer takes
  std::string encoding;  ///< "csr", "csc", "dense", "coordinate"
  std::string dtype;     ///< type of the stored values, e.g. "float32"
  std::int64_t n_cells = 0, n_genes = 0;
  std::int64_t stored = 0;  ///< stored values (all of them when dense)
  bool is_counts = false;   ///< every value is a whole number ≥ 0 that fits 32 bits
  std::string why_not;      ///< when not counts: the first offending value with its cell and gene
};

/// A data set: chosen counts, what is known of its cells and genes, and what else its file offers.
struct Dataset {
  std::string path, format;  ///< format as `inspect` prints it: "h5ad", "10x-h5-v3", "10x-h5-v2", "mtx", …
  std::string layer;         ///< where `counts` came from
  std::vector<LayerInfo> layers;
  CountMatrix counts;
  Missing missing;
  Table cells, genes;
  std::vector<Embedding> embeddings;
  std::vector<std::string> notes;  ///< what the reader had to decide: renamed duplicates, generated names, …

  /// The rows and columns kept by a filter, with tables and embeddings to match; an empty span keeps all.
  Dataset select(std::span<const std::int64_t> kept_cells, std::span<const std::int64_t> kept_genes) const;
};

}  // namespace scriptorium::data
