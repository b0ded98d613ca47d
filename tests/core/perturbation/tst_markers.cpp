#include <QtTest>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/perturbation/logistic.hpp"
#include "core/perturbation/markers.hpp"
#include "simulated_screen.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

struct Made {
  Screen screen;
  Expression x;
};
Made make(const simulated_screen::Options& options = {.cells = 300, .genes = 60}) {
  const auto simulated = simulated_screen::make(options);
  return {make_screen(simulated.data, {"target", "NT", "guide", "rep"}),
          Expression::of_counts(simulated.data.counts, {}, 1)};
}

std::vector<double> values(const Expression& x, const std::vector<std::int64_t>& cells, std::int64_t gene) {
  std::vector<double> out;
  for (const auto cell : cells) out.push_back(x.at(cell, gene));
  return out;
}
double mean(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}
double variance(const std::vector<double>& v) {
  double sum = 0;
  for (const double one : v) sum += (one - mean(v)) * (one - mean(v));
  return sum / static_cast<double>(v.size() - 1);
}

/// Number of pairs that the first side wins, ties half: W is this + n1(n1 + 1)/2.
double wins(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (const double x : a)
    for (const double y : b) sum += x > y ? 1 : x == y ? 0.5 : 0;
  return sum;
}

}  // namespace

class TestMarkers : public QObject {
  Q_OBJECT
 private slots:
  void rankSumIsTheFormula() {
    const auto made = make();
    const auto controls = made.screen.cells_of(made.screen.control);
    const auto tables = markers_of_targets(made.x, made.screen, -1, {.threads = 2});
    for (std::int32_t t = 0; t < made.screen.n_targets(); ++t) {
      if (t == made.screen.control) {
        QVERIFY(tables[t].gene.empty());
        continue;
      }
      const auto cells = made.screen.cells_of(t);
      const double n1 = static_cast<double>(cells.size()), n0 = static_cast<double>(controls.size());
      QCOMPARE(tables[t].n_target, static_cast<std::int64_t>(n1));
      for (std::int64_t g = 0; g < 60; ++g) {
        const auto a = values(made.x, cells, g), b = values(made.x, controls, g);
        const double z = (wins(a, b) - n1 * n0 / 2) / std::sqrt(n1 * n0 * (n1 + n0 + 1) / 12);
        QVERIFY(std::fabs(tables[t].z[g] - z) < 1e-10);
        QVERIFY(std::fabs(tables[t].p[g] - std::erfc(std::fabs(z) / std::sqrt(2))) < 1e-12);
        QVERIFY(std::fabs(tables[t].log2fc[g] -
                          std::log2((std::expm1(mean(a)) + 1e-9) / (std::expm1(mean(b)) + 1e-9))) < 1e-9);
        QVERIFY(std::fabs(tables[t].pct_target[g] -
                          static_cast<double>(std::count_if(a.begin(), a.end(), [](double v) { return v > 0; })) / n1) <
                1e-12);
      }
    }
  }

  void tieCorrectionIsTheFormula() {
    const auto made = make();
    const std::int32_t t = made.screen.target_code("T0");
    const auto plain = markers_of_targets(made.x, made.screen, 0, {.threads = 1})[t];
    const auto corrected = markers_of_targets(made.x, made.screen, 0, {.tie_correction = true, .threads = 1})[t];
    for (std::int64_t g = 0; g < 60; ++g) {
      auto both = values(made.x, made.screen.cells_of(t, 0), g);
      const auto controls = values(made.x, made.screen.cells_of(made.screen.control, 0), g);
      both.insert(both.end(), controls.begin(), controls.end());
      std::map<double, double> times;
      for (const double v : both) ++times[v];
      double ties = 0;
      const double n = static_cast<double>(both.size());
      for (const auto& [v, k] : times) ties += k * k * k - k;
      QVERIFY(std::fabs(corrected.z[g] - plain.z[g] / std::sqrt(1 - ties / (n * n * n - n))) < 1e-9);
    }
  }

  void threadsChangeNothing() {
    const auto made = make();
    for (const Test test : {Test::RankSum, Test::Welch, Test::LikelihoodRatio}) {
      const auto one = markers_of_targets(made.x, made.screen, -1, {.test = test, .threads = 1});
      const auto four = markers_of_targets(made.x, made.screen, -1, {.test = test, .threads = 4});
      for (std::size_t t = 0; t < one.size(); ++t) {
        QCOMPARE(one[t].p, four[t].p);
        QCOMPARE(one[t].gene, four[t].gene);
      }
    }
  }

  void welchIsTheFormula() {
    const auto made = make();
    const std::int32_t t = made.screen.target_code("T1");
    const auto table = markers_of_targets(made.x, made.screen, -1, {.test = Test::Welch, .threads = 1})[t];
    const auto over = markers_of_targets(made.x, made.screen, -1, {.test = Test::WelchOverestimated, .threads = 1})[t];
    const auto cells = made.screen.cells_of(t), controls = made.screen.cells_of(made.screen.control);
    for (std::int64_t g = 0; g < 60; ++g) {
      const auto a = values(made.x, cells, g), b = values(made.x, controls, g);
      const double n1 = static_cast<double>(a.size()), n0 = static_cast<double>(b.size());
      QVERIFY(std::fabs(table.z[g] - (mean(a) - mean(b)) / std::sqrt(variance(a) / n1 + variance(b) / n0)) < 1e-10);
      QVERIFY(std::fabs(over.z[g] - (mean(a) - mean(b)) / std::sqrt(variance(a) / n1 + variance(b) / n1)) < 1e-10);
      QVERIFY(table.p[g] >= 0 && table.p[g] <= 1);
    }
  }

  void likelihoodRatioIsAtItsMaximum() {
    const std::vector<double> target{1.5, 0.4, 2.2, 1.1}, control{0.3, 0.9, 1.2};
    const TwoSides sides{target, control, 2, 5};
    const auto gain = [&](double a, double b) {
      double sum = 0;
      const auto add = [&](double x, bool member, double n) {
        const double eta = a + b * x;
        sum += n * (member ? -std::log1p(std::exp(-eta)) : -std::log1p(std::exp(eta)));
      };
      add(0, true, 2);
      add(0, false, 5);
      for (const double x : target) add(x, true, 1);
      for (const double x : control) add(x, false, 1);
      return 2 * (sum - 6 * std::log(6.0 / 14) - 8 * std::log(8.0 / 14));
    };
    double best = 0;
    for (double a = -4; a < 4; a += 0.01)
      for (double b = -4; b < 6; b += 0.01) best = std::max(best, gain(a, b));
    const double found = likelihood_ratio(sides);
    QVERIFY(found >= best && found < best + 1e-3);
    // Sides that are told apart completely: the likelihood tends to 1.
    const std::vector<double> high{3, 4}, low{1, 2};
    QVERIFY(std::fabs(likelihood_ratio({high, low, 0, 0}) - 8 * std::log(2.0)) < 1e-6);
    // A gene that does not vary tells nothing.
    const std::vector<double> same{1, 1};
    QVERIFY(likelihood_ratio({same, same, 0, 0}) < 1e-12);
  }

  void benjaminiHochbergByHand() {
    const std::vector<double> p{0.01, std::nan(""), 0.03, 0.02}, wanted{0.04, 1, 0.04, 0.04};
    const auto found = benjamini_hochberg(p);
    for (std::size_t i = 0; i < p.size(); ++i) QVERIFY(std::fabs(found[i] - wanted[i]) < 1e-15);
  }

  void selection() {
    MarkerTable table;
    table.gene = {0, 1, 2, 3, 4};
    table.log2fc = {0.25, -0.3, 0.2499, 1, 2};
    table.p = {0.001, 0.001, 0.001, 0.0001, 0.01};
    table.p_adj = {0.01, 0.01, 0.01, 0.05, 0.04};
    table.z = {3, -3, 3, 4, 2};
    MarkerOptions options{.min_de_genes = 0};
    QCOMPARE(select_ordered(table, options), (std::vector<std::int64_t>{0, 1, 4}));
    options.max_de_genes = 2;
    QCOMPARE(select_ordered(table, options), (std::vector<std::int64_t>{0, 1}));
    options.min_de_genes = 3;
    QVERIFY(select_ordered(table, options).empty());  // more wanted than allowed
    QCOMPARE(select_all(table, options), (std::vector<std::int64_t>{0, 1, 4}));
    options.min_de_genes = 4;
    QVERIFY(select_all(table, options).empty());
    options.pval_cutoff = 0.051;
    QCOMPARE(select_all(table, options), (std::vector<std::int64_t>{0, 1, 3, 4}));
  }

  void tooFewCellsAreNotTested() {
    const auto made = make({.cells = 40, .genes = 20});
    Groups groups{std::vector<std::int32_t>(40, 0), 2};
    groups.of_cell[3] = 1;
    groups.of_cell[4] = groups.of_cell[5] = 2;
    const auto ranks = test_markers(made.x, groups, {.threads = 1});
    QVERIFY(!ranks[0].not_tested.empty() && ranks[0].gene.empty());
    QVERIFY(ranks[1].not_tested.empty() && ranks[1].gene.size() == 20);
    QVERIFY(!test_markers(made.x, groups, {.test = Test::LikelihoodRatio, .threads = 1})[1].not_tested.empty());
  }

  void genesWithoutCountsTellNothing() {
    const std::vector<double> dense{0, 1, 0, 2, 0, 3, 0, 4, 0, 5};
    const auto x = Expression::of_dense(5, 2, dense);
    for (const Test test : {Test::RankSum, Test::Welch, Test::WelchOverestimated}) {
      const auto table = test_markers(x, {{1, 1, 0, 0, 0}, 1}, {.test = test, .threads = 1})[0];
      QCOMPARE(table.z[0], 0.0);
      QCOMPARE(table.p[0], 1.0);
      QCOMPARE(table.log2fc[0], 0.0);
    }
  }
};

QTEST_GUILESS_MAIN(TestMarkers)
#include "tst_markers.moc"
