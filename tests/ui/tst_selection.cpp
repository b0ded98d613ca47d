#include <QFile>
#include <QSignalSpy>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>

#include "ui/project/selection_link.hpp"
#include "ui/project/session.hpp"
#include "ui/shell/selection_panel.hpp"

using namespace scriptorium::ui;

namespace {

const QString kExample = SCRIPTORIUM_TEST_DATA "/../resources/example/pbmc_example.h5ad";

QStringList linesOf(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) return {};
  return QString::fromUtf8(file.readAll()).split('\n', Qt::SkipEmptyParts);
}

}  // namespace

class TestSelection : public QObject {
  Q_OBJECT
 private slots:
  void init() {
    folder_ = std::make_unique<QTemporaryDir>();
    session_ = std::make_unique<Session>(Places{folder_->path(), folder_->filePath("settings.ini")});
  }
  void cleanup() {
    session_.reset();
    folder_.reset();
  }

  void setsOfRows() {
    const IndexSet a{0, 2, 4}, b{2, 3};
    QCOMPARE(united(a, b), (IndexSet{0, 2, 3, 4}));
    QCOMPARE(common(a, b), (IndexSet{2}));
    QCOMPARE(without(a, b), (IndexSet{0, 4}));
    QCOMPARE(inverted(a, 6), (IndexSet{1, 3, 5}));
    QCOMPARE(inverted({}, 2), (IndexSet{0, 1}));
    QCOMPARE(asIndexSet({3, -1, 3, 9, 0}, 5), (IndexSet{0, 3}));
    QCOMPARE(asFlags({1}, 3), (std::vector<std::uint8_t>{0, 1, 0}));
    QCOMPARE(combined(a, b, Combine::Replace), b);
    QCOMPARE(combined(a, b, Combine::Add), united(a, b));
    QCOMPARE(combined(a, b, Combine::Remove), without(a, b));
    QCOMPARE(combined(a, b, Combine::Keep), common(a, b));
  }

  void stepsCanBeUndone() {
    QVERIFY(open());
    SelectionState& selection = session_->selection;
    QSignalSpy changed(&selection, &SelectionState::changed);
    selection.select(Axis::Cells, {5, 1, 1, 100'000, -3}, Combine::Replace, "test");
    QCOMPARE(selection.selected(Axis::Cells), (IndexSet{1, 5}));
    QCOMPARE(changed.count(), 1);
    selection.select(Axis::Cells, {1, 5}, Combine::Replace, "test");  // nothing new: no step
    QCOMPARE(session_->undo.count(), 1);
    selection.nameSelection(Axis::Cells, "  pair ");
    selection.select(Axis::Cells, {7}, Combine::Add, "test");
    selection.invert(Axis::Cells);
    QCOMPARE(selection.selected(Axis::Cells).size(), std::size_t{597});
    session_->undo.undo();
    QCOMPARE(selection.selected(Axis::Cells), (IndexSet{1, 5, 7}));
    QCOMPARE(selection.sets().size(), std::size_t{1});
    QCOMPARE(selection.sets()[0].name, QString("pair"));
    selection.recall(selection.sets()[0].id, Combine::Keep);
    QCOMPARE(selection.selected(Axis::Cells), (IndexSet{1, 5}));
    selection.clear(Axis::Cells);
    QVERIFY(!selection.flags(Axis::Cells));
    selection.remove(selection.sets()[0].id);
    QVERIFY(selection.sets().empty());
    while (session_->undo.canUndo()) session_->undo.undo();
    QVERIFY(selection.selected(Axis::Cells).empty() && selection.sets().empty());
    QVERIFY(selection.selected(Axis::Genes).empty());
  }

  void namesAreUniqueOnEachAxis() {
    QVERIFY(open());
    SelectionState& selection = session_->selection;
    selection.nameSelection(Axis::Cells, "none");  // nothing is selected
    QVERIFY(selection.sets().empty());
    for (const std::int64_t row : {1, 2}) {
      selection.select(Axis::Cells, {row}, Combine::Replace, "test");
      selection.nameSelection(Axis::Cells, "one");
    }
    QCOMPARE(selection.sets().size(), std::size_t{1});  // replaced
    QCOMPARE(*selection.sets()[0].members, (IndexSet{2}));
    selection.nameSelection(Axis::Cells, "other");
    selection.rename(selection.sets()[1].id, "one");  // taken
    QCOMPARE(selection.sets()[1].name, QString("other"));
  }

  void filesHoldTheSets() {
    QVERIFY(open());
    SelectionState& selection = session_->selection;
    selection.select(Axis::Cells, {0, 3}, Combine::Replace, "test");
    selection.nameSelection(Axis::Cells, "mine");
    selection.select(Axis::Cells, {2}, Combine::Replace, "test");
    const QString path = folder_->filePath("sets.tsv");
    saveSets(*session_, Axis::Cells, path);
    QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(path), 60'000);
    const QStringList rows = linesOf(path);
    QCOMPARE(rows.size(), 601);
    QCOMPARE(rows[0], QString("cell\tmine\tselected"));
    QVERIFY(rows[1].endsWith("\tTrue\tFalse") && rows[3].endsWith("\tFalse\tTrue"));

    const QString copy = folder_->filePath("copy.h5ad");
    saveWithSets(*session_, copy);
    QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(copy), 60'000);
    const auto again = scriptorium::data::open(copy.toStdString(), {}, {});
    const auto* column = again.cells.find("mine");
    QVERIFY(column);
    QCOMPARE(QString::fromStdString(column->type()), QString("boolean"));
    QCOMPARE(column->text(0), std::string("True"));
    QCOMPARE(column->text(1), std::string("False"));
    QCOMPARE(again.counts.count, session_->data.opened()->dataset->counts.count);

    QSignalSpy refused(session_.get(), &Session::errorReported);
    saveWithSets(*session_, kExample);  // over the file that is open
    QTRY_COMPARE_WITH_TIMEOUT(refused.count(), 1, 60'000);
  }

  void selectedCellsAreAFilter() {
    QVERIFY(open());
    scriptorium::data::Filter filter;
    filter.cell_names = session_->selection.names(Axis::Cells, {4, 9});
    session_->data.setFilter(filter);
    QTRY_VERIFY_WITH_TIMEOUT(!session_->data.preparing(), 60'000);
    QCOMPARE(session_->data.prepared()->dataset->cells.names, filter.cell_names);
    // What is kept has other rows: names bring the two together.
    QCOMPARE(session_->selection.rowsOf(Axis::Cells, filter.cell_names), (std::vector<std::int64_t>{4, 9}));
    QCOMPARE(session_->selection.rowsOf(Axis::Cells, {"nobody"}), (std::vector<std::int64_t>{-1}));
    filter.cell_names = {"nobody"};
    session_->data.setFilter(filter);
    QTRY_VERIFY_WITH_TIMEOUT(!session_->data.preparing(), 60'000);
    QVERIFY(session_->data.filterError().message.contains("nobody"));
  }

  void theRecoveryFileHasThem() {
    QVERIFY(open());
    SelectionState& selection = session_->selection;
    selection.select(Axis::Genes, {8}, Combine::Replace, "test");
    selection.nameSelection(Axis::Genes, "eight");
    const QByteArray text = selection.toJson();
    selection.clear(Axis::Genes);
    selection.remove(selection.sets()[0].id);
    selection.restore("{broken");
    QVERIFY(selection.sets().empty());
    selection.restore(QByteArray(text).replace("600", "601"));  // of other data
    QVERIFY(selection.sets().empty());
    selection.restore(text);
    QCOMPARE(selection.selected(Axis::Genes), (IndexSet{8}));
    QCOMPARE(selection.sets()[0].name, QString("eight"));
  }

  void tablesShowAndSetIt() {
    QVERIFY(open());
    TablePanel table("cells", "Cells");
    table.resize(400, 300);
    table.show();
    table.setTable(session_->data.opened()->cells);
    const auto* link = new SelectionLink(table, session_->selection, Axis::Cells);
    const auto* later = link->findChild<QTimer*>();
    QVERIFY(later);
    table.view().selectRow(2);
    QTRY_COMPARE_WITH_TIMEOUT(session_->selection.selected(Axis::Cells), (IndexSet{2}), 60'000);
    QVERIFY(table.model().isMarked(2) && !table.model().isMarked(3));
    session_->selection.select(Axis::Cells, {3, 4}, Combine::Replace, "elsewhere");
    QVERIFY(table.model().isMarked(3) && !table.model().isMarked(2));
    QVERIFY(table.selectedRows().empty());  // no longer what is selected
    table.model().setMarkedOnly(true);
    QCOMPARE(table.model().rowCount(), 2);
    session_->selection.clear(Axis::Cells);
    QTRY_VERIFY_WITH_TIMEOUT(!later->isActive(), 60'000);  // nothing comes after
    QVERIFY(session_->selection.selected(Axis::Cells).empty());
  }

  void otherDataEmptyIt() {
    QVERIFY(open());
    session_->selection.select(Axis::Cells, {3}, Combine::Replace, "test");
    session_->selection.nameSelection(Axis::Cells, "three");
    session_->data.closeData();
    QVERIFY(session_->selection.selected(Axis::Cells).empty() && session_->selection.sets().empty());
    QCOMPARE(session_->selection.size(Axis::Cells), std::int64_t{0});
  }

 private:
  bool open() {
    session_->data.open({kExample});
    return QTest::qWaitFor([&] { return session_->data.prepared() && !session_->data.preparing(); }, 60'000);
  }
  std::unique_ptr<QTemporaryDir> folder_;
  std::unique_ptr<Session> session_;
};

QTEST_MAIN(TestSelection)
#include "tst_selection.moc"
