#include <QAbstractItemModelTester>
#include <QApplication>
#include <QClipboard>
#include <QElapsedTimer>
#include <QLineEdit>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <cmath>

#include "core/error.hpp"
#include "ui/tables/table_panel.hpp"

using namespace scriptorium;
using namespace scriptorium::ui;

namespace {

constexpr int kRows = 40'000;

std::shared_ptr<const TableData> genes(int rows = kRows) {
  auto table = std::make_shared<TableData>();
  table->name = "genes";
  table->columns = {{"gene", "Name.", {}, {}}, {"mean", "Mean.", {}, {}}, {"verdict", "Verdict.", {}, {}}};
  for (int i = 0; i < rows; ++i) {
    table->columns[0].texts.push_back(QString("GENE%1").arg((i * 7919) % rows));
    table->columns[1].numbers.push_back(i % 97 == 0 ? std::nan("") : std::fmod(i * 0.618034, 13.0));
    table->columns[2].texts.push_back(i % 3 ? "fine" : "model");
  }
  return table;
}

}  // namespace

class TestTableModel : public QObject {
  Q_OBJECT
 private slots:
  void holdsTheModelContract() {
    TableModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
    model.setTable(genes(50));
    model.sort(1, Qt::DescendingOrder);
    model.setFilter("GENE1");
    model.setPinned(3, true);
    QVERIFY(model.rowCount() > 0);
  }

  void sortsFortyThousandRows() {
    TableModel model;
    model.setTable(genes());
    QCOMPARE(model.rowCount(), kRows);
    QElapsedTimer since;
    since.start();
    model.sort(1, Qt::AscendingOrder);
    const auto numbers = since.restart();
    double last = -1;
    bool missing = false;
    for (const int row : model.shown()) {
      const double v = model.table()->columns[1].numbers[static_cast<std::size_t>(row)];
      if (std::isnan(v)) {
        missing = true;
      } else {
        QVERIFY(!missing);  // missing last
        QVERIFY(v >= last);
        last = v;
      }
    }
    since.restart();
    model.sort(0, Qt::DescendingOrder);
    const auto texts = since.restart();
    model.setFilter("gene39 MODEL");
    qInfo("40,000 rows: sort by number %lld ms, by text %lld ms, filter %lld ms", numbers, texts, since.elapsed());
    QVERIFY(model.rowCount() > 0 && model.rowCount() < kRows);
    for (const int row : model.shown()) {
      QVERIFY(model.table()->text(static_cast<std::size_t>(row), 0).startsWith("GENE39") ||
              model.table()->text(static_cast<std::size_t>(row), 0).contains("GENE39"));
      QCOMPARE(model.table()->text(static_cast<std::size_t>(row), 2), QString("model"));
    }
  }

  void pinnedRowsStayOnTopAndSurviveTheFilter() {
    TableModel model;
    model.setTable(genes(100));
    model.sort(1, Qt::DescendingOrder);
    model.setPinned(42, true);
    QCOMPARE(model.shownAt(0), 42);
    model.setFilter("no such gene");
    QCOMPARE(model.rowCount(), 1);
    QCOMPARE(model.shownAt(0), 42);
  }

  void copiesAtFullPrecision() {
    TablePanel panel("t", "rows");
    auto table = std::make_shared<TableData>();
    table->name = "x";
    table->columns = {{"gene", {}, {}, {"A"}}, {"value", {}, {1.0 / 3}, {}}};
    panel.setTable(table);
    QApplication::clipboard()->clear();
    panel.copy();
    QTRY_VERIFY_WITH_TIMEOUT(!QApplication::clipboard()->text().isEmpty(), 60'000);  // put together by a worker
    const QString copied = QApplication::clipboard()->text().split('\n')[1].split('\t')[1];
    QCOMPARE(copied.toDouble(), 1.0 / 3);
  }

  void writesTsvAndCsv() {
    QTemporaryDir folder;
    auto table = std::make_shared<TableData>();
    table->columns = {{"na,me", {}, {}, {"a\"b", "c"}}, {"v", {}, {0.1, std::nan("")}, {}}};
    saveTable(*table, folder.filePath("a.csv"));
    QFile csv(folder.filePath("a.csv"));
    QVERIFY(csv.open(QIODevice::ReadOnly));
    QCOMPARE(csv.readAll(), QByteArray("\"na,me\",v\n\"a\"\"b\",0.10000000000000001\nc,\n"));
    saveTable(*table, folder.filePath("a.tsv"));
    QFile tsv(folder.filePath("a.tsv"));
    QVERIFY(tsv.open(QIODevice::ReadOnly));
    QCOMPARE(tsv.readAll(), QByteArray("na,me\tv\na\"b\t0.10000000000000001\nc\t\n"));
    QVERIFY_EXCEPTION_THROWN(saveTable(*table, "/no/such/folder/a.tsv"), Error);
  }

  void filtersAsTyped() {
    TablePanel panel("t", "rows");
    panel.resize(500, 300);
    panel.show();
    panel.setTable(genes());
    QTest::keyClicks(&panel.search(), "GENE123");
    QCOMPARE(panel.model().rowCount(), 111);  // GENE123, GENE1230 … 1239, GENE12300 … 12399
    panel.search().clear();
    QCOMPARE(panel.model().rowCount(), kRows);
  }
};

QTEST_MAIN(TestTableModel)
#include "tst_table_model.moc"
