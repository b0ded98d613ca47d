#include <QtTest>
#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "core/perturbation/nb_regression.hpp"
#include "core/perturbation/z_matrix.hpp"
#include "core/report/table.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

/// A table of one weight with the z and fold changes given.
WeightedDe table(const std::string& target, const std::vector<std::int64_t>& genes, const std::vector<double>& z,
                 const std::vector<double>& log2fc, const std::string& group = "all") {
  WeightedDe de;
  de.target = target;
  de.groups = {group};
  de.columns = {"Intercept", "weight", "log_ct"};
  de.gene = genes;
  de.log2fc = log2fc;
  for (const double value : z)
    for (const double v : {0.0, value, 0.0}) {
      de.coefficient.push_back(v / 10);
      de.error.push_back(0.1);
      de.log_p.push_back(log_two_sided_p(v));
    }
  return de;
}

const std::vector<std::string> names{"a", "b", "c", "d"};

}  // namespace

class TestZMatrix : public QObject {
  Q_OBJECT
 private slots:
  void rowsAreGenesThatPassSomewhere() {
    const std::vector<WeightedDe> tables{table("A", {0, 1, 3}, {9, -60, 2}, {1, -1, 1}),
                                         table("B", {1, 2}, {8, 7}, {0.1, 0.3}), table("C", {0, 3}, {1, 9}, {1, 0.1})};
    const auto matrices = z_matrices(tables, names);
    QCOMPARE(matrices.size(), std::size_t{1});
    const auto& z = matrices[0];
    QVERIFY((z.genes == std::vector<std::string>{"a", "b", "c"}));  // d passes nowhere with both thresholds
    QVERIFY((z.targets == std::vector<std::string>{"A", "B"}));
    QVERIFY(std::fabs(z.at(0, 0) - 9) < 1e-9 && std::fabs(z.at(1, 0) + 60) < 1e-9);  // p of 60 is 0 in double
    QVERIFY(std::isnan(z.at(0, 1)) && std::isnan(z.at(2, 0)));
    QVERIFY(std::fabs(z.at(1, 1) - 8) < 1e-9);
    QVERIFY(z_matrices(std::span(tables).subspan(2), names).empty());
  }
  void theBestOfEachTarget() {
    const std::vector<WeightedDe> tables{table("A", {0, 1, 2, 3}, {6, 9, -8, 7}, {1, 1, -1, 1})};
    ZOptions options;
    options.most = 2;
    QVERIFY((z_matrices(tables, names, options)[0].genes == std::vector<std::string>{"b", "c"}));
    options.most = 0;
    QCOMPARE(z_matrices(tables, names, options)[0].genes.size(), std::size_t{4});
  }
  void groupsHaveTheSameRowsAndColumns() {
    const std::vector<WeightedDe> tables{table("A", {0, 1}, {9, 1}, {1, 1}, "x"), table("B", {1}, {9}, {1}, "y")};
    const auto matrices = z_matrices(tables, names);
    QCOMPARE(matrices.size(), std::size_t{2});
    for (const auto& z : matrices) QCOMPARE(z.genes.size() * z.targets.size(), std::size_t{4});
    QVERIFY(std::isnan(matrices[0].at(1, 1)) && std::isnan(matrices[1].at(0, 0)));
    QVERIFY(std::fabs(matrices[1].at(1, 1) - 9) < 1e-9);
  }
  void cleaning() {
    ZMatrix z{"all", {"A", "b", "c"}, {"A", "B", "C"}, {-90, NAN, 1, 5, 6, 2, 0, 50, 3}};
    auto found = clean({z});
    QVERIFY((found[0].z == std::vector<double>{-37, 0, 1, 5, 6, 2, 0, 37, 3}));
    found = clean({z}, {.mask_target = true, .min_sig = 1});
    QVERIFY((found[0].targets == std::vector<std::string>{"A", "B"}));
    QCOMPARE(found[0].at(0, 0), 0.0);
    z.z[3] = 1;
    QVERIFY(clean({z}, {.min_sig = 2}).empty());  // a single column is left
    found = clean({z}, {.center = true, .scale = true});
    for (std::size_t t = 0; t < 3; ++t) {
      double sum = 0, squares = 0;
      for (std::size_t r = 0; r < 3; ++r) {
        sum += found[0].at(r, t);
        squares += found[0].at(r, t) * found[0].at(r, t);
      }
      QVERIFY(std::fabs(sum) < 1e-12 && std::fabs(squares - 2) < 1e-12);
    }
  }
  void tablesComeBack() {
    const ZMatrix z{"x", {"a", "b,\"c"}, {"A", "B"}, {1.25, NAN, -3, 1e-17}};
    for (const auto format : {report::TableFormat::Tsv, report::TableFormat::Csv}) {
      const auto back = parse_z_table(report::to_text(z_table(z), format), "x", "z.tsv");
      QVERIFY(back.genes == z.genes && back.targets == z.targets);
      QVERIFY(back.at(0, 0) == 1.25 && std::isnan(back.at(0, 1)) && back.at(1, 1) == 1e-17);
    }
  }
  void tablesThatAreNone_data() {
    QTest::addColumn<QString>("text");
    QTest::newRow("empty") << "";
    QTest::newRow("genes only") << "gene\na\n";
    QTest::newRow("no rows") << "gene\tA\n";
    QTest::newRow("a word") << "gene\tA\na\tmany\n";
    QTest::newRow("short line") << "gene\tA\tB\na\t1\n";
    QTest::newRow("gene twice") << "gene\tA\na\t1\na\t2\n";
    QTest::newRow("target twice") << "gene\tA\tA\na\t1\t2\n";
    QTest::newRow("infinite") << "gene\tA\na\tinf\n";
  }
  void tablesThatAreNone() {
    QFETCH(QString, text);
    QVERIFY_THROWS_EXCEPTION(Error, parse_z_table(text.toStdString(), "x", "z.tsv"));
  }
};

QTEST_APPLESS_MAIN(TestZMatrix)
#include "tst_z_matrix.moc"
