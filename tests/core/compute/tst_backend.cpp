#include <QtTest>
#include <cmath>
#include <functional>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/compute/device_backend.hpp"
#include "core/compute/devices.hpp"
#include "core/compute/tiles.hpp"
#include "core/error.hpp"
#include "core/math/distributions.hpp"
#include "fake_device.hpp"

using namespace scriptorium;
using namespace scriptorium::compute;

namespace {

/// A matrix with rows of very different lengths: none, a few, more than a piece of any kernel.
struct Matrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<std::int64_t> start{0};
  std::vector<std::uint32_t> column, count;
  CsrView view() const { return {rows, columns, start.data(), column.data(), count.data()}; }
};
Matrix make_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Matrix m{rows, columns, {0}, {}, {}};
  for (std::int64_t i = 0; i < rows; ++i) {
    math::Random random(seed, math::Purpose::Test, static_cast<std::uint64_t>(i));
    const double density = i % 7 == 3 ? 0 : i % 11 == 5 ? 0.95 : 0.2 * random.uniform();
    for (std::int64_t j = 0; j < columns; ++j) {
      if (random.uniform() > density) continue;
      m.column.push_back(static_cast<std::uint32_t>(j));
      m.count.push_back(static_cast<std::uint32_t>(1 + (j % 97 == 0 ? 1'000'000 : random.poisson(2))));
    }
    m.start.push_back(static_cast<std::int64_t>(m.column.size()));
  }
  return m;
}
std::vector<double> normals(std::int64_t n, double mean, double sd, std::uint64_t stream) {
  math::Random random(5, math::Purpose::Test, stream);
  std::vector<double> x;
  for (std::int64_t i = 0; i < n; ++i) x.push_back(mean + sd * random.normal());
  return x;
}

/// Strata, genes and outputs of a simulation, owned.
struct Replicates {
  std::vector<SimulatedGene> gene;
  std::vector<math::GenePoint> point;
  std::vector<std::uint8_t> measured;
  std::vector<std::int64_t> stratum_start{0};
  std::vector<math::Stratum> stratum;
  std::vector<double> mass, pooled, kept;
  std::vector<std::uint32_t> histogram;
  Simulation job;

  Replicates(bool fixed, std::int64_t genes, std::int64_t draws) {
    job.seed = 7;
    job.fixed = fixed;
    job.n_genes = genes;
    job.draws = draws;
    job.patterns = 2;
    for (std::int64_t d = 0; d < job.sources(); ++d)
      for (int level = 0; level < Simulation::levels; ++level) {
        for (int s = 0; s < 6 - 2 * level; ++s) {
          math::Stratum at;
          at.pattern = s == 0 ? 1u : 0u;
          at.cells = s == 0 ? 30u : s == 1 && level < 2 ? 41u : 20u;
          at.points = 1 + s % 3;
          for (int k = 0; k < at.points; ++k)
            at.n[k] = -0.3 * s - 0.1 * k - 0.01 * static_cast<double>(d), at.weight[k] = 1.0 / at.points;
          stratum.push_back(at);
        }
        stratum_start.push_back(static_cast<std::int64_t>(stratum.size()));
      }
    std::int64_t histograms = 0, pools = 0, keeps = 0;
    for (std::int64_t j = 0; j < genes; ++j) {
      SimulatedGene g;
      g.gene = 100 + j;
      g.single = 10 + 3 * (j % 5);
      g.level = static_cast<std::int32_t>(j % 4) - 1;
      for (std::uint32_t p = 0; p < 2; ++p) measured.push_back(p == 0 || j % 3 != 0);
      for (std::int64_t d = 0; d < job.sources(); ++d)
        point.push_back({j == 2 ? 3000.0 : 0.2 + 0.3 * static_cast<double>(j), -1 + 0.02 * static_cast<double>(d + j),
                         j % 2 == 0 ? 0.1 : 0.0});
      g.histogram_at = histograms;
      g.pooled_at = pools;
      g.kept_at = keeps;
      g.mass_at = static_cast<std::int64_t>(mass.size());
      histograms += draws * (g.single + 1);
      if (!fixed && g.level >= 0) pools += draws * (g.single + 1);
      if (g.level < 0) {
        for (std::int64_t i = 0; i < stratum_start[1]; ++i)
          if (is_measured(j, stratum[static_cast<std::size_t>(i)]))
            g.cells += stratum[static_cast<std::size_t>(i)].cells;
        g.stride = 3;
        keeps += static_cast<std::int64_t>((static_cast<std::uint64_t>(draws) * g.cells + 2) / 3);
      } else if (fixed) {
        for (auto i = stratum_start[static_cast<std::size_t>(g.level)];
             i < stratum_start[static_cast<std::size_t>(g.level) + 1]; ++i) {
          math::CountMasses masses(point.back(), stratum[static_cast<std::size_t>(i)]);
          for (std::int64_t k = 0; k < g.single; ++k) mass.push_back(masses.next());
        }
      }
      gene.push_back(g);
      pooled_size += static_cast<std::size_t>(g.single + 1);
    }
    histogram.assign(static_cast<std::size_t>(histograms), 0);
    kept.assign(static_cast<std::size_t>(keeps), -1);
    pooled.assign(pooled_size, 0);
    job.gene = gene.data();
    job.point = point.data();
    job.measured = measured.data();
    job.stratum_start = stratum_start.data();
    job.stratum = stratum.data();
    job.mass = mass.data();
    job.histogram = histogram.data();
    job.kept = kept.data();
  }
  Replicates(const Replicates&) = delete;
  Replicates& operator=(const Replicates&) = delete;
  bool is_measured(std::int64_t j, const math::Stratum& s) const {
    return measured[static_cast<std::size_t>(j * job.patterns + s.pattern)] != 0;
  }

 private:
  std::size_t pooled_size = 0;
};

struct Candidate {
  std::string name, missing;
  std::function<std::shared_ptr<const Backend>()> make;
};
/// The CPU, the fake device with much and little memory, and every GPU there is (or one that says why there is none).
std::vector<Candidate> candidates() {
  const auto fake = [](std::uint64_t capacity, std::uint64_t promised) {
    return [=] {
      fake_device::state() = {};
      fake_device::state().capacity = capacity;
      fake_device::state().promised = promised;
      return device_backend(fake_device::api(), 0, "fake", 2);
    };
  };
  std::vector<Candidate> all{{"cpu, 1 thread", "", [] { return cpu_backend(1); }},
                             {"cpu, 3 threads", "", [] { return cpu_backend(3); }},
                             {"fake device", "", fake(1 << 30, 0)},
                             {"fake device, small", "", fake(60'000, 0)},
                             {"fake device, less than it says", "", fake(100'000, 1 << 30)},
                             {"fake device, hardly any", "", fake(3'000, 0)}};
  const auto list = list_gpus();
  for (const auto& gpu : list.gpus) {
    const std::string device = "cuda:" + std::to_string(gpu.index);
    all.push_back({device, "", [device] { return choose_backend(device, 2).backend; }});
  }
  if (list.gpus.empty()) all.push_back({"cuda", list.why_none, {}});
  return all;
}

}  // namespace

/// One test feeds every backend and a slow reference.
class TestBackend : public QObject {
  Q_OBJECT

  std::vector<Candidate> candidates_ = candidates();
  void rows() {
    QTest::addColumn<int>("candidate");
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      QTest::newRow(candidates_[i].name.c_str()) << static_cast<int>(i);
  }
  const Candidate& candidate() const {
    QFETCH(int, candidate);
    return candidates_[static_cast<std::size_t>(candidate)];
  }
  static void near(double got, double expected) {
    QVERIFY2(std::fabs(got - expected) <= 1e-10 * std::max(1.0, std::fabs(expected)),
             qPrintable(QString("%1 for %2").arg(got, 0, 'g', 17).arg(expected, 0, 'g', 17)));
  }
  /// No memory of the fake device is lost.
  static void verify_released() { QVERIFY(fake_device::state().blocks.empty()); }

 private slots:
  void gather_data() { rows(); }
  void gather() {
    const auto& which = candidate();
    if (!which.make) QSKIP(which.missing.c_str());
    const auto m = make_matrix(60, 2500, 1);
    constexpr std::int64_t width = 5;
    const auto table = normals(m.columns * width, 0, 1, 2);
    {
      const auto backend = which.make();
      const auto held = backend->hold(m.view());
      for (const Weight weight : {Weight::One, Weight::Count}) {
        Gather job;
        job.weight = weight;
        job.width = width;
        job.table_rows = m.columns;
        job.table = table.data();
        std::vector<double> out(static_cast<std::size_t>(m.rows * width), NAN), again(out);
        backend->gather(*held, job, out.data(), {});
        backend->gather(Rows(m.view()), job, again.data(), {});
        QVERIFY(out == again);  // wherever the rows are
        for (std::int64_t row = 0; row < m.rows; ++row)
          for (std::int64_t k = 0; k < width; ++k) {
            long double sum = 0, size = 0;
            for (auto i = m.start[static_cast<std::size_t>(row)]; i < m.start[static_cast<std::size_t>(row) + 1]; ++i) {
              const auto at = static_cast<std::size_t>(i);
              const long double term = (weight == Weight::One ? 1.0L : m.count[at]) *
                                       table[static_cast<std::size_t>(m.column[at] * width + k)];
              sum += term;
              size += std::fabs(term);
            }
            const double got = out[static_cast<std::size_t>(row * width + k)];
            QVERIFY(std::fabs(got - static_cast<double>(sum)) <= 1e-13 * static_cast<double>(size));
          }
      }
    }
    verify_released();
  }

  void gatherByColumnAndCount_data() { rows(); }
  void gatherByColumnAndCount() {
    const auto& which = candidate();
    if (!which.make) QSKIP(which.missing.c_str());
    const auto m = make_matrix(40, 300, 3);
    // All (column, count) pairs that occur, as CountSummary lists them.
    std::vector<std::vector<std::uint32_t>> seen(static_cast<std::size_t>(m.columns));
    for (std::size_t i = 0; i < m.count.size(); ++i) seen[m.column[i]].push_back(m.count[i]);
    std::vector<std::int64_t> start{0};
    std::vector<std::uint32_t> value;
    for (auto& counts : seen) {
      std::sort(counts.begin(), counts.end());
      counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
      value.insert(value.end(), counts.begin(), counts.end());
      start.push_back(static_cast<std::int64_t>(value.size()));
    }
    // A table that says which pair it is of.
    std::vector<double> table;
    for (std::size_t j = 0; j < seen.size(); ++j)
      for (const auto count : seen[j]) table.push_back(static_cast<double>(j)), table.push_back(count);
    Gather job;
    job.width = 2;
    job.table_rows = static_cast<std::int64_t>(value.size());
    job.table = table.data();
    job.lookup_start = start.data();
    job.lookup_value = value.data();
    const auto backend = which.make();
    std::vector<double> out(static_cast<std::size_t>(m.rows * 2));
    backend->gather(*backend->hold(m.view()), job, out.data(), {});
    for (std::int64_t row = 0; row < m.rows; ++row) {
      double columns = 0, counts = 0;
      for (auto i = m.start[static_cast<std::size_t>(row)]; i < m.start[static_cast<std::size_t>(row) + 1]; ++i)
        columns += m.column[static_cast<std::size_t>(i)], counts += m.count[static_cast<std::size_t>(i)];
      QCOMPARE(out[static_cast<std::size_t>(2 * row)], columns);  // whole numbers: exact
      QCOMPARE(out[static_cast<std::size_t>(2 * row + 1)], counts);
    }
  }

  void nearest_data() { rows(); }
  void nearest() {
    const auto& which = candidate();
    if (!which.make) QSKIP(which.missing.c_str());
    {
      const auto backend = which.make();
      for (const std::int64_t dims : {1, 3, 16})
        for (const std::int32_t k : {1, 5, 20})
          for (const std::int64_t candidates : {7, 513, 1300}) {
            Nearest job;
            job.dims = dims;
            job.k = k;
            job.candidates = candidates;
            job.queries = 70;
            auto points = normals(candidates * dims, 0, 2, 3), queries = normals(job.queries * dims, 0, 2, 4);
            for (auto* all : {&points, &queries})  // whole numbers: many at the same distance
              for (double& x : *all) x = std::round(x);
            job.candidate = points.data();
            job.query = queries.data();
            std::vector<std::int32_t> found(static_cast<std::size_t>(job.queries * k), -7);
            backend->nearest(job, found.data(), {});
            for (std::int64_t q = 0; q < job.queries; ++q) {
              std::vector<std::pair<double, std::int32_t>> all;
              for (std::int64_t j = 0; j < candidates; ++j) {
                double sum = 0;
                for (std::int64_t d = 0; d < dims; ++d)
                  sum += std::pow(
                      queries[static_cast<std::size_t>(q * dims + d)] - points[static_cast<std::size_t>(j * dims + d)],
                      2);
                all.emplace_back(sum, static_cast<std::int32_t>(j));
              }
              std::sort(all.begin(), all.end());
              for (std::int32_t i = 0; i < k; ++i)
                QCOMPARE(found[static_cast<std::size_t>(q * k + i)],
                         i < candidates ? all[static_cast<std::size_t>(i)].second : -1);
            }
          }
      std::stop_source stop;
      stop.request_stop();
      Nearest job;
      const std::vector<double> point{1, 2};
      std::int32_t place = 0;
      job.dims = 2;
      job.k = 1;
      job.candidates = job.queries = 1;
      job.candidate = job.query = point.data();
      QVERIFY_EXCEPTION_THROWN(backend->nearest(job, &place, {stop.get_token(), {}}), Cancelled);
    }
    verify_released();
  }

  void rising_data() { rows(); }
  void rising() {
    const auto& which = candidate();
    if (!which.make) QSKIP(which.missing.c_str());
    const auto m = make_matrix(60, 1200, 4);
    std::vector<double> r;
    for (const double z : normals(m.rows, 0, 2, 5)) r.push_back(std::exp(z));
    const auto backend = which.make();
    std::vector<double> out(static_cast<std::size_t>(2 * m.rows), NAN);
    Rising job;
    job.r = r.data();
    backend->rising(Rows(m.view()), job, out.data(), {});
    for (std::size_t row = 0; row < r.size(); ++row) {
      double value = 0, slope = 0, size = 0;
      for (auto i = static_cast<std::size_t>(m.start[row]); i < static_cast<std::size_t>(m.start[row + 1]); ++i) {
        const double u = m.count[i];
        value += static_cast<double>(std::lgamma(static_cast<long double>(r[row]) + u) -
                                     std::lgamma(static_cast<long double>(r[row])) - std::lgamma(1.0L + u));
        slope += math::digamma(r[row] + u) - math::digamma(r[row]);
        size += std::lgamma(1 + u);  // differences of terms of this size lose digits
      }
      QVERIFY(std::fabs(out[2 * row] - value) <= 1e-10 * std::fabs(value) + 1e-14 * size);
      near(out[2 * row + 1], slope);
    }
  }

  void likelihood_data() { rows(); }
  void likelihood() {
    const auto& which = candidate();
    if (!which.make) QSKIP(which.missing.c_str());
    const auto backend = which.make();
    const auto by_row = make_matrix(40, 1100, 6);
    for (const bool rows_are_genes : {false, true})
      for (const bool gated : {false, true})
        for (const bool own_p : {false, true})
          for (const bool missing : {false, true}) {
            EntryLikelihood job;
            job.rows_are_genes = rows_are_genes;
            job.genes = rows_are_genes ? by_row.rows : by_row.columns;
            job.cells = rows_are_genes ? by_row.columns : by_row.rows;
            std::vector<double> r, gate;
            for (const double z : normals(job.genes, -0.5, 1, 7)) r.push_back(std::exp(z));
            for (const double z : normals(job.genes, -2, 1, 8)) gate.push_back(math::sigmoid(z));
            const auto x = normals(own_p ? job.genes : 1, 0, 1, 9), n = normals(job.cells, -1, 0.5, 10);
            std::vector<std::uint32_t> pattern;
            std::vector<std::uint8_t> measured;
            for (std::int64_t c = 0; c < job.cells; ++c) pattern.push_back(c % 5 == 2 ? 1u : 0u);
            for (std::int64_t i = 0; i < 2 * job.genes; ++i) measured.push_back(i < job.genes || i % 3 != 0);
            job.gene_p = own_p;
            job.r = r.data();
            job.x = x.data();
            job.n = n.data();
            job.gate = gated ? gate.data() : nullptr;
            job.low = -3;
            job.high = 0.8;
            job.patterns = 2;
            if (missing) job.pattern = pattern.data(), job.measured = measured.data();
            std::vector<double> entries(static_cast<std::size_t>(by_row.rows), NAN), whole(entries);
            backend->likelihood(Rows(by_row.view()), job, false, entries.data(), {});
            backend->likelihood(Rows(by_row.view()), job, true, whole.data(), {});
            const auto log_p = [&](std::int64_t g, std::int64_t c, double u) {
              const auto i = static_cast<std::size_t>(g);
              const double l = std::clamp(x[own_p ? i : 0] + n[static_cast<std::size_t>(c)], -3.0, 0.8),
                           p = 1 / (1 + std::exp(-l));
              const double nb = math::log_gamma(r[i] + u) - math::log_gamma(r[i]) - math::log_gamma(u + 1) +
                                u * std::log(p) + r[i] * std::log(1 - p);
              if (!gated) return nb;
              return u > 0 ? std::log(1 - gate[i]) + nb : std::log(gate[i] + (1 - gate[i]) * std::exp(nb));
            };
            for (std::int64_t row = 0; row < by_row.rows; ++row) {
              double changes = 0, zeros = 0;
              for (auto i = static_cast<std::size_t>(by_row.start[static_cast<std::size_t>(row)]);
                   i < static_cast<std::size_t>(by_row.start[static_cast<std::size_t>(row) + 1]); ++i) {
                const std::int64_t g = rows_are_genes ? row : by_row.column[i],
                                   c = rows_are_genes ? by_row.column[i] : row;
                changes += log_p(g, c, by_row.count[i]) - log_p(g, c, 0);
              }
              for (std::int64_t column = 0; column < by_row.columns; ++column) {
                const std::int64_t g = rows_are_genes ? row : column, c = rows_are_genes ? column : row;
                if (!missing || measured[static_cast<std::size_t>(
                                    pattern[static_cast<std::size_t>(c)] * static_cast<std::uint32_t>(job.genes) + g)])
                  zeros += log_p(g, c, 0);
              }
              near(entries[static_cast<std::size_t>(row)], changes);
              QVERIFY(std::fabs(whole[static_cast<std::size_t>(row)] - (changes + zeros)) <=
                      1e-10 * (std::fabs(changes) + std::fabs(zeros) + 1));
            }
          }
  }

  void simulate_data() { rows(); }
  void simulate() {
    const auto& which = candidate();
    if (!which.make) QSKIP(which.missing.c_str());
    for (const bool fixed : {false, true}) {
      Replicates expected(fixed, 9, 20), got(fixed, 9, 20);
      cpu_backend(1)->simulate(expected.job, expected.pooled.data(), {});
      {
        const auto backend = which.make();
        backend->simulate(got.job, got.pooled.data(), {});
      }
      QVERIFY(got.histogram == expected.histogram);  // the very draws
      QVERIFY(got.kept == expected.kept);
      for (std::size_t i = 0; i < got.pooled.size(); ++i) near(got.pooled[i], expected.pooled[i]);
      // Each draw places each measured cell once.
      for (std::int64_t j = 0; j < got.job.n_genes; ++j) {
        const auto& g = got.gene[static_cast<std::size_t>(j)];
        const auto level = static_cast<std::size_t>(std::max(g.level, 0));
        std::uint64_t cells = 0;
        for (auto i = got.stratum_start[level]; i < got.stratum_start[level + 1]; ++i)
          if (got.is_measured(j, got.stratum[static_cast<std::size_t>(i)]))
            cells += got.stratum[static_cast<std::size_t>(i)].cells;
        for (std::int64_t d = 0; d < got.job.draws; ++d) {
          std::uint64_t placed = 0;
          for (std::int64_t k = 0; k <= g.single; ++k)
            placed += got.histogram[static_cast<std::size_t>(g.histogram_at + d * (g.single + 1) + k)];
          QCOMPARE(placed, cells);
        }
      }
      QVERIFY(std::none_of(got.kept.begin(), got.kept.end(), [](double x) { return x < 0; }));
    }
    verify_released();
  }

  /// The mean of the replicates is the mean of the law (six standard errors), by strata and cell by cell.
  void simulatedMeans() {
    Replicates sample(false, 8, 2000);
    cpu_backend(0)->simulate(sample.job, sample.pooled.data(), {});
    for (std::int64_t j = 0; j < sample.job.n_genes; ++j) {
      const auto& g = sample.gene[static_cast<std::size_t>(j)];
      const auto level = static_cast<std::size_t>(std::max(g.level, 0));
      double zeros = 0, wanted = 0, cells = 0;
      for (std::int64_t d = 0; d < sample.job.draws; ++d) {
        zeros += sample.histogram[static_cast<std::size_t>(g.histogram_at + d * (g.single + 1))];
        const auto list = static_cast<std::size_t>(d * Simulation::levels) + level;
        for (auto i = sample.stratum_start[list]; i < sample.stratum_start[list + 1]; ++i) {
          const auto& s = sample.stratum[static_cast<std::size_t>(i)];
          if (!sample.is_measured(j, s)) continue;
          wanted += static_cast<double>(s.cells) *
                    math::CountMasses(sample.point[static_cast<std::size_t>(j * sample.job.draws + d)], s).next();
          cells += static_cast<double>(s.cells);
        }
      }
      const double share = wanted / cells;
      // Cell by cell the points of a stratum take whole numbers of cells, so their shares differ a little.
      QVERIFY(std::fabs(zeros - wanted) <=
              6 * std::sqrt(cells * share * (1 - share)) + (g.level < 0 ? 0.03 * cells : 0));
    }
  }

  void shortMemoryIsTold() {
    const auto m = make_matrix(60, 2500, 1);
    const auto table = normals(m.columns, 0, 1, 2);
    Gather job;
    job.width = 1;
    job.table_rows = m.columns;
    job.table = table.data();
    std::vector<double> out(static_cast<std::size_t>(m.rows)), expected(out);
    cpu_backend(1)->gather(Rows(m.view()), job, expected.data(), {});
    for (const auto& [capacity, promised, words] :
         {std::tuple(std::uint64_t{3'000}, std::uint64_t{0}, "the CPU did it"),
          std::tuple(std::uint64_t{50'000}, std::uint64_t{1} << 30, "smaller pieces were tried"),
          std::tuple(std::uint64_t{1} << 30, std::uint64_t{0}, "")}) {
      fake_device::state() = {};
      fake_device::state().capacity = capacity;
      fake_device::state().promised = promised;
      const auto backend = device_backend(fake_device::api(), 0, "fake", 1);
      backend->gather(Rows(m.view()), job, out.data(), {});
      QVERIFY(out == expected);
      const auto notes = backend->notes();
      QCOMPARE(notes.empty(), std::string(words).empty());
      if (!notes.empty()) QVERIFY2(notes.back().find(words) != std::string::npos, notes.back().c_str());
    }
  }

  void failureGoesToTheCpu() {
    const auto m = make_matrix(30, 500, 1);
    std::vector<double> r(static_cast<std::size_t>(m.rows), 0.7), out(2 * r.size()), expected(out);
    Rising job;
    job.r = r.data();
    cpu_backend(1)->rising(Rows(m.view()), job, expected.data(), {});
    fake_device::state() = {};
    fake_device::state().fail_at_launch = 0;
    const auto backend = device_backend(fake_device::api(), 0, "fake", 1);
    backend->rising(Rows(m.view()), job, out.data(), {});
    QVERIFY(out == expected);
    QVERIFY(backend->notes().at(0).find("unspecified launch failure") != std::string::npos);
    backend->rising(Rows(m.view()), job, out.data(), {});
    QCOMPARE(fake_device::state().launches, 1);  // a device that failed is left alone
    verify_released();
  }

  void littleWorkStaysOnTheCpu() {
    const auto m = make_matrix(30, 500, 1);
    std::vector<double> r(static_cast<std::size_t>(m.rows), 0.7), out(2 * r.size());
    Rising job;
    job.r = r.data();
    for (const double least : {0.0, 1e9}) {
      fake_device::state() = {};
      const auto backend = device_backend(fake_device::api(), 0, "fake", 1, least);
      backend->rising(Rows(m.view()), job, out.data(), {});
      QCOMPARE(fake_device::state().launches, least > 0 ? 0 : 1);
      QVERIFY(backend->notes().empty());
    }
  }

  void stops() {
    const auto m = make_matrix(30, 500, 1);
    std::vector<double> r(static_cast<std::size_t>(m.rows), 0.7), out(2 * r.size());
    Rising job;
    job.r = r.data();
    std::stop_source stop;
    stop.request_stop();
    RunControl control;
    control.stop = stop.get_token();
    fake_device::state() = {};
    for (const auto& backend : {cpu_backend(2), device_backend(fake_device::api(), 0, "fake", 1)})
      QVERIFY_EXCEPTION_THROWN(backend->rising(Rows(m.view()), job, out.data(), control), Cancelled);
    verify_released();
  }

  void tilesCoverEverythingOnce() {
    const std::vector<std::int64_t> upto{0, 5, 5, 30, 31, 90, 91, 92};
    for (const double budget : {1.0, 100.0, 300.0, 1e9}) {
      std::int64_t next = 0;
      for (const auto& tile : cut_tiles(upto, 8, 4, budget, 50)) {
        QCOMPARE(tile.first, next);
        QVERIFY(tile.last > tile.first);
        const auto entries =
            static_cast<double>(upto[static_cast<std::size_t>(tile.last)] - upto[static_cast<std::size_t>(tile.first)]);
        if (tile.last - tile.first > 1)
          QVERIFY(entries <= 50 && 8 * entries + 4 * static_cast<double>(tile.last - tile.first) <= budget);
        next = tile.last;
      }
      QCOMPARE(next, std::int64_t{7});
    }
    QVERIFY(cut_tiles({0}, 1, 1, 1, 1).empty());
  }
  void piecesDoNotCrossRows() {
    const auto m = make_matrix(30, 500, 1);
    const auto pieces = cut_rows(m.view(), 64);
    std::vector<std::int64_t> entries(30, 0);
    for (std::int64_t i = 0; i < pieces.count(); ++i) {
      const auto at = static_cast<std::size_t>(i), row = static_cast<std::size_t>(pieces.row[at]);
      QVERIFY(pieces.start[at] >= m.start[row] && pieces.start[at + 1] <= m.start[row + 1]);
      QVERIFY(pieces.start[at + 1] - pieces.start[at] <= 64);
      entries[row] += pieces.start[at + 1] - pieces.start[at];
    }
    for (std::size_t row = 0; row < 30; ++row) QCOMPARE(entries[row], m.start[row + 1] - m.start[row]);
  }
  void launchesCoverEveryItemOnce() {
    struct Count {
      int* seen;
      void operator()(std::int64_t item) const { ++seen[item]; }
    };
    for (const std::int64_t items : {1, 127, 128, 129, 100'000}) {
      std::vector<int> seen(static_cast<std::size_t>(items), 0);
      auto shape = launch_shape(items);
      QVERIFY(shape.blocks >= 1 && shape.blocks <= 65535);
      shape.blocks = std::min(shape.blocks, 7u);
      for (unsigned block = 0; block < shape.blocks; ++block)
        for (unsigned thread = 0; thread < shape.threads; ++thread)
          run_thread(Count{seen.data()}, items, shape, block, thread);
      QVERIFY(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
    }
    QCOMPARE(launch_shape(std::int64_t{1} << 40).blocks, 65535u);
  }

  void choice() {
    QCOMPARE(choose_backend("cpu", 3).backend->name(), std::string("cpu, 3 threads"));
    QVERIFY(choose_backend("cpu", 3).told.empty());
    QVERIFY(choose_backend("cpu", 3).backend->memory().total_bytes > 0);
    const auto far = choose_backend("cuda:97", 1);
    QVERIFY(!far.backend->is_gpu() && far.told.find("cuda:97") != std::string::npos);
    const auto best = choose_backend("auto", 1);
    QVERIFY(best.backend->is_gpu() || !best.told.empty());
    for (const char* wrong : {"gpu", "cuda:", "cuda:-1", "cuda:1x", ""})
      QVERIFY_EXCEPTION_THROWN(choose_backend(wrong, 1), Error);
  }
};

QTEST_GUILESS_MAIN(TestBackend)
#include "tst_backend.moc"
