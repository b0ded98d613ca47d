#include <QtTest>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/nb_regression.hpp"
#include "core/perturbation/weighted_de.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

constexpr std::size_t n_cells = 160, n_genes = 30;

/// Two groups of 30 cells of a target and 50 controls. Genes 0 … 4 rise with the weight; gene 28 has counts in controls
/// only, gene 29 none.
struct Example {
  data::CountMatrix by_gene;
  std::vector<double> total;
  DeCells cells;

  explicit Example(bool groups) {
    math::Random random(17, math::Purpose::Test);
    data::CountMatrix counts;
    counts.n_cells = n_cells;
    counts.n_genes = n_genes;
    cells.groups = groups ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"all"};
    cells.scored = true;
    cells.target_gene = 7;
    for (std::size_t i = 0; i < n_cells; ++i) {
      const bool target = i % 80 < 30;
      cells.cells.push_back(static_cast<std::int64_t>(i));
      cells.is_target.push_back(target);
      cells.group.push_back(groups && i >= 80);
      cells.weight.push_back(target ? std::max(0.0, 2 + random.normal()) : 0);
      const double depth = std::exp(0.3 * random.normal());
      double sum = 0;
      for (std::size_t g = 0; g < n_genes; ++g) {
        double mean = depth * (0.5 + 0.3 * static_cast<double>(g)) * std::exp(g < 5 ? 0.4 * cells.weight.back() : 0);
        if (g == 29 || (g == 28 && target)) mean = 0;
        const auto y = static_cast<data::Count>(random.negative_binomial(2.5, 0.4 * mean));
        if (y == 0) continue;
        counts.gene.push_back(static_cast<std::uint32_t>(g));
        counts.count.push_back(y);
        sum += y;
      }
      counts.row_start.push_back(counts.nnz());
      total.push_back(sum);
    }
    by_gene = counts.transposed();
    DeCells::Own own{3, cells.weight};
    for (double& w : own.weight) w *= 0.9;
    cells.own.push_back(own);
  }
  std::vector<double> counts_of(std::int64_t gene) const {
    std::vector<double> y(n_cells);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(n_cells); ++i)
      y[static_cast<std::size_t>(i)] = by_gene.at(gene, i);
    return y;
  }
  std::vector<double> log_total() const {
    std::vector<double> out;
    for (const double t : total) out.push_back(std::log10(t));
    return out;
  }
};

std::size_t row_of(const WeightedDe& de, std::int64_t gene) {
  return static_cast<std::size_t>(std::find(de.gene.begin(), de.gene.end(), gene) - de.gene.begin());
}

}  // namespace

class TestWeightedDe : public QObject {
  Q_OBJECT
 private slots:
  void oneGroupIsTheRegressionOfEachGene() {
    const Example example(false);
    const auto de = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 1});
    QCOMPARE(de.n_target, std::int64_t{60});
    QCOMPARE(de.columns.size(), std::size_t{3});
    QVERIFY(std::find(de.gene.begin(), de.gene.end(), 29) == de.gene.end());
    for (std::size_t r = 0; r < de.rows(); ++r) {
      const std::int64_t gene = de.gene[r];
      auto weight = example.cells.weight;
      if (gene == 3) weight = example.cells.own[0].weight;
      if (gene == 7) weight.assign(example.cells.is_target.begin(), example.cells.is_target.end());
      QVERIFY(de.weight[r] == (gene == 3 ? DeWeight::LeaveOneOut : gene == 7 ? DeWeight::Membership : DeWeight::Score));
      const NbDesign design({std::vector<double>(n_cells, 1.0), weight, example.log_total()});
      const auto own = fit_nb_with_dispersion(design, example.counts_of(gene));
      QVERIFY(std::fabs(de.dispersion[r] - own.dispersion) <= 1e-6 * (own.dispersion + 1e-6));
      QCOMPARE(de.fitted_dispersion[r], de.dispersion[r]);
      if (gene == 28) continue;
      const auto error = standard_errors(design, own.fit.mean, own.dispersion);
      for (std::size_t j = 0; j < 3; ++j) {
        QVERIFY(std::fabs(de.coefficient[3 * r + j] - own.fit.coefficient[j]) < 1e-6);
        QVERIFY(std::fabs(de.error[3 * r + j] / error[j] - 1) < 1e-5);
        QVERIFY(std::fabs(de.log_p[3 * r + j] - log_two_sided_p(de.coefficient[3 * r + j] / de.error[3 * r + j])) <
                1e-9);
      }
      double target = 1, control = 1;
      const auto y = example.counts_of(gene);
      for (std::size_t i = 0; i < n_cells; ++i) (example.cells.is_target[i] ? target : control) += y[i];
      QVERIFY(std::fabs(de.log2fc[r] - std::log2(target / 60) + std::log2(control / 100)) < 1e-12);
    }
    for (std::int64_t gene = 0; gene < 5; ++gene) QVERIFY(de.log_p[3 * row_of(de, gene) + 1] < std::log(1e-4));
    for (std::size_t r = 1; r < de.rows(); ++r) QVERIFY(de.log_p[3 * r + 1] >= de.log_p[3 * r - 2]);
  }
  void genesThatAreTested() {
    const Example example(false);
    DeOptions options{.threads = 1};
    options.min_pct = 0.9;
    const auto de = weighted_de("T", example.cells, example.by_gene, example.total, options);
    for (std::int64_t gene = 0; gene < static_cast<std::int64_t>(n_genes); ++gene) {
      const auto y = example.counts_of(gene);
      double target = 0, control = 0;
      for (std::size_t i = 0; i < n_cells; ++i) (example.cells.is_target[i] ? target : control) += y[i] > 0;
      const bool seen = std::max(target / 60, control / 100) > 0.8995, found = row_of(de, gene) < de.rows();
      QVERIFY2(found == (seen || gene == 3 || gene == 7), qPrintable(QString::number(gene)));
      if (found) QCOMPARE(std::isnan(de.log2fc[row_of(de, gene)]), !seen);
    }
    options.min_pct = 0;
    options.min_cells = 1000;
    QCOMPARE(weighted_de("T", example.cells, example.by_gene, example.total, options).rows(), std::size_t{2});
  }
  void asRCoefficientsAreAtTheTrend() {
    const Example example(false);
    const auto de =
        weighted_de("T", example.cells, example.by_gene, example.total, {.r_compatible = true, .threads = 1});
    std::vector<double> mean, dispersion, trend;
    std::vector<std::size_t> order(de.rows());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return de.gene[a] < de.gene[b]; });
    for (const std::size_t r : order) {
      if (de.weight[r] != DeWeight::Score) {
        QCOMPARE(de.fitted_dispersion[r], de.dispersion[r]);
        continue;
      }
      const NbDesign design({std::vector<double>(n_cells, 1.0), example.cells.weight, example.log_total()});
      const auto y = example.counts_of(de.gene[r]);
      const auto first = fit_nb(design, y, moment_dispersion(y, n_cells));
      mean.push_back(std::accumulate(first.mean.begin(), first.mean.end(), 0.0));
      dispersion.push_back(de.dispersion[r]);
      trend.push_back(de.fitted_dispersion[r]);
      const auto fit = fit_nb(design, y, de.fitted_dispersion[r]);
      if (fit.state != NbFit::State::Fitted) continue;
      QVERIFY(std::fabs(fit.coefficient[1] - de.coefficient[3 * r + 1]) < 1e-7);
      QVERIFY(std::fabs(standard_errors(design, fit.mean, de.dispersion[r])[1] / de.error[3 * r + 1] - 1) < 1e-6);
    }
    QVERIFY(local_median(mean, dispersion, 100) == trend);
  }
  void separatedGenesAreTestedByLikelihood() {
    const Example example(false);
    const auto de = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 1});
    const std::size_t r = row_of(de, 28);
    QVERIFY(de.separated[r]);
    QVERIFY(de.coefficient[3 * r + 1] < -3);
    QVERIFY(de.log_p[3 * r + 1] < std::log(1e-20));
    const auto wald =
        weighted_de("T", example.cells, example.by_gene, example.total, {.mend_separated = false, .threads = 1});
    QVERIFY(wald.log_p[3 * row_of(wald, 28) + 1] > std::log(0.5));
  }
  void groupsHaveCoefficientsOfTheirOwn() {
    const Example example(true);
    const auto de = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 1});
    QVERIFY((de.columns == std::vector<std::string>{"a", "b", "log_ct", "a:weight", "b:weight"}));
    std::vector<std::vector<double>> columns(5, std::vector<double>(n_cells));
    for (std::size_t i = 0; i < n_cells; ++i) {
      columns[i < 80 ? 0 : 1][i] = 1;
      columns[2][i] = std::log10(example.total[i]);
      columns[i < 80 ? 3 : 4][i] = example.cells.weight[i];
    }
    const NbDesign whole(columns), first({columns[0], columns[1], columns[2]});
    for (std::size_t r = 0; r < de.rows(); ++r) {
      if (de.weight[r] != DeWeight::Score || de.separated[r]) continue;
      const auto y = example.counts_of(de.gene[r]);
      QVERIFY(std::fabs(fit_nb_with_dispersion(first, y).dispersion - de.dispersion[r]) < 1e-6);
      const auto fit = fit_nb(whole, y, de.dispersion[r]);
      for (std::size_t j = 0; j < 5; ++j) QVERIFY(std::fabs(fit.coefficient[j] - de.coefficient[5 * r + j]) < 1e-6);
    }
    std::vector<std::string> names(n_genes, "g");
    const auto table = de_table(de, names);
    std::vector<std::string> found;
    for (const auto& column : table.columns) found.push_back(column.name);
    QVERIFY(
        (found == std::vector<std::string>{"gene", "log2fc_a", "log2fc_b", "beta_weight_a", "se_weight_a", "p_weight_a",
                                           "p_adj_weight_a", "beta_weight_b", "se_weight_b", "p_weight_b",
                                           "p_adj_weight_b", "dispersion", "DE_method", "separated"}));
    QCOMPARE(de_table(de, names, true).columns.size(), found.size() + 1 + 6);
  }
  void sameBitsAtAnyNumberOfThreads() {
    const Example example(true);
    const auto one = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 1}),
               four = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 4});
    QVERIFY(one.gene == four.gene && one.coefficient == four.coefficient && one.dispersion == four.dispersion);
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_THROWS_EXCEPTION(
        Cancelled, weighted_de("T", example.cells, example.by_gene, example.total, {}, {stop.get_token(), {}}));
  }
  void cellsWithoutCountsAndWithoutWeights() {
    Example example(false);
    const auto whole = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 1});
    example.total.push_back(0);
    example.cells.cells.push_back(static_cast<std::int64_t>(n_cells));
    example.cells.is_target.push_back(1);
    example.cells.group.push_back(0);
    example.cells.weight.push_back(1);
    example.cells.own[0].weight.push_back(1);
    const auto de = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 1});
    QVERIFY(de.coefficient == whole.coefficient);
    QCOMPARE(de.notes.size(), std::size_t{1});
    // All weights 0: nothing to estimate, and it says so.
    example.cells.weight.assign(n_cells + 1, 0);
    const auto flat = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 1});
    QCOMPARE(flat.notes.size(), std::size_t{2});
    const std::size_t r = row_of(flat, 20);
    QVERIFY(std::isnan(flat.coefficient[3 * r + 1]) && std::isfinite(flat.coefficient[3 * r]));
    // No control.
    example.cells.is_target.assign(n_cells + 1, 1);
    const auto none = weighted_de("T", example.cells, example.by_gene, example.total, {.threads = 1});
    QVERIFY(none.rows() == 0 && none.notes.size() == 1);
    QCOMPARE(de_table(none, {}).rows(), std::size_t{0});
  }

  void cellsOfScoredAndUnscoredTargets() {
    Screen screen;
    screen.n_cells = 8;
    screen.genes = {"g0", "B", "g2"};
    screen.target.names = {"NT", "A", "B"};
    screen.target.code = {0, 0, 1, 1, 2, 0, 0, 2};
    screen.split.names = {"x", "y"};
    screen.split.code = {0, 0, 0, 0, 0, 1, 1, -1};
    screen.control = 0;
    screen.has_split = true;
    GroupScore group;
    group.target = 1;
    group.split = 0;
    group.cells = {2, 3, 0, 1};
    group.n_target = 2;
    group.markers = {2, 0};
    group.projection = {5, -3, 1, 3};
    group.control_mean = 2;
    group.control_sd = 2;
    group.leave_one_out = {4, NAN, 1, NAN, 0, NAN, 2, NAN};
    const auto scored = de_cells(screen, 1, {group});
    QVERIFY(scored.scored && scored.target_gene == -1);
    QVERIFY((scored.groups == std::vector<std::string>{"x"}));
    QVERIFY((scored.weight == std::vector<double>{1.5, 0, 0, 0}));
    QCOMPARE(scored.own.size(), std::size_t{2});
    QVERIFY(std::fabs(scored.own[0].weight[0] - 3 / std::sqrt(2.0)) < 1e-12);
    QVERIFY((scored.own[1].weight == std::vector<double>{1, 1, 0, 0}));  // no projection without it: membership
    group.leave_one_out.clear();
    QVERIFY_THROWS_EXCEPTION(Error, de_cells(screen, 1, {group}));
    const auto plain = de_cells(screen, 2, {group});
    QVERIFY(!plain.scored && plain.target_gene == 1);
    QVERIFY((plain.cells == std::vector<std::int64_t>{4, 0, 1}));  // y has no cell of B
    QVERIFY((plain.weight == std::vector<double>{1, 0, 0}));
  }

  void localMedian() {
    // Few points: one interpolated median. Odd numbers: a window for the middle, whose value the ends share.
    const std::vector<double> x{3, 1, 2, 4}, y{30, 10, 20, 40};
    for (const double value : local_median(x, y, 100)) QVERIFY(std::fabs(value - 25) < 1e-9);
    std::vector<double> many(301), line(301);
    for (std::size_t i = 0; i < many.size(); ++i) {
      many[i] = static_cast<double>((i * 5) % 301);
      line[i] = 2 * many[i];
    }
    const auto trend = local_median(many, line, 21);
    for (std::size_t i = 0; i < many.size(); ++i) QCOMPARE(trend[i], 2 * std::clamp(many[i], 10.0, 290.0));
    QVERIFY(local_median({}, {}, 10).empty());
    QCOMPARE(local_median({1}, {5}, 10)[0], 5.0);
  }
};

QTEST_APPLESS_MAIN(TestWeightedDe)
#include "tst_weighted_de.moc"
