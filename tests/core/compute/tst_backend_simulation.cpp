#include <algorithm>
#include <cmath>
#include <vector>

#include "every_backend.hpp"

using namespace scriptorium;
using namespace scriptorium::compute;

namespace {

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

}  // namespace

/// Replicated histograms: one test feeds every backend.
class TestBackendSimulation : public QObject, private EveryBackend {
  Q_OBJECT

 private slots:
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
};

QTEST_GUILESS_MAIN(TestBackendSimulation)
#include "tst_backend_simulation.moc"
