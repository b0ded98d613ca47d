#include <unistd.h>

#include <algorithm>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/compute/parallel.hpp"

namespace scriptorium::compute {
namespace {

/// The runner of work.hpp for threads: rows one after another, each by its pieces.
class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(int threads) : threads_(resolve_threads(threads)) {}

  std::string name() const override {
    return "cpu, " + std::to_string(threads_) + (threads_ == 1 ? " thread" : " threads");
  }
  Memory memory() const override {
    const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
    return {page * static_cast<double>(sysconf(_SC_PHYS_PAGES)), page * static_cast<double>(sysconf(_SC_AVPHYS_PAGES))};
  }

  void gather(const Rows& rows, const Gather& job, double* out, const RunControl& control) const override {
    const auto& view = rows.view;
    each_row(view.rows, control, [&](std::int64_t row, std::vector<double>& piece) {
      double* sum = out + row * job.width;
      std::fill(sum, sum + job.width, 0.0);
      each_piece(view, row, gather_piece, [&](std::int64_t begin, std::int64_t end, bool first) {
        if (first) return job.piece(view.column, view.count, begin, end, 0, job.width, sum);
        piece.resize(static_cast<std::size_t>(job.width));
        job.piece(view.column, view.count, begin, end, 0, job.width, piece.data());
        for (std::int64_t m = 0; m < job.width; ++m) sum[m] += piece[static_cast<std::size_t>(m)];
      });
    });
  }

  void rising(const Rows& rows, const Rising& job, double* out, const RunControl& control) const override {
    const auto& view = rows.view;
    each_row(view.rows, control, [&](std::int64_t row, std::vector<double>&) {
      double* sum = out + 2 * row;
      sum[0] = sum[1] = 0;
      each_piece(view, row, rising_piece, [&](std::int64_t begin, std::int64_t end, bool) {
        double piece[2];
        job.piece(view.count, row, begin, end, piece);
        sum[0] += piece[0];
        sum[1] += piece[1];
      });
    });
  }

  void likelihood(const Rows& rows, const EntryLikelihood& job, bool zeros, double* out,
                  const RunControl& control) const override {
    const auto& view = rows.view;
    each_row(view.rows, control, [&](std::int64_t row, std::vector<double>&) {
      double sum = 0;
      each_piece(view, row, likelihood_piece, [&](std::int64_t begin, std::int64_t end, bool) {
        sum += job.piece(view.column, view.count, row, begin, end);
      });
      for (std::int64_t begin = 0; zeros && begin < view.columns; begin += zero_block) {
        control.check();
        sum += job.zeros(row, begin, std::min(begin + zero_block, view.columns));
      }
      out[row] = sum;
    });
  }

  void simulate(const Simulation& job, double* pooled, const RunControl& control) const override {
    std::vector<std::int64_t> pooled_start{0};
    for (std::int64_t j = 0; j < job.n_genes; ++j) pooled_start.push_back(pooled_start.back() + job.gene[j].single + 1);
    parallel_for(job.n_genes, 1, threads_, [&](std::int64_t j, std::int64_t, std::int64_t) {
      const auto& g = job.gene[j];
      const std::int64_t bins = g.single + 1;
      const bool pools = !job.fixed && g.level >= 0;
      double* sum = pooled + pooled_start[static_cast<std::size_t>(j)];
      if (pools) std::fill(sum, sum + bins, 0.0);
      std::vector<double> masses(static_cast<std::size_t>(pools ? bins : 0));
      for (std::int64_t d = 0; d < job.draws; ++d) {
        control.check();
        std::fill(masses.begin(), masses.end(), 0.0);
        job.draw(j, d, job.histogram + g.histogram_at + d * bins, masses.data(), job.kept + g.kept_at);
        for (std::size_t k = 0; k < masses.size(); ++k) sum[k] += masses[k];
      }
    });
  }

 private:
  template <class Body>
  void each_row(std::int64_t rows, const RunControl& control, const Body& body) const {
    parallel_for(rows, 16, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      control.check();
      std::vector<double> scratch;
      for (auto row = first; row < last; ++row) body(row, scratch);
    });
  }
  template <class Body>
  static void each_piece(const CsrView& view, std::int64_t row, std::int64_t length, const Body& body) {
    const std::int64_t first = view.row_start[row] - view.row_start[0],
                       last = view.row_start[row + 1] - view.row_start[0];
    for (auto begin = first; begin < last; begin += length) body(begin, std::min(begin + length, last), begin == first);
  }

  int threads_;
};

}  // namespace

std::shared_ptr<const Backend> cpu_backend(int threads) {
  return std::make_shared<CpuBackend>(threads);
}

}  // namespace scriptorium::compute
