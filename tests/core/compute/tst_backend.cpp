#include <algorithm>
#include <cmath>
#include <vector>

#include "core/compute/tiles.hpp"
#include "core/error.hpp"
#include "core/math/distributions.hpp"
#include "every_backend.hpp"

using namespace scriptorium;
using namespace scriptorium::compute;

/// One test feeds every backend and a slow reference.
class TestBackend : public QObject, private EveryBackend {
  Q_OBJECT

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
