#include <QtTest>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/set_tests.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

std::vector<std::string> names(const std::string& prefix, int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back(prefix + std::to_string(i));
  return all;
}

double choose(int n, int k) {
  double c = 1;
  for (int i = 0; i < k; ++i) c = c * (n - i) / (i + 1);
  return k < 0 || k > n ? 0 : c;
}

/// Equation 32 as it is written, with sets.
double definition(const std::vector<std::string>& a, const std::vector<std::string>& b, double p, int depth) {
  const auto& small = a.size() <= b.size() ? a : b;
  const auto& large = a.size() <= b.size() ? b : a;
  const int s = std::min<int>(depth, static_cast<int>(small.size())),
            l = std::min<int>(depth, static_cast<int>(large.size()));
  const auto common = [&](int d) {
    const std::set<std::string> first(small.begin(), small.begin() + std::min<int>(d, static_cast<int>(small.size())));
    int count = 0;
    for (int i = 0; i < d; ++i) count += static_cast<int>(first.count(large[static_cast<std::size_t>(i)]));
    return static_cast<double>(count);
  };
  double sum = 0;
  for (int d = 1; d <= l; ++d) sum += common(d) / d * std::pow(p, d);
  for (int d = s + 1; d <= l; ++d) sum += common(s) * (d - s) / (static_cast<double>(s) * d) * std::pow(p, d);
  return (1 - p) / p * sum + ((common(l) - common(s)) / l + common(s) / s) * std::pow(p, l);
}

}  // namespace

class TestSetTests : public QObject {
  Q_OBJECT
 private slots:
  void fisherIsASumOfHypergeometrics() {
    for (int set = 1; set < 9; set += 2)
      for (int list = 1; list < 12; list += 3)
        for (int a = 0; a <= std::min(set, list); ++a) {
          const int all = 25;
          const FourFold table{a, set - a, list - a, all - set - list + a};
          double wanted = 0;
          for (int x = a; x <= std::min(set, list); ++x)
            wanted += choose(set, x) * choose(all - set, list - x) / choose(all, list);
          QVERIFY(std::fabs(fisher_log_p(table) - std::log(wanted)) < 1e-12);
          // At the odds ratio the noncentral mean is a.
          const double odds = conditional_odds_ratio(table);
          if (a == 0) QCOMPARE(odds, 0.0);
          if (a == std::min(set, list)) QVERIFY(a == 0 || std::isinf(odds));
          if (a == 0 || std::isinf(odds)) continue;
          double sum = 0, mean = 0;
          for (int x = 0; x <= std::min(set, list); ++x) {
            const double w = choose(set, x) * choose(all - set, list - x) * std::pow(odds, x);
            sum += w;
            mean += w * x;
          }
          QVERIFY(std::fabs(mean / sum - a) < 1e-9);
        }
  }
  void fisherOfLargeNumbers() {
    const FourFold table{180, 20, 120, 19680};
    QVERIFY(fisher_log_p(table) < -700 && std::isfinite(fisher_log_p(table)));  // e to that is 0
    QVERIFY(std::isfinite(conditional_odds_ratio(table)) && conditional_odds_ratio(table) > 1000);
    QCOMPARE(fisher_log_p({0, 0, 5, 10}), 0.0);
    QCOMPARE(conditional_odds_ratio({0, 0, 5, 10}), 0.0);
    QCOMPARE(fisher_log_p({5, 0, 0, 0}), 0.0);  // everything is everywhere
  }
  void listsAreCutToTheBackground() {
    const auto background = names("g", 0, 100);
    std::vector<std::string> list = names("g", 0, 10);
    list.push_back("g3");       // again
    list.push_back("unknown");  // not in the background
    std::vector<GeneSet> sets{{"half", names("g", 5, 15)}, {"far", names("x", 0, 10)}, {"empty", {}}};
    sets[0].genes.push_back("unknown");
    const auto found = fisher_tests(list, background, sets, {.ease = false});
    QCOMPARE(found[0].in_list, std::int64_t{10});
    QCOMPARE(found[0].in_set, std::int64_t{10});
    QCOMPARE(found[0].overlap, std::int64_t{5});
    QCOMPARE(found[0].set_size, std::int64_t{11});
    QVERIFY((found[0].genes == names("g", 5, 10)));
    QCOMPARE(found[0].p, std::exp(fisher_log_p({5, 5, 5, 85})));
    QVERIFY(std::fabs(found[0].combined / (-std::log(found[0].p) * found[0].odds_ratio) - 1) < 1e-12);
    QCOMPARE(found[1].p, 1.0);
    QCOMPARE(found[2].p, 1.0);
    QCOMPARE(found[0].p_adjusted, std::min(1.0, 3 * found[0].p));
    // EASE takes one gene from the overlap, and gives it to the rest of the set.
    const auto careful = fisher_tests(list, background, sets);
    QCOMPARE(careful[0].p, std::exp(fisher_log_p({4, 6, 5, 85})));
    QVERIFY(careful[0].p > found[0].p);
    QVERIFY_THROWS_EXCEPTION(Error, fisher_tests(list, {}, sets));
  }

  void rankBiasedOverlapIsItsDefinition() {
    math::Random random(4, math::Purpose::Test);
    for (int trial = 0; trial < 60; ++trial) {
      const int na = 1 + static_cast<int>(random.uniform() * 20), nb = 1 + static_cast<int>(random.uniform() * 20);
      const auto draw = [&](int n) {
        auto all = names("g", 0, 25);
        for (std::size_t i = all.size(); i > 1; --i)
          std::swap(all[i - 1], all[static_cast<std::size_t>(random.uniform() * static_cast<double>(i))]);
        all.resize(static_cast<std::size_t>(n));
        return all;
      };
      const auto a = draw(na), b = draw(nb);
      for (const double p : {0.3, 0.9, 0.99})
        for (const int depth : {5, 12, 300}) {
          const double found = rank_biased_overlap(a, b, p, depth);
          QVERIFY2(std::fabs(found - std::min(1.0, definition(a, b, p, depth))) < 1e-12,
                   qPrintable(QString("%1 %2 %3 %4").arg(na).arg(nb).arg(p).arg(depth)));
          QVERIFY(std::fabs(found - rank_biased_overlap(b, a, p, depth)) < 1e-12);
        }
    }
    const auto list = names("g", 0, 30);
    QVERIFY(std::fabs(rank_biased_overlap(list, list, 0.9) - 1) < 1e-12);
    QCOMPARE(rank_biased_overlap(list, names("x", 0, 30), 0.9), 0.0);
    QCOMPARE(rank_biased_overlap({}, list, 0.9), 0.0);
    QVERIFY_THROWS_EXCEPTION(Error, rank_biased_overlap(list, list, 1));
  }

  void rankTestsSeeOrder() {
    const auto list = names("g", 0, 100);
    auto reversed = names("g", 0, 50);
    std::reverse(reversed.begin(), reversed.end());
    const std::vector<GeneSet> sets{{"same", names("g", 0, 50)}, {"reversed", reversed}, {"one", {"g1", "x", "y"}}};
    RankOptions options;
    options.threads = 1;
    const auto found = rank_tests(list, sets, options);
    QVERIFY(found[0].p < 1e-6);
    QVERIFY(found[1].p > 0.05);
    QCOMPARE(found[2].p, 1.0);  // one gene in common
    options.threads = 3;
    const auto again = rank_tests(list, sets, options);
    for (std::size_t i = 0; i < 3; ++i) QCOMPARE(again[i].p, found[i].p);
    options.empirical = true;
    const auto counted = rank_tests(list, sets, options);
    QCOMPARE(counted[0].p, 1.0 / 501);
    QVERIFY(counted[1].p > 0.2);
    options.depth = 0;
    QVERIFY_THROWS_EXCEPTION(Error, rank_tests(list, sets, options));
  }
  void permutationPsAreUniformUnderTheNull() {
    // Lists in random order against a set of all their genes.
    auto list = names("g", 0, 40);
    math::Random random(8, math::Purpose::Test);
    int below = 0;
    const int trials = 200;
    for (int t = 0; t < trials; ++t) {
      for (std::size_t i = list.size(); i > 1; --i)
        std::swap(list[i - 1], list[static_cast<std::size_t>(random.uniform() * static_cast<double>(i))]);
      RankOptions options;
      options.empirical = true;
      options.permutations = 99;
      options.seed = static_cast<std::uint64_t>(t);
      options.threads = 1;
      const std::vector<GeneSet> sets{{"all", names("g", 0, 40)}};
      below += rank_tests(list, sets, options)[0].p <= 0.2;
    }
    QVERIFY2(below > 0.2 * trials - 25 && below < 0.2 * trials + 25, qPrintable(QString::number(below)));
  }

  void gmtFiles() {
    const auto sets = parse_gmt("A\tdescribed\tg1\tg2\tg1\t\r\n\nB\t\tg3\n", "x.gmt");
    QCOMPARE(sets.size(), std::size_t{2});
    QCOMPARE(sets[0].genes.size(), std::size_t{2});
    QCOMPARE(sets[1].name, std::string("B"));
    QVERIFY_THROWS_EXCEPTION(Error, parse_gmt("A\tno genes\n", "x.gmt"));
    QVERIFY_THROWS_EXCEPTION(Error, parse_gmt("\n\n", "x.gmt"));
    QVERIFY_THROWS_EXCEPTION(Error, read_gmt("/no/such/file.gmt"));
  }
};

QTEST_APPLESS_MAIN(TestSetTests)
#include "tst_set_tests.moc"
