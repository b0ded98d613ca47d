#include "core/perturbation/tables.hpp"

#include <QTest>
#include <algorithm>

#include "tests/core/perturbation/small_screening.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

std::vector<std::string> header(const report::Table& table) {
  std::vector<std::string> names;
  for (const auto& column : table.columns) names.push_back(column.name);
  return names;
}
template <class T>
std::vector<T> values(const report::Table& table, const std::string& name) {
  for (const auto& column : table.columns)
    if (column.name == name) return std::get<std::vector<T>>(column.values);
  return {};
}

/// Two genes of five are tested, the second one is a marker.
MarkerTable tested() {
  MarkerTable one;
  one.gene = {3, 1};
  one.z = {0.5, -3};
  one.p = {0.6, 0.003};
  one.p_adj = {0.6, 0.006};
  one.log2fc = {0.1, -1};
  one.pct_target = {0.5, 0.2};
  one.pct_control = {0.4, 0.9};
  return one;
}

}  // namespace

class TestTables : public QObject {
  Q_OBJECT
 private slots:
  void markersOfAllTargetsAreThoseOfEach() {
    const Screening of = small_screening::make();
    const std::vector<MarkerTable> tables{tested(), {}, tested()};
    const std::vector<std::vector<std::int64_t>> selected{{1}, {}, {}};
    const report::Table all = marker_table(of.screen, tables, selected, 1);
    QCOMPARE(header(all), (std::vector<std::string>{"target", "split", "gene", "z", "p", "p_adj", "log2fc",
                                                    "pct_target", "pct_control", "selected"}));
    QCOMPARE(values<std::string>(all, "target"), (std::vector<std::string>{"A", "A", "NT", "NT"}));
    QCOMPARE(values<std::string>(all, "split"), std::vector<std::string>(4, "r2"));
    QCOMPARE(values<std::string>(all, "gene"), (std::vector<std::string>{"g3", "g1", "g3", "g1"}));
    QCOMPARE(values<std::int64_t>(all, "selected"),
             (std::vector<std::int64_t>{report::missing_integer, 1, report::missing_integer, report::missing_integer}));
    report::Table one = marker_table(of.screen, 0, tested(), {1}, 1);
    append(one, marker_table(of.screen, 2, tested(), {}, 1));
    QCOMPARE(report::to_text(one, report::TableFormat::Tsv), report::to_text(all, report::TableFormat::Tsv));
  }

  void rowsOfATargetByRisingP() {
    const Screening of = small_screening::make();
    const MarkerTable sorted = by_rising_p(tested());
    QCOMPARE(sorted.gene, (std::vector<std::int64_t>{1, 3}));
    const report::Table table = marker_table(of.screen, 0, sorted, {1}, -1);
    QVERIFY(header(table)[1] == "gene");  // groups were not apart
    QCOMPARE(values<double>(table, "log2fc"), (std::vector<double>{-1, 0.1}));
    QCOMPARE(values<double>(table, "pct_control"), (std::vector<double>{0.9, 0.4}));
    QCOMPARE(values<std::int64_t>(table, "selected"), (std::vector<std::int64_t>{1, report::missing_integer}));
  }

  void setsOfAListOfGenes() {
    FisherResult fisher;
    fisher.set = "pathway";
    fisher.overlap = 2;
    fisher.in_set = 4;
    fisher.in_list = 6;
    fisher.set_size = 9;
    fisher.odds_ratio = 5;
    fisher.p = 0.01;
    fisher.p_adjusted = 0.02;
    fisher.combined = 23;
    fisher.genes = {"g1", "g2"};
    const DeList down{"A", "r1", false, {}, {}};
    const report::Table first = with_list(down, fisher_table({fisher}));
    QCOMPARE(header(first),
             (std::vector<std::string>{"target", "group", "direction", "set", "overlap", "in_list", "set_in_background",
                                       "set_size", "odds_ratio", "p", "p_adj", "combined_score", "genes"}));
    QCOMPARE(QString::fromStdString(report::to_text(first, report::TableFormat::Tsv)).split('\n')[1],
             QString("A\tr1\tdown\tpathway\t2\t6\t4\t9\t5\t0.01\t0.02\t23\tg1;g2"));
    RankResult rank;
    rank.set = "order";
    rank.overlap = 3;
    rank.set_size = 7;
    rank.rbo = 0.25;
    rank.p = 0.5;
    rank.p_adjusted = 0.75;
    const report::Table bare = with_list({"", "list", true, {}, {}}, rank_table({rank}));
    QCOMPARE(header(bare), (std::vector<std::string>{"target", "group", "direction", "set", "overlap", "set_size",
                                                     "rbo", "p", "p_adj"}));
    QCOMPARE(QString::fromStdString(report::to_text(bare, report::TableFormat::Tsv)).split('\n')[1],
             QString("\t\t\torder\t3\t7\t0.25\t0.5\t0.75"));
    QCOMPARE(values<std::string>(with_list({"", "", true, {}, {}}, rank_table({rank})), "direction"),
             std::vector<std::string>{"up"});
  }
};

QTEST_GUILESS_MAIN(TestTables)
#include "tst_tables.moc"
