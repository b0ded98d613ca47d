#include <QtTest>

#include "core/analysis/annotation.hpp"
#include "core/error.hpp"

using namespace scriptorium;
using namespace scriptorium::analysis;

class TestAnnotation : public QObject {
  Q_OBJECT

  /// Seven cells: four of T, two of B, one without a label; a second column splits them, missing for the last of T.
  static data::Table cells() {
    data::Table table;
    for (int i = 0; i < 7; ++i) table.names.push_back("c" + std::to_string(i));
    table.columns.push_back({"type", data::Categorical{{1, 1, 0, 1, -1, 0, 1}, {"B", "T", "unused"}, false}, {}});
    table.columns.push_back(
        {"donor", std::vector<std::string>{"x", "y", "x", "x", "x", "x", "y"}, {0, 0, 0, 0, 0, 0, 1}});
    return table;
  }
  static AnnotationOptions by(std::vector<std::string> columns) {
    AnnotationOptions options;
    options.columns = std::move(columns);
    return options;
  }
  static QString refusal(const AnnotationOptions& options, const data::Table& table = cells()) {
    try {
      annotate(table, options);
    } catch (const Error& error) {
      return QString::fromStdString(error.what()) + " " + QString::fromStdString(error.remedy());
    }
    return {};
  }

 private slots:
  void logitsStandAtTheLabel() {
    const auto found = annotate(cells(), by({"type"}));
    QCOMPARE(found.components, 2);
    QCOMPARE(found.names, (std::vector<std::string>{"B", "T"}));
    QCOMPARE(found.label, (std::vector<std::int32_t>{1, 1, 0, 1, -1, 0, 1}));
    QCOMPARE(found.logits, (std::vector<double>{0, 3, 0, 3, 3, 0, 0, 3, 0, 0, 3, 0, 0, 3}));
    QVERIFY(found.notes.empty());
  }
  void orderAndSpareComponents() {
    auto options = by({"type"});
    options.order = {"T", "B"};
    options.components = 3;
    options.confidence = 1.5;
    const auto found = annotate(cells(), options);
    QCOMPARE(found.names, (std::vector<std::string>{"T", "B", "unlabelled 3"}));
    QCOMPARE(found.label[0], 0);
    QCOMPARE(std::vector<double>(found.logits.begin(), found.logits.begin() + 3), (std::vector<double>{1.5, 0, 0}));
  }
  void severalColumnsMakeCompositeLabels() {
    const auto found = annotate(cells(), by({"type", "donor"}));
    QCOMPARE(found.names, (std::vector<std::string>{"B__x", "T__x", "T__y"}));
    QCOMPARE(found.label, (std::vector<std::int32_t>{1, 2, 0, 1, -1, 0, -1}));  // missing in one is missing
  }
  void rareLabelsSayNothing() {
    auto options = by({"type", "donor"});
    options.min_cells = 2;
    const auto found = annotate(cells(), options);
    QCOMPARE(found.names, (std::vector<std::string>{"B__x", "T__x"}));
    QCOMPARE(found.label[1], -1);
    QCOMPARE(found.notes.size(), std::size_t(1));
    QVERIFY(found.notes[0].find("T__y") != std::string::npos);
  }
  void refusalsSayWhatAndWhatToDo_data() {
    QTest::addColumn<QString>("about");
    QTest::addColumn<QStringList>("words");
    for (const auto& [name, words] :
         std::vector<std::pair<const char*, QStringList>>{{"column", {"no column \"kind\"", "type, donor"}},
                                                          {"one label", {"only one label", "T"}},
                                                          {"too many", {"2 labels", "1 component"}},
                                                          {"order names no label", {"\"unused\"", "B, T"}},
                                                          {"order lacks one", {"does not name the label T once"}},
                                                          {"order has one twice", {"does not name the label B once"}},
                                                          {"min cells", {"No label", "9 cells"}},
                                                          {"nothing", {"No cell has a label"}},
                                                          {"names of cells", {"101 labels", "more than 100"}},
                                                          {"confidence", {"above 0"}}})
      QTest::newRow(name) << QString(name) << words;
  }
  void refusalsSayWhatAndWhatToDo() {
    QFETCH(QString, about);
    QFETCH(QStringList, words);
    auto options = by({"type"});
    auto table = cells();
    if (about == "column") options.columns = {"kind"};
    if (about == "one label") options.min_cells = 3;
    if (about == "too many") options.components = 1;
    if (about == "order names no label") options.order = {"B", "T", "unused"};
    if (about == "order lacks one") options.order = {"B"};
    if (about == "order has one twice") options.order = {"B", "T", "B"};
    if (about == "min cells") options.min_cells = 9;
    if (about == "nothing") table.columns[0].missing.assign(7, 1);
    if (about == "confidence") options.confidence = NAN;
    if (about == "names of cells") {
      std::vector<std::string> names;
      table.names.clear();
      for (int i = 0; i < 101; ++i) names.push_back(std::to_string(i)), table.names.push_back(std::to_string(i));
      table.columns = {{"type", std::move(names), {}}};
    }
    const QString said = refusal(options, table);
    for (const QString& word : words) QVERIFY2(said.contains(word), qPrintable(said));
  }
};

QTEST_APPLESS_MAIN(TestAnnotation)
#include "tst_annotation.moc"
