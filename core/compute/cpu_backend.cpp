#include <unistd.h>

#include <algorithm>
#include <limits>
#include <mutex>
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

  void nearest(const Nearest& job, std::int32_t* place, const RunControl& control) const override {
    const std::vector<double> tiled = in_tiles(job);
    std::mutex telling;
    std::int64_t done = 0;
    parallel_for(job.queries, queries_a_piece, threads_, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      const std::int64_t n = last - first;
      std::vector<double> lists(static_cast<std::size_t>(n * job.k), std::numeric_limits<double>::infinity());
      std::fill(place + first * job.k, place + last * job.k, -1);
      double distance[candidates_a_tile];
      for (std::int64_t at = 0; at < job.candidates; at += candidates_a_tile) {
        control.check();
        const std::int64_t in_tile = std::min(candidates_a_tile, job.candidates - at);
        for (std::int64_t q = first; q < last; ++q) {
          distances(job.query + q * job.dims, tiled.data() + at * job.dims, job.dims, distance);
          double* const list = lists.data() + (q - first) * job.k;
          for (std::int64_t j = 0; j < in_tile; ++j)
            if (distance[j] < list[job.k - 1])
              Nearest::insert(distance[j], static_cast<std::int32_t>(at + j), job.k, list, place + q * job.k);
        }
      }
      const std::lock_guard lock(telling);
      done += n;
      if (done / queries_a_report != (done - n) / queries_a_report)
        control.tell(static_cast<double>(done) / static_cast<double>(job.queries), "looking for the nearest");
    });
  }

 private:
  static constexpr std::int64_t candidates_a_tile = 512;  // whose coordinates stay in the cache
  static constexpr std::int64_t queries_a_piece = 32, queries_a_report = 1024;

  /// Candidates' coordinates, tile by tile, within a tile by dimension: tiles × dims × candidates_a_tile.
  static std::vector<double> in_tiles(const Nearest& job) {
    constexpr std::int64_t tile = candidates_a_tile;
    std::vector<double> out(static_cast<std::size_t>(pieces(job.candidates, tile) * tile * job.dims), 0);
    for (std::int64_t j = 0; j < job.candidates; ++j)
      for (std::int64_t d = 0; d < job.dims; ++d)
        out[static_cast<std::size_t>(((j / tile) * job.dims + d) * tile + j % tile)] = job.candidate[j * job.dims + d];
    return out;
  }
  /// Squared distances of a point to the candidates of one tile.
  static void distances(const double* point, const double* candidates, std::int64_t dims, double* out) {
    std::fill_n(out, candidates_a_tile, 0.0);
    for (std::int64_t d = 0; d < dims; ++d) {
      const double at = point[d];
      const double* const row = candidates + d * candidates_a_tile;
      for (std::int64_t j = 0; j < candidates_a_tile; ++j) {
        const double apart = at - row[j];
        out[j] += apart * apart;
      }
    }
  }

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
