#include <QtTest>
#include <map>

#include "core/math/random.hpp"
#include "core/math/special.hpp"
#include "core/summary/count_summary.hpp"

using namespace scriptorium;

namespace {
data::CountMatrix some_counts() {
  data::CountMatrix m;
  m.n_cells = 61;
  m.n_genes = 23;
  math::Random random(3, math::Purpose::Test);
  for (int c = 0; c < 61; ++c) {
    for (std::uint32_t g = 0; g < 23; ++g) {
      if (c == 5 || g == 7) continue;  // an empty cell, a silent gene
      const auto u = random.negative_binomial(0.4, g == 2 ? 4000 : 2);
      if (u == 0) continue;
      m.gene.push_back(g);
      m.count.push_back(static_cast<data::Count>(u));
    }
    m.row_start.push_back(m.nnz());
  }
  return m;
}
void same(const summary::CountSummary& a, const summary::CountSummary& b) {
  QCOMPARE(a.gene_start, b.gene_start);
  QCOMPARE(a.value, b.value);
  QCOMPARE(a.cells, b.cells);
  QCOMPARE(a.gene_total, b.gene_total);
  QCOMPARE(a.class_of_cell, b.class_of_cell);
  QCOMPARE(a.sum_log_factorial, b.sum_log_factorial);
}
}  // namespace

class TestCountSummary : public QObject {
  Q_OBJECT

 private slots:
  void equalsBruteForce() {
    const auto m = some_counts();
    const auto s = summary::summarise(m, 1, {});
    double factorials = 0;
    for (std::size_t g = 0; g < 23; ++g) {
      std::map<std::uint32_t, double> histogram;
      double total = 0;
      for (std::int64_t c = 0; c < m.n_cells; ++c) {
        const auto u = m.at(c, static_cast<std::int64_t>(g));
        if (u > 0) ++histogram[u];
        total += u;
        factorials += math::log_gamma(u + 1.0);
      }
      QCOMPARE(s.gene_total[g], total);
      std::map<std::uint32_t, double> ours;
      for (auto e = s.gene_start[g]; e < s.gene_start[g + 1]; ++e)
        ours[s.value[static_cast<std::size_t>(e)]] = s.cells[static_cast<std::size_t>(e)];
      QCOMPARE(ours, histogram);
    }
    QVERIFY(std::fabs(s.sum_log_factorial / factorials - 1) < 1e-12);
    QCOMPARE(s.cell_total(5), std::uint64_t{0});
    double cells = 0;
    for (const auto& k : s.classes) cells += k.cells;
    QCOMPARE(cells, 61.0);
  }
  void threadsAndShardsMakeNoDifference() {
    const auto m = some_counts();
    const auto whole = summary::summarise(m, 1, {});
    same(whole, summary::summarise(m, 4, {}));
    summary::CountSummaryBuilder a(m.n_cells, m.n_genes), b(m.n_cells, m.n_genes);
    std::vector<std::int64_t> scratch;
    b.add(m.block(40, 61, scratch));
    a.add(m.block(0, 17, scratch));
    b.add(m.block(17, 40, scratch));
    a.merge(b);
    same(whole, a.finish());
  }
  void stopsWhenAsked() {
    std::stop_source stop;
    stop.request_stop();
    RunControl control;
    control.stop = stop.get_token();
    QVERIFY_EXCEPTION_THROWN(summary::summarise(some_counts(), 2, control), Cancelled);
  }
};

QTEST_GUILESS_MAIN(TestCountSummary)
#include "tst_count_summary.moc"
