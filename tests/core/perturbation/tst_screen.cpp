#include <QtTest>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/perturbation/expression.hpp"
#include "core/perturbation/screen.hpp"
#include "simulated_screen.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

data::Table table(std::vector<std::string> target, std::vector<std::uint8_t> missing = {}) {
  data::Table out;
  for (std::size_t i = 0; i < target.size(); ++i) out.names.emplace_back("same name");
  out.columns = {{"target", std::move(target), std::move(missing)}};
  return out;
}

std::string message(const data::Table& cells, const Columns& columns) {
  try {
    make_screen(cells, {"g"}, columns);
  } catch (const Error& error) {
    return std::string(error.what()) + " " + error.remedy();
  }
  return {};
}

template <class Make>
std::string refusal(const Make& make) {
  try {
    make();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

class TestScreen : public QObject {
  Q_OBJECT
 private slots:
  void errorsNameColumnAndLabels() {
    const auto cells = table({"A", "B", "B"});
    QVERIFY(message(cells, {"gene", "NT", "", ""}).find("\"gene\"") != std::string::npos);
    QVERIFY(message(cells, {"gene", "NT", "", ""}).find("target") != std::string::npos);
    const auto absent = message(cells, {"target", "NT", "", ""});
    QVERIFY(absent.find("\"NT\"") != std::string::npos && absent.find("\"target\"") != std::string::npos);
    QVERIFY(absent.find("A") != std::string::npos && absent.find("B") != std::string::npos);
    QVERIFY(!message(table({"NT", "NT"}), {"target", "NT", "", ""}).empty());
    QVERIFY(!message(cells, {"target", "A", "no guide", ""}).empty());
    QVERIFY(!message(cells, {"target", "A", "", "no split"}).empty());
  }

  void missingLabelsAreNobody() {
    const auto screen = make_screen(table({"NT", "A", "", "A"}, {0, 0, 0, 1}), {"g"}, {"target", "NT", "", ""});
    QCOMPARE(screen.n_targets(), 2);
    QCOMPARE(screen.target.code[2], -1);
    QCOMPARE(screen.target.code[3], -1);
    QCOMPARE(screen.cells_of(screen.target_code("A")), std::vector<std::int64_t>{1});
    QCOMPARE(screen.notes.size(), std::size_t{1});
    QCOMPARE(screen.split.names, std::vector<std::string>{"all"});
    QVERIFY(!screen.has_split);
  }

  void labelsWithSpacesAndUnusedCategories() {
    data::Table cells = table({"", "", ""});
    cells.columns = {{"target", data::Categorical{{2, 0, 2}, {"no target", "unused", "GENE 1"}}, {}}};
    const auto screen = make_screen(cells, {"g"}, {"target", "no target", "", ""});
    QCOMPARE(screen.target.names, (std::vector<std::string>{"no target", "GENE 1"}));
    QCOMPARE(screen.cells_of(screen.target_code("GENE 1")), (std::vector<std::int64_t>{0, 2}));
  }

  void expressionIsTheFormula() {
    auto simulated = simulated_screen::make({.cells = 60, .genes = 30});
    auto& counts = simulated.data.counts;
    const auto row = counts.row_start[1] - counts.row_start[0];  // the first cell without counts
    counts.gene.erase(counts.gene.begin(), counts.gene.begin() + row);
    counts.count.erase(counts.count.begin(), counts.count.begin() + row);
    for (std::size_t i = 1; i < counts.row_start.size(); ++i) counts.row_start[i] -= row;
    const auto x = Expression::of_counts(counts, {}, 2);
    for (std::int64_t i = 0; i < 60; ++i) {
      double total = 0;
      for (std::int64_t g = 0; g < 30; ++g) total += counts.at(i, g);
      for (std::int64_t g = 0; g < 30; ++g)
        QCOMPARE(x.at(i, g), total == 0 ? 0.0 : std::log1p(counts.at(i, g) * 1e4 / total));
    }
    QCOMPARE(x.at(0, 3), 0.0);
    for (std::int64_t g = 0; g < 30; ++g)
      for (std::size_t e = 0; e < x.gene(g).index.size(); ++e)
        QCOMPARE(x.gene(g).value[e], x.at(x.gene(g).index[e], g));
  }

  void sameShareSameBits() {
    data::CountMatrix counts;
    counts.n_cells = 2;
    counts.n_genes = 2;
    counts.row_start = {0, 2, 4};
    counts.gene = {0, 1, 0, 1};
    counts.count = {1, 6, 3, 18};
    const auto x = Expression::of_counts(counts, {}, 1);
    QCOMPARE(x.at(0, 0), x.at(1, 0));
  }

  void valuesThatAreNoExpressionAreRefused() {
    const auto with = [](double value) {
      return refusal([&] { Expression::of_dense(2, 2, std::vector<double>{0, 1, value, 2}); });
    };
    QVERIFY(with(0.5).empty());
    for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
      QVERIFY(with(bad).find("cell 2") != std::string::npos);
      QVERIFY(with(bad).find("gene 1") != std::string::npos);
    }
    data::Missing missing;
    missing.genes = {{}, {0}};
    missing.pattern_of_cell = {0, 1};
    data::CountMatrix counts;
    counts.n_cells = 2;
    counts.n_genes = 2;
    counts.row_start = {0, 0, 0};
    QVERIFY(!refusal([&] { Expression::of_counts(counts, missing, 1); }).empty());
  }
};

QTEST_GUILESS_MAIN(TestScreen)
#include "tst_screen.moc"
