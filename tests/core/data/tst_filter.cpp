#include <QTest>
#include <cmath>
#include <limits>

#include "core/data/expression.hpp"
#include "core/data/filter.hpp"
#include "core/data/highly_variable.hpp"
#include "core/error.hpp"

using namespace scriptorium;
using data::Dataset;
using data::Filter;
using Indices = std::vector<std::int64_t>;

namespace {

// counts   x y z w
//    a     5 0 0 1
//    b     0 0 0 0
//    c     7 0 2 1
//    d     1 1 0 0
Dataset example() {
  Dataset d;
  d.counts = {4, 4, {0, 2, 2, 5, 7}, {0, 3, 0, 2, 3, 0, 1}, {5, 1, 7, 2, 1, 1, 1}};
  d.cells.names = {"a", "b", "c", "d"};
  d.genes.names = {"x", "y", "z", "w"};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  d.cells.columns = {{"batch", data::Categorical{{0, 1, 0, -1}, {"r1", "r2"}, false}, {}},
                     {"score", std::vector<double>{0.5, 1.5, nan, -2}, {}},
                     {"cell type", std::vector<std::string>{"B cell", "T \"x\" cell", "B cell", ""}, {}},
                     {"doublet", std::vector<std::uint8_t>{0, 1, 0, 1}, {}},
                     {"depth", std::vector<std::int64_t>{1, 2, 3, 4}, {0, 0, 0, 1}}};
  return d;
}

std::vector<std::uint8_t> evaluate(const std::string& condition) {
  const Dataset d = example();
  return data::evaluate(condition, d.cells, data::source_of(d.counts));
}

std::string message(const Filter& filter) {
  try {
    data::apply(filter, example());
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

class TestFilter : public QObject {
  Q_OBJECT
 private slots:
  void conditions_data() {
    QTest::addColumn<QString>("condition");
    QTest::addColumn<QString>("kept");
    const auto add = [](const char* condition, const char* kept) { QTest::newRow(condition) << condition << kept; };
    add("batch == \"r1\"", "ac");
    add("batch != 'r1'", "b");  // a missing label fulfils nothing
    add("not batch == 'r1'", "bd");
    add("batch in (\"r1\", 'r2')", "abc");
    add("batch not in ('r1')", "b");
    add("score >= -2", "abd");
    add("score<1e0 and score > -1.5", "a");
    add("depth >= 2", "bc");
    add("depth in (1, 3)", "ac");
    add("doublet == True or batch == 'r1'", "abcd");
    add("doublet == 0", "ac");
    add("`cell type` == \"T \\\"x\\\" cell\"", "b");
    add("batch == 'r1' and (score > 1 or `cell type` == 'B cell')", "ac");
    add("score > 1 or score < 0 and doublet == False", "b");  // and binds tighter
    add("n_counts >= 6", "ac");
    add("n_genes == 0", "b");
    add("not (n_genes == 0 or n_counts > 5)", "d");
  }
  void conditions() {
    QFETCH(QString, condition);
    QFETCH(QString, kept);
    const auto mask = evaluate(condition.toStdString());
    QString found;
    for (std::size_t i = 0; i < mask.size(); ++i)
      if (mask[i] != 0) found += QString::fromStdString(example().cells.names[i]);
    QCOMPARE(found, kept);
  }

  void unreadableConditionsSayWhere_data() {
    QTest::addColumn<QString>("condition");
    QTest::addColumn<QString>("part");
    const auto add = [](const QString& condition, const char* part) {
      QTest::newRow(qPrintable(condition.left(40))) << condition << part;
    };
    add("", "name of a column");
    add("batch", "comparison");
    add("batch = 'r1'", "comparison");
    add("batch == r1", "quoted text");
    add("batch == 'r1", "not closed");
    add("batch == 'r1' and", "name of a column");
    add("(batch == 'r1'", "“)”");
    add("batch == 'r1') ", "not expected");
    add("batch < 'r2'", "only ==, != and in");
    add("score == 'high'", "without quotes");
    add("nothing == 1", "no column nothing");
    add(QString("(").repeated(100000), "too deeply");
    add(QString("not ").repeated(100000) + "depth == 1", "too deeply");
  }
  void unreadableConditionsSayWhere() {
    QFETCH(QString, condition);
    QFETCH(QString, part);
    QString found = "no error";
    try {
      evaluate(condition.toStdString());
    } catch (const Error& error) {
      found = error.what();
    }
    QVERIFY2(found.contains(part), qPrintable(found.left(500)));
  }

  void leastCountsApplyInOrder() {
    QCOMPARE(data::apply({}, example()).cells, (Indices{0, 1, 2, 3}));
    Filter filter;
    filter.min_counts_per_cell = 2;
    QCOMPARE(data::apply(filter, example()).cells, (Indices{0, 2, 3}));
    filter.min_genes_per_cell = 3;
    QCOMPARE(data::apply(filter, example()).cells, (Indices{2}));
    filter.min_cells_per_gene = 1;  // among the kept cells
    QCOMPARE(data::apply(filter, example()).genes, (Indices{0, 2, 3}));
    filter.min_counts_per_gene = 2;
    QCOMPARE(data::apply(filter, example()).genes, (Indices{0, 2}));
    filter.genes = {"z", "y"};
    QCOMPARE(data::apply(filter, example()).genes, (Indices{2}));
  }

  void saysWhenNothingIsLeft() {
    QVERIFY(message({.min_counts_per_cell = 100}).find("No cell is left") == 0);
    QVERIFY(message({.min_cells_per_gene = 5}).find("No gene is left") == 0);
    QVERIFY(message({.cells = "depth > 9"}).find("depth > 9") != std::string::npos);
    QVERIFY(message({.genes = {"x", "q"}}).find("1 of the genes asked for are not in the data: q") == 0);
  }

  void describesItself() {
    QVERIFY(Filter{}.empty());
    QCOMPARE(Filter{}.describe(), std::string());
    const Filter filter{.min_counts_per_cell = 500, .highly_variable = 2000, .cells = "batch == \"r1\""};
    QVERIFY(!filter.empty());
    QCOMPARE(filter.describe(), std::string("--cells 'batch == \"r1\"' --min-counts-per-cell 500 --genes hvg:2000"));
  }

  void localRegressionReproducesAParabola() {
    std::vector<double> x, y;
    for (int i = 0; i < 500; ++i) {
      x.push_back(std::sin(i) * 3);
      y.push_back(2 - x.back() + 0.5 * x.back() * x.back());
    }
    const auto fit = data::local_regression(x, y, 0.3);
    for (std::size_t i = 0; i < x.size(); ++i) QVERIFY(std::abs(fit[i] - y[i]) < 1e-4);
    const std::vector<double> same(5, 1.0), values{1, 2, 3, 4, 5};
    for (const double f : data::local_regression(same, values, 0.3)) QVERIFY(std::abs(f - 3) < 1e-12);
  }

  void ranksTheGeneThatVariesMore() {
    data::CountMatrix m;  // 60 genes with constant-rate patterns, gene 7 comes in bursts of the same mean
    m.n_genes = 60;
    m.n_cells = 200;
    for (int cell = 0; cell < 200; ++cell) {
      for (std::uint32_t g = 0; g < 60; ++g) {
        const std::uint32_t level = 1 + g / 10;
        const std::uint32_t u = g == 7 ? (cell % 20 == 0 ? 20 * level : 0) : level * ((cell * 7 + g) % 3);
        if (u == 0) continue;
        m.gene.push_back(g);
        m.count.push_back(u);
      }
      m.row_start.push_back(m.nnz());
    }
    const auto score = data::standardised_variance(m.n_cells, m.n_genes, data::source_of(m));
    QCOMPARE(std::max_element(score.begin(), score.end()) - score.begin(), 7);
    Dataset d;
    d.counts = m;
    for (int i = 0; i < 200; ++i) d.cells.names.push_back(std::string("c").append(std::to_string(i)));
    for (int i = 0; i < 60; ++i) d.genes.names.push_back(std::string("g").append(std::to_string(i)));
    QCOMPARE(data::apply({.highly_variable = 1}, d).genes, (Indices{7}));
    const auto ten = data::apply({.highly_variable = 10}, d).genes;
    QCOMPARE(ten.size(), 10U);
    QVERIFY(std::is_sorted(ten.begin(), ten.end()));
  }

  void oneCellHasNoVariance() {
    const data::CountMatrix one{1, 3, {0, 2}, {0, 2}, {4, 1}};
    QCOMPARE(data::standardised_variance(one.n_cells, one.n_genes, data::source_of(one)), std::vector<double>(3, 0.0));
  }
};

QTEST_APPLESS_MAIN(TestFilter)
#include "tst_filter.moc"
