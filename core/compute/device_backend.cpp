#include "core/compute/device_backend.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <mutex>

#include "core/compute/device_memory.hpp"
#include "core/compute/tiles.hpp"

namespace scriptorium::compute {
namespace {

// Work of one launch: a few hundredths of a second on a small GPU, so that a stop is answered between two.
constexpr double most_gathered = 5e8, most_entries = 1 << 24, most_zeros = 1 << 26, most_bins = 5e7, most_apart = 2e9;
constexpr double share_of_free = 0.7;  // of the free memory that a call takes at first
constexpr double least_budget = 4096;  // bytes with which it is not worth going on

class DeviceBackend final : public Backend {
 public:
  DeviceBackend(const DeviceApi& api, int device, std::string name, int threads, double least_work)
      : device_{api, device}, name_(std::move(name)), cpu_(cpu_backend(threads)), least_work_(least_work) {}

  std::string name() const override { return name_; }
  bool is_gpu() const override { return true; }
  Memory memory() const override {
    std::uint64_t total = 0, free = 0;
    DeviceMessage why{};
    if (device_.api.memory(device_.number, &total, &free, &why) != DeviceOk) return {};
    return {static_cast<double>(total), static_cast<double>(free)};
  }
  std::vector<std::string> notes() const override {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

  std::unique_ptr<Rows> hold(const CsrView& rows) const override {
    const std::lock_guard lock(mutex_);
    try {
      if (!failed_) return std::make_unique<DeviceRows>(rows, device_, 0.5 * memory().free_bytes);
    } catch (const OutOfDeviceMemory&) {  // they are sent tile by tile then
    } catch (const DeviceTrouble& trouble) {
      fail(trouble);
    }
    return std::make_unique<Rows>(rows);
  }

  void gather(const Rows& rows, const Gather& job, double* out, const RunControl& control) const override {
    if (!attempt("sums over rows", static_cast<double>(rows.view.entries()) * static_cast<double>(job.width),
                 [&](double budget) { gather_within(budget, rows, job, out, control); }))
      cpu_->gather(rows, job, out, control);
  }

  void rising(const Rows& rows, const Rising& job, double* out, const RunControl& control) const override {
    if (!attempt("sums over a batch", 50 * static_cast<double>(rows.view.entries()), [&](double budget) {
          const DeviceArray<double> r(device_, job.r, rows.view.rows);
          Rising there = job;
          there.r = r.data();
          sum_pieces(budget, rows, rising_piece, 2, most_entries, out, control,
                     [&](const PiecesThere& pieces, double* to) {
                       const RisingItems work{there, pieces.count, pieces.start->data(), pieces.row->data(), to};
                       device_.call(device_.api.rising, &work, pieces.count_of);
                     });
        }))
      cpu_->rising(rows, job, out, control);
  }

  void likelihood(const Rows& rows, const EntryLikelihood& job, bool zeros, double* out,
                  const RunControl& control) const override {
    const auto& view = rows.view;
    const double operations = 100 * static_cast<double>(view.entries()) +
                              (zeros ? 50 * static_cast<double>(view.rows) * static_cast<double>(view.columns) : 0);
    if (!attempt("the log likelihood", operations,
                 [&](double budget) { likelihood_within(budget, rows, job, zeros, out, control); }))
      cpu_->likelihood(rows, job, zeros, out, control);
  }

  void simulate(const Simulation& job, double* pooled, const RunControl& control) const override {
    double operations = 0;  // of binomials, by bins and some strata, or of counts
    for (std::int64_t j = 0; j < job.n_genes; ++j)
      operations += 200 * static_cast<double>(job.draws) *
                    (job.gene[j].level < 0 ? static_cast<double>(job.gene[j].cells)
                                           : 6 * static_cast<double>(job.gene[j].single + 1));
    if (attempt("replicated data", operations, [&](double budget) { simulate_within(budget, job, pooled, control); }))
      return;
    for (std::int64_t j = 0; j < job.n_genes; ++j) {  // what a device may have left
      const auto& g = job.gene[j];
      std::fill_n(job.histogram + g.histogram_at, job.draws * (g.single + 1), 0u);
    }
    cpu_->simulate(job, pooled, control);
  }

  void nearest(const Nearest& job, std::int32_t* place, const RunControl& control) const override {
    const double operations =
        3 * static_cast<double>(job.queries) * static_cast<double>(job.candidates) * static_cast<double>(job.dims);
    if (!attempt("the search for neighbours", operations,
                 [&](double budget) { nearest_within(budget, job, place, control); }))
      cpu_->nearest(job, place, control);
  }

 private:
  /// Runs `work` of so many operations with less and less memory until it goes through; false: the CPU is to do it,
  /// which is noted unless that is for want of work.
  template <class Work>
  bool attempt(const char* what, double operations, const Work& work) const {
    const std::lock_guard lock(mutex_);
    if (failed_ || operations < least_work_) return false;
    for (double budget = share_of_free * memory().free_bytes; budget >= least_budget; budget /= 4) {
      try {
        work(budget);
        return true;
      } catch (const OutOfDeviceMemory&) {
        note(name_ + " ran short of memory in " + what + ": smaller pieces were tried.");
      } catch (const DeviceTrouble& trouble) {
        fail(trouble);
        return false;
      }
    }
    note(name_ + " has too little free memory for " + what + ": the CPU did it.");
    return false;
  }
  void note(std::string text) const {
    if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(std::move(text));
  }
  void fail(const DeviceTrouble& trouble) const {
    failed_ = true;
    note(name_ + " failed (" + trouble.why + "): the CPU did the rest.");
  }

  /// out (rows × width) = the rows' pieces, each summed on the device by `launch(tile, its output)`, in order.
  template <class Launch>
  void sum_pieces(double budget, const Rows& rows, std::int64_t length, std::int64_t width, double entries, double* out,
                  const RunControl& control, const Launch& launch) const {
    std::fill(out, out + rows.view.rows * width, 0.0);
    const Pieces pieces = cut_rows(rows.view, length);
    std::vector<double> sums;
    for (const Tile& tile :
         cut_tiles(pieces.start, 8, 16 + 8 * static_cast<double>(width), budget, std::max(1.0, entries))) {
      control.check();
      const PiecesThere there(device_, rows, pieces, tile);
      const DeviceArray<double> to(device_, there.count_of * width);
      launch(there, to.data());
      sums.resize(static_cast<std::size_t>(there.count_of * width));
      to.store(sums.data(), there.count_of * width);
      for (std::int64_t i = 0; i < there.count_of; ++i) {
        double* row = out + pieces.row[static_cast<std::size_t>(tile.first + i)] * width;
        const double* sum = &sums[static_cast<std::size_t>(i * width)];
        for (std::int64_t m = 0; m < width; ++m) row[m] += sum[m];
      }
    }
  }

  /// As many columns of the table at a time as half the budget holds.
  void gather_within(double budget, const Rows& rows, const Gather& job, double* out, const RunControl& control) const {
    Gather there = job;
    const std::int64_t columns = rows.view.columns, looked_up = job.lookup_start ? job.lookup_start[columns] : 0;
    const DeviceArray<std::int64_t> lookup_start(device_, job.lookup_start, job.lookup_start ? columns + 1 : 0);
    const DeviceArray<std::uint32_t> lookup_value(device_, job.lookup_value, looked_up);
    there.lookup_start = lookup_start.data();
    there.lookup_value = lookup_value.data();
    const double column_bytes = 8 * static_cast<double>(std::max<std::int64_t>(1, job.table_rows));
    const auto at_once = std::min<std::int64_t>(job.width, static_cast<std::int64_t>(0.5 * budget / column_bytes));
    if (at_once < 1) throw OutOfDeviceMemory{};
    std::vector<double> part, sums;
    for (std::int64_t first = 0; first < job.width; first += at_once) {
      const std::int64_t width = std::min(at_once, job.width - first);
      const bool whole = width == job.width;
      if (!whole) {
        part.resize(static_cast<std::size_t>(job.table_rows * width));
        for (std::int64_t t = 0; t < job.table_rows; ++t)
          std::copy_n(job.table + t * job.width + first, width, part.begin() + t * width);
        sums.resize(static_cast<std::size_t>(rows.view.rows * width));
      }
      const DeviceArray<double> table(device_, whole ? job.table : part.data(), job.table_rows * width);
      there.table = table.data();
      there.width = width;
      sum_pieces(0.5 * budget, rows, gather_piece, width, most_gathered / static_cast<double>(width),
                 whole ? out : sums.data(), control, [&](const PiecesThere& pieces, double* to) {
                   const GatherItems work{there, pieces.column, pieces.count, pieces.start->data(), to};
                   device_.call(device_.api.gather, &work, pieces.count_of * width);
                 });
      for (std::int64_t row = 0; !whole && row < rows.view.rows; ++row)
        std::copy_n(sums.begin() + row * width, width, out + row * job.width + first);
    }
  }

  void likelihood_within(double budget, const Rows& rows, const EntryLikelihood& job, bool zeros, double* out,
                         const RunControl& control) const {
    const DeviceArray<double> r(device_, job.r, job.genes), x(device_, job.x, job.gene_p ? job.genes : 1),
        n(device_, job.n, job.n ? job.cells : 0), gate(device_, job.gate, job.gate ? job.genes : 0);
    const DeviceArray<std::uint32_t> pattern(device_, job.pattern, job.pattern ? job.cells : 0);
    const DeviceArray<std::uint8_t> measured(device_, job.measured, job.pattern ? job.patterns * job.genes : 0);
    EntryLikelihood there = job;
    there.r = r.data();
    there.x = x.data();
    there.n = n.data();
    there.gate = gate.data();
    there.pattern = pattern.data();
    there.measured = measured.data();
    sum_pieces(0.8 * budget, rows, likelihood_piece, 1, most_entries, out, control,
               [&](const PiecesThere& pieces, double* to) {
                 const LikelihoodItems work{
                     there, pieces.column, pieces.count, pieces.start->data(), pieces.row->data(), to};
                 device_.call(device_.api.likelihood, &work, pieces.count_of);
               });
    if (zeros) add_zeros(budget, rows.view, there, out, control);
  }

  /// out[row] += the blocks of zeros of each row, in order.
  void add_zeros(double budget, const CsrView& view, const EntryLikelihood& there, double* out,
                 const RunControl& control) const {
    const std::int64_t blocks = (view.columns + zero_block - 1) / zero_block;
    const auto sums_at_once = std::min(0.8 * budget / 8, most_zeros / zero_block);
    const auto rows_at_once = std::clamp<std::int64_t>(static_cast<std::int64_t>(sums_at_once), 1, view.rows);
    const auto blocks_at_once = std::clamp<std::int64_t>(static_cast<std::int64_t>(sums_at_once) / rows_at_once, 1,
                                                         std::max<std::int64_t>(1, blocks));
    std::vector<double> sums;
    for (std::int64_t first = 0; first < view.rows; first += rows_at_once)
      for (std::int64_t block = 0; block < blocks; block += blocks_at_once) {
        control.check();
        const std::int64_t rows = std::min(rows_at_once, view.rows - first),
                           width = std::min(blocks_at_once, blocks - block), items = rows * width;
        const DeviceArray<double> to(device_, items);
        const ZeroItems work{there, first, rows, block, view.columns, zero_block, to.data()};
        device_.call(device_.api.zeros, &work, items);
        sums.resize(static_cast<std::size_t>(items));
        to.store(sums.data(), items);
        for (std::int64_t b = 0; b < width; ++b)
          for (std::int64_t i = 0; i < rows; ++i) out[first + i] += sums[static_cast<std::size_t>(b * rows + i)];
      }
  }

  void simulate_within(double budget, const Simulation& job, double* pooled, const RunControl& control) const {
    const std::int64_t lists = job.sources() * Simulation::levels;
    const DeviceArray<std::int64_t> stratum_start(device_, job.stratum_start, lists + 1);
    const DeviceArray<math::Stratum> stratum(device_, job.stratum, job.stratum_start[lists]);
    Simulation there = job;
    there.stratum_start = stratum_start.data();
    there.stratum = stratum.data();
    // Sizes of each gene's outputs: bytes and, for the length of a launch, bins drawn.
    std::vector<std::int64_t> bytes{0}, pooled_start{0};
    for (std::int64_t j = 0; j < job.n_genes; ++j) {
      const SizeOf size(job, job.gene[j]);
      bytes.push_back(bytes.back() + size.bytes());
      pooled_start.push_back(pooled_start.back() + job.gene[j].single + 1);
    }
    // A launch of most_bins (gene, draw, bin)s writes at least 4 bytes each.
    for (const Tile& tile : cut_tiles(bytes, 1, 0, 0.8 * budget, 4 * most_bins)) {
      control.check();
      simulate_tile(there, job, tile, pooled, pooled_start);
    }
  }

  /// Numbers that one gene writes and reads.
  struct SizeOf {
    SizeOf(const Simulation& job, const SimulatedGene& g)
        : histogram(job.draws * (g.single + 1)),
          pooled(job.fixed || g.level < 0 ? 0 : histogram),
          kept(g.level < 0 ? static_cast<std::int64_t>(
                                 (static_cast<std::uint64_t>(job.draws) * g.cells + g.stride - 1) / g.stride)
                           : 0),
          mass(job.fixed && g.level >= 0 ? (job.stratum_start[g.level + 1] - job.stratum_start[g.level]) * g.single
                                         : 0),
          points(job.sources()),
          bins(pooled > 0 ? g.single + 1 : 0),
          patterns(job.patterns) {}
    std::int64_t histogram, pooled, kept, mass, points, bins, patterns;
    std::int64_t bytes() const {
      return 4 * histogram + 8 * (pooled + kept + mass) + static_cast<std::int64_t>(sizeof(math::GenePoint)) * points +
             16 * bins + patterns + static_cast<std::int64_t>(sizeof(SimulatedGene)) + 8;
    }
  };

  void simulate_tile(Simulation there, const Simulation& job, const Tile& tile, double* pooled,
                     const std::vector<std::int64_t>& pooled_start) const {
    const std::int64_t genes = tile.last - tile.first, sources = job.sources() * job.components;
    std::vector<SimulatedGene> gene(job.gene + tile.first, job.gene + tile.last);
    std::int64_t histograms = 0, pools = 0, kepts = 0, masses = 0;
    std::vector<std::int64_t> owner, start{0};
    std::vector<double> mass;
    for (std::int64_t j = 0; j < genes; ++j) {
      auto& g = gene[static_cast<std::size_t>(j)];
      const SizeOf size(job, g);
      mass.insert(mass.end(), job.mass + g.mass_at, job.mass + g.mass_at + size.mass);
      g.histogram_at = histograms;
      g.pooled_at = pools;
      g.kept_at = kepts;
      g.mass_at = masses;
      histograms += size.histogram;
      pools += size.pooled;
      kepts += size.kept;
      masses += size.mass;
      owner.insert(owner.end(), static_cast<std::size_t>(size.bins), j);
      start.push_back(static_cast<std::int64_t>(owner.size()));
    }
    const DeviceArray<SimulatedGene> gene_there(device_, gene);
    const DeviceArray<math::GenePoint> point(device_, job.point + tile.first * sources, genes * sources);
    const DeviceArray<std::uint8_t> measured(device_, job.measured + tile.first * job.patterns, genes * job.patterns);
    const DeviceArray<double> mass_there(device_, mass), pooled_there(device_, pools), kept(device_, kepts);
    const DeviceArray<std::uint32_t> histogram(device_, histograms);
    histogram.clear();
    pooled_there.clear();
    there.n_genes = genes;
    there.gene = gene_there.data();
    there.point = point.data();
    there.measured = measured.data();
    there.mass = mass_there.data();
    there.histogram = histogram.data();
    there.pooled = pooled_there.data();
    there.kept = kept.data();
    device_.call(device_.api.simulate, &there, genes * job.draws);
    const auto bins = static_cast<std::int64_t>(owner.size());
    std::vector<double> sums(owner.size());
    if (bins > 0) {
      const DeviceArray<std::int64_t> owner_there(device_, owner), start_there(device_, start);
      const DeviceArray<double> to(device_, bins);
      const PooledSum sum{gene_there.data(),  job.draws,          pooled_there.data(),
                          owner_there.data(), start_there.data(), to.data()};
      device_.call(device_.api.sum_pooled, &sum, bins);
      to.store(sums.data(), bins);
    }
    std::vector<std::uint32_t> counts(static_cast<std::size_t>(histograms));
    std::vector<double> keeps(static_cast<std::size_t>(kepts));
    histogram.store(counts.data(), histograms);
    kept.store(keeps.data(), kepts);
    for (std::int64_t j = 0; j < genes; ++j) {
      const auto& from = gene[static_cast<std::size_t>(j)];
      const auto& g = job.gene[tile.first + j];
      const SizeOf size(job, g);
      std::copy_n(counts.begin() + from.histogram_at, size.histogram, job.histogram + g.histogram_at);
      std::copy_n(keeps.begin() + from.kept_at, size.kept, job.kept + g.kept_at);
      std::copy_n(sums.begin() + start[static_cast<std::size_t>(j)], size.bins,
                  pooled + pooled_start[static_cast<std::size_t>(tile.first + j)]);
    }
  }

  /// Queries by portions, of each all portions of the candidates in their order.
  void nearest_within(double budget, const Nearest& job, std::int32_t* place, const RunControl& control) const {
    const auto dims = static_cast<double>(job.dims), lists = 12 * static_cast<double>(job.k);
    const auto fits = [](double bytes, double of_each, std::int64_t all) {
      return std::min(all, static_cast<std::int64_t>(bytes / of_each));
    };
    const std::int64_t portion = fits(0.5 * budget, 8 * dims, job.candidates);
    const std::int64_t at_once = std::min(
        fits(0.4 * budget, 8 * dims + lists, job.queries),
        static_cast<std::int64_t>(most_apart / (dims * static_cast<double>(std::max<std::int64_t>(1, portion)))) + 1);
    if (portion < 1 || at_once < 1) throw OutOfDeviceMemory{};
    Nearest there = job;
    std::unique_ptr<DeviceArray<double>> candidates;
    for (std::int64_t first = 0; first < job.queries; first += at_once) {
      there.queries = std::min(at_once, job.queries - first);
      const std::int64_t numbers = there.queries * job.k;
      const DeviceArray<double> query(device_, job.query + first * job.dims, there.queries * job.dims),
          distance(device_,
                   std::vector<double>(static_cast<std::size_t>(numbers), std::numeric_limits<double>::infinity()));
      const DeviceArray<std::int32_t> places(device_, std::vector<std::int32_t>(static_cast<std::size_t>(numbers), -1));
      there.query = query.data();
      there.distance = distance.data();
      there.place = places.data();
      for (there.first = 0; there.first < job.candidates; there.first += portion) {
        control.check();
        there.candidates = std::min(portion, job.candidates - there.first);
        if (!candidates || portion < job.candidates) {
          candidates.reset();
          candidates = std::make_unique<DeviceArray<double>>(device_, job.candidate + there.first * job.dims,
                                                             there.candidates * job.dims);
        }
        there.candidate = candidates->data();
        device_.call(device_.api.nearest, &there, there.queries);
      }
      places.store(place + first * job.k, numbers);
      control.tell(static_cast<double>(first + there.queries) / static_cast<double>(job.queries),
                   "looking for the nearest");
    }
  }

  const Device device_;
  const std::string name_;
  const std::shared_ptr<const Backend> cpu_;
  const double least_work_;
  mutable std::mutex mutex_;  // of the device, and of what follows
  mutable bool failed_ = false;
  mutable std::vector<std::string> notes_;
};

}  // namespace

std::shared_ptr<const Backend> device_backend(const DeviceApi& api, int device, std::string name, int threads,
                                              double least_work) {
  return std::make_shared<DeviceBackend>(api, device, std::move(name), threads, least_work);
}

}  // namespace scriptorium::compute
