#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/perturbation/expression.hpp"
#include "core/perturbation/screen.hpp"

namespace scriptorium::perturbation {

/// What a cell is compared with: its nearest control cells ("nn"), or the mean of the controls of its group
/// ("split_by").
enum class Reference : std::uint8_t { Neighbours, SplitMean };
/// @throws Error(BadInput) for a word that is neither "nn" nor "split_by"
Reference reference_from_string(const std::string& text);
std::string to_string(Reference reference);

struct SignatureOptions {
  Reference reference = Reference::Neighbours;
  int neighbours = 20;
  int dims = 15;  ///< columns of the representation that count, all when there are fewer
  /// Where neighbours are looked for. "": x itself with at most 50 genes, else the file's "X_pca", else principal
  /// components made here. "X": x. "pca": components made here. Any other word: the embedding of that name.
  std::string representation = {};
  std::uint64_t seed = 42;  ///< of the start of the components' search: the result does not depend on it
  int threads = 0;          ///< 0: all cores; the result is the same at any number
  std::shared_ptr<const compute::Backend> backend = {};  ///< that looks for neighbours; none: the CPU
};
void to_json(nlohmann::json& json, const SignatureOptions& options);
void from_json(const nlohmann::json& json, SignatureOptions& options);

/// Points in which neighbours are looked for: cells × dims, row-major.
struct Points {
  std::string name;  ///< "X", "principal components", or the embedding's name
  int dims = 0;
  std::vector<double> values;
};
/// Up to so many genes neighbours are looked for in x itself.
inline constexpr std::int64_t few_genes = 50;

/// Principal components of x: centred, not scaled; of the genes that a boolean gene column "highly_variable" marks, if
/// there is one. @throws Error(BadInput) for an embedding that is not there, naming those that are; Cancelled
Points points_of(const data::Dataset& dataset, const Expression& x, const SignatureOptions& options,
                 const RunControl& control = {});
/// The same of all genes, without a data set.
Points points_of(const Expression& x, const SignatureOptions& options, const RunControl& control = {});

/// The perturbation signature: expression of the reference − expression of the cell, cells × genes. What is knocked
/// down is positive. Nothing is kept but who the references are: values are formed for the cells and genes asked for.
class Signature {
 public:
  Signature() = default;
  /// For each group of the screen its controls are candidates and all its cells are queries; a control finds itself.
  /// Euclidean distance, exact, ties by the lower index. The reference is log1p(mean of expm1(x)) over the neighbours.
  /// A group with fewer controls than `neighbours` uses all of them, with a note.
  /// @throws Error(BadInput) for a group without control cells, naming it; Cancelled
  static Signature by_neighbours(std::shared_ptr<const Expression> x, const Screen& screen, const Points& points,
                                 const SignatureOptions& options, const RunControl& control = {});
  /// Neighbours from elsewhere: cells × k row numbers of control cells, row-major; −1 where there are fewer than k.
  static Signature of_neighbours(std::shared_ptr<const Expression> x, int k, std::vector<std::int32_t> neighbours);
  /// Reference of a cell: mean of x over its group's controls, on the log scale.
  /// @throws Error(BadInput) without a column of groups, or for a group without control cells
  static Signature by_split_mean(std::shared_ptr<const Expression> x, const Screen& screen,
                                 const RunControl& control = {});
  /// Values from elsewhere: cells × genes, row-major.
  static Signature of_values(std::int64_t n_cells, std::int64_t n_genes, std::vector<double> values);

  /// Signature of `genes` in `cells`: cells × genes, row-major. NaN for cells without a group.
  std::vector<double> columns(std::span<const std::int64_t> cells, std::span<const std::int64_t> genes, int threads = 1,
                              const RunControl& control = {}) const;
  /// All genes of the cells [first, last), row-major: for streaming.
  std::vector<double> rows(std::int64_t first, std::int64_t last, int threads = 1,
                           const RunControl& control = {}) const;

  bool empty() const { return n_cells_ == 0; }
  std::int64_t n_cells() const { return n_cells_; }
  std::int64_t n_genes() const { return n_genes_; }
  int k() const { return k_; }
  /// cells × k, nearest first, −1 where there are fewer than k; empty where the reference is no neighbours.
  const std::vector<std::int32_t>& neighbours() const { return neighbours_; }
  const std::vector<std::string>& notes() const { return notes_; }
  void add_notes(const std::vector<std::string>& notes) { notes_.insert(notes_.end(), notes.begin(), notes.end()); }

 private:
  friend Signature make_signature(std::shared_ptr<const Expression> x, const data::Dataset& dataset,
                                  const Screen& screen, const SignatureOptions& options, const RunControl& control);
  void prepare(const RunControl& control);
  void fill_column(std::span<const std::int64_t> cells, std::int64_t gene, std::size_t column, std::size_t width,
                   std::vector<double>& own, std::vector<double>& reference, std::vector<double>& out) const;
  void fill_row(std::int64_t cell, std::span<double> out) const;
  std::int64_t n_cells_ = 0, n_genes_ = 0;
  std::shared_ptr<const Expression> x_;
  int k_ = 0;
  std::vector<std::int32_t> neighbours_;
  std::vector<std::uint8_t> candidate_;  // cells that are somebody's neighbour
  std::vector<std::int64_t> linear_at_;  // of a candidate: where its entries begin in linear_
  std::vector<double> linear_;           // expm1(x) of the candidates' entries
  std::vector<std::int32_t> split_;      // of each cell; for means
  std::vector<double> mean_;             // groups × genes
  std::vector<double> values_;
  std::vector<std::string> notes_;
};

/// As the options say. @throws Error(BadInput) for options that cannot be, before any work
Signature make_signature(std::shared_ptr<const Expression> x, const data::Dataset& dataset, const Screen& screen,
                         const SignatureOptions& options, const RunControl& control = {});

}  // namespace scriptorium::perturbation
