#include "core/perturbation/target_components.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "core/compute/kernels.hpp"
#include "core/compute/parallel.hpp"
#include "core/compute/wide_rows.hpp"
#include "core/embedding/leading_eigenvectors.hpp"
#include "core/error.hpp"

namespace scriptorium::perturbation {
namespace {

using embedding::LeadingEigenvectors;
using Block = LeadingEigenvectors::Block;
using compute::WideRows;

constexpr Eigen::Index width = 2;            // of each target's blocks
constexpr std::int64_t most_together = 8;    // targets: 16 columns, that stay near the processor
constexpr std::int64_t cells_a_check = 128;  // rows between two questions whether to stop

Eigen::VectorXd values_of(const Expression& x, std::int64_t cell) {
  Eigen::VectorXd out = Eigen::VectorXd::Zero(x.n_genes());
  const auto row = x.cell(cell);
  for (std::size_t e = 0; e < row.index.size(); ++e) out[row.index[e]] = row.value[e];
  return out;
}

/// Mean and squared deviations of every gene over some cells.
struct Moments {
  double n = 0;
  Eigen::VectorXd mean, squares;
  Moments(const Expression& x, std::span<const std::int64_t> cells)
      : n(static_cast<double>(cells.size())),
        mean(Eigen::VectorXd::Zero(x.n_genes())),
        squares(Eigen::VectorXd::Zero(x.n_genes())) {
    if (cells.empty()) return;
    // From the first cell's values on: a gene that is the same in all has exactly that mean, and no variance.
    const Eigen::VectorXd from = values_of(x, cells.front());
    Eigen::VectorXd seen = mean;
    for (const std::int64_t cell : cells) {
      const auto row = x.cell(cell);
      for (std::size_t e = 0; e < row.index.size(); ++e) {
        mean[row.index[e]] += row.value[e] - from[row.index[e]];
        ++seen[row.index[e]];
      }
    }
    mean = from + (mean - (n - seen.array()).matrix().cwiseProduct(from)) / n;
    for (const std::int64_t cell : cells) {
      const auto row = x.cell(cell);
      for (std::size_t e = 0; e < row.index.size(); ++e) {
        const double apart = row.value[e] - mean[row.index[e]];
        squares[row.index[e]] += apart * apart;
      }
    }
    squares.array() += (n - seen.array()) * mean.array().square();
  }
  /// Of other cells as well (Chan, Golub and LeVeque).
  void add(const Moments& other) {
    const double all = n + other.n;
    const Eigen::VectorXd apart = other.mean - mean;
    mean += apart * (other.n / all);
    squares += other.squares + apart.cwiseAbs2() * (n * other.n / all);
    n = all;
  }
};

/// A target whose components are looked for.
struct Search {
  Eigen::VectorXd inverse_sd, mean;  // of every gene; the mean of what is scaled
  LeadingEigenvectors vectors;
};

Search search_of(Moments moments, const Moments& own, int components, std::uint64_t seed) {
  moments.add(own);
  const Eigen::Index genes = moments.mean.size();
  Eigen::VectorXd inverse_sd = Eigen::VectorXd::Zero(genes);
  for (Eigen::Index g = 0; g < genes; ++g) {
    const double variance = moments.squares[g] / (moments.n - 1);
    if (variance > 1e-24 * moments.mean[g] * moments.mean[g]) inverse_sd[g] = 1 / std::sqrt(variance);
  }
  const auto wanted = std::min<Eigen::Index>({components, static_cast<Eigen::Index>(moments.n) - 1, genes});
  Eigen::VectorXd mean = moments.mean.cwiseProduct(inverse_sd);
  return {std::move(inverse_sd), std::move(mean),
          LeadingEigenvectors(genes, {.wanted = wanted, .width = width, .seed = seed})};
}

/// Some targets, multiplied together: columns [t · width, (t + 1) · width) of the wide matrices are of target t.
class Together {
 public:
  Together(const Expression& x, std::span<const std::int64_t> controls, const Moments& of_controls,
           std::span<const std::vector<std::int64_t>> cells, int components, std::uint64_t seed)
      : x_(x), controls_(controls), cells_(cells) {
    for (const auto& own : cells) searches_.push_back(search_of(of_controls, Moments(x, own), components, seed));
  }

  /// @param tell  is told after each round of products
  template <class Tell>
  std::vector<Eigen::MatrixXd> run(const RunControl& control, const Tell& tell) {
    const auto busy = [](const Search& one) { return !one.vectors.done(); };
    while (std::any_of(searches_.begin(), searches_.end(), busy)) {
      step(control);
      tell();
    }
    std::vector<Eigen::MatrixXd> loadings;
    for (const Search& one : searches_) {
      if (!one.vectors.converged())
        throw Error(
            ErrorCode::Numerical,
            "The components of a target have not converged after " + std::to_string(one.vectors.blocks()) + " rounds.",
            "Ask for fewer components, or leave the discriminant analysis out.");
      const Eigen::VectorXd& variance = one.vectors.values();
      Eigen::Index rank = 0;
      while (rank < variance.size() && variance[rank] > 1e-14 * variance[0]) ++rank;
      loadings.push_back(one.vectors.vectors().leftCols(rank));
    }
    return loadings;
  }

 private:
  /// One product of every target that is still busy.
  void step(const RunControl& control) {
    const auto targets = static_cast<Eigen::Index>(searches_.size());
    WideRows right(x_.n_genes(), targets * width), sum = right, shift(1, targets * width), total = shift;
    for (Eigen::Index t = 0; t < targets; ++t) {
      const Search& one = searches_[static_cast<std::size_t>(t)];
      if (one.vectors.done()) continue;
      right.matrix().middleCols(t * width, width) = one.inverse_sd.asDiagonal() * one.vectors.block();
      shift.matrix().middleCols(t * width, width) = one.mean.transpose() * one.vectors.block();
    }
    add(controls_, -1, right, shift, sum, total, control);
    for (Eigen::Index t = 0; t < targets; ++t)
      if (!searches_[static_cast<std::size_t>(t)].vectors.done())
        add(cells_[static_cast<std::size_t>(t)], t, right, shift, sum, total, control);
    for (Eigen::Index t = 0; t < targets; ++t) {
      Search& one = searches_[static_cast<std::size_t>(t)];
      if (one.vectors.done()) continue;
      Block product = one.inverse_sd.asDiagonal() * sum.matrix().middleCols(t * width, width);
      product.noalias() -= one.mean * total.matrix().middleCols(t * width, width);
      one.vectors.take(std::move(product));
    }
  }

  /// Σ over `cells` of x_i · (x_i · right − shift); where `owner` is not −1, of that target only.
  void add(std::span<const std::int64_t> cells, Eigen::Index owner, const WideRows& right, const WideRows& shift,
           WideRows& sum, WideRows& total, const RunControl& control) const {
    // Of a single target, the eight columns that hold its own.
    const std::size_t first = owner < 0 ? 0 : static_cast<std::size_t>(owner * width / 8 * 8),
                      columns = owner < 0 ? right.stride() : 8, own = static_cast<std::size_t>(owner * width) - first;
    WideRows row(1, static_cast<Eigen::Index>(columns));
    double* const values = row.data();
    std::int64_t at = 0;
    for (const std::int64_t cell : cells) {
      if (at++ % cells_a_check == 0) control.check();
      const auto entries = x_.cell(cell);
      compute::gather_rows(entries.index.data(), entries.value.data(), entries.index.size(), right.data() + first,
                           right.stride(), values, columns);
      for (std::size_t k = 0; k < columns; ++k) {
        values[k] -= shift.data()[first + k];
        if (owner >= 0 && (k < own || k >= own + width)) values[k] = 0;
        total.data()[first + k] += values[k];
      }
      compute::scatter_rows(entries.index.data(), entries.value.data(), entries.index.size(), values,
                            sum.data() + first, sum.stride(), columns);
    }
  }

  const Expression& x_;
  std::span<const std::int64_t> controls_;
  std::span<const std::vector<std::int64_t>> cells_;
  std::vector<Search> searches_;
};

}  // namespace

std::vector<Eigen::MatrixXd> target_loadings(const Expression& x, std::span<const std::int64_t> controls,
                                             const std::vector<std::vector<std::int64_t>>& cells, int components,
                                             std::uint64_t seed, int threads, const RunControl& control) {
  const auto targets = static_cast<std::int64_t>(cells.size());
  const std::int64_t workers = compute::resolve_threads(threads);
  // As many rounds for one thread as for another.
  const std::int64_t rounds = (targets + most_together * workers - 1) / (most_together * workers);
  const std::int64_t together = std::max<std::int64_t>(1, (targets + rounds * workers - 1) / (rounds * workers));
  const Moments of_controls(x, controls);
  std::vector<Eigen::MatrixXd> loadings(cells.size());
  const std::int64_t pieces = compute::pieces(targets, together);
  std::vector<int> rounds_of(static_cast<std::size_t>(pieces), 0);
  std::mutex telling;
  // How many rounds a search takes is not known before: it comes ever closer to its end, and ends.
  const auto tell = [&](std::int64_t piece, bool ended) {
    constexpr double usual = 100;
    const std::lock_guard lock(telling);
    rounds_of[static_cast<std::size_t>(piece)] = ended ? -1 : rounds_of[static_cast<std::size_t>(piece)] + 1;
    double sum = 0;
    for (const int one : rounds_of) sum += one < 0 ? 1 : one / (one + usual);
    control.tell(sum / static_cast<double>(pieces), "components of " + std::to_string(targets) + " targets");
  };
  compute::for_each_in_order(pieces, threads, [&](std::int64_t piece) {
    const std::int64_t first = piece * together, n = std::min(together, targets - first);
    auto found =
        Together(x, controls, of_controls, std::span(cells).subspan(first, n), components, seed).run(control, [&] {
          tell(piece, false);
        });
    std::move(found.begin(), found.end(), loadings.begin() + first);
    tell(piece, true);
  });
  return loadings;
}

}  // namespace scriptorium::perturbation
