#include <QFile>
#include <QImage>
#include <QPainter>
#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <cstring>
#include <ctime>
#include <numeric>

#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/report/fit_tables.hpp"
#include "tests/core/analysis/small_mixture.hpp"
#include "ui/charts/chart_scene.hpp"
#include "ui/charts/colors.hpp"
#include "ui/charts/figure_view.hpp"
#include "ui/workspaces/components/component_figures.hpp"
#include "ui/workspaces/components/entropy_figure.hpp"

using namespace scriptorium;
using namespace scriptorium::ui;

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::shared_ptr<const Assignments> three() {
  Assignments made;
  made.components = 3;
  made.cells = {"a", "b", "c", "d"};
  made.probability = {0.95, 0.05, 0, 0.4, 0.5, 0.1, kNone, kNone, kNone, 0, 0, 1};
  return complete(std::move(made));
}

charts::Figure mapOf(std::size_t cells, bool groups) {
  math::Random random(5, math::Purpose::Test);
  MapPlaces places{"UMAP", "UMAP", std::vector<double>(cells), std::vector<double>(cells), 0};
  std::vector<double> values(cells);
  std::vector<std::int32_t> codes(cells);
  for (std::size_t i = 0; i < cells; ++i) {
    places.x[i] = random.normal();
    places.y[i] = random.normal();
    values[i] = random.uniform();
    codes[i] = static_cast<std::int32_t>(i % 10);
  }
  QStringList names;
  for (int i = 0; i < 10; ++i) names << QString("group %1").arg(i);
  return cellMap(places, groups ? colorsOfGroups("group", codes, names) : colorsOfNumbers("value", values), nullptr);
}

QImage drawn(const charts::Figure& figure, QSize size) {
  QImage image(size, QImage::Format_ARGB32_Premultiplied);
  image.fill(Qt::white);
  charts::ChartScene scene(figure, size, charts::Theme::light());
  QPainter painter(&image);
  scene.draw(painter);
  return image;
}

int pixelsOf(const QImage& image, QRgb color) {
  int count = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) count += image.pixel(x, y) == color ? 1 : 0;
  return count;
}

}  // namespace

class TestComponents : public QObject {
  Q_OBJECT
 private slots:
  void whatFollowsFromProbabilities() {
    const auto of = three();
    QCOMPARE(of->assigned, (std::vector<std::int32_t>{0, 1, -1, 2}));
    QVERIFY(std::fabs(of->entropy[1] + 0.4 * std::log(0.4) + 0.5 * std::log(0.5) + 0.1 * std::log(0.1)) < 1e-14);
    QCOMPARE(of->entropy[3], 0.0);
    QVERIFY(std::isnan(of->entropy[2]));
    QCOMPARE(of->size, (std::vector<std::int64_t>{1, 1, 1}));
    QCOMPARE(of->sure, (std::vector<std::int64_t>{1, 0, 1}));
    QVERIFY(std::fabs(of->weight[0] - 1.35 / 3) < 1e-14);
    QCOMPARE(of->names[2], QString("3"));
  }

  void mergingAddsProbabilities() {
    ComponentEdits edits = editsOf(*three());
    QCOMPARE(edited(three(), edits)->probability[4], three()->probability[4]);
    edits.group = {0, 1, 0};
    edits.group_names[0] = "1 + 3";
    const auto both = edited(three(), edits);
    QCOMPARE(both->components, 2);
    QVERIFY(std::fabs(both->at(0, 0) - 0.95) < 1e-14 && std::fabs(both->at(1, 0) - 0.5) < 1e-14);
    QCOMPARE(both->names[0], QString("1 + 3"));
    QCOMPARE(both->colors[0], three()->colors[0]);
    QCOMPARE(both->names[1], QString("2"));
    QVERIFY(std::isnan(both->at(2, 0)));
    QVERIFY(std::fabs(both->entropy[1] - std::log(2)) < 1e-14);
  }

  void namesColoursAndMergersCanBeUndone() {
    QUndoStack undo;
    AssignmentState state(undo);
    state.show(three());
    QCOMPARE(undo.count(), 0);
    QVERIFY(state.rename(1, " T cells "));
    state.recolor(1, 0xff123456);
    state.merge({0, 1});
    QCOMPARE(state.now()->components, 2);
    QCOMPARE(state.now()->names[0], QString("1 + T cells"));
    undo.undo();
    QCOMPARE(state.now()->colors[1], QRgb{0xff123456});
    undo.undo();
    undo.undo();
    QCOMPARE(state.now()->names[1], QString("2"));
    QVERIFY(!state.rename(7, "nobody"));
    QVERIFY(!state.rename(1, "3"));  // another is called so
    state.merge({0});
    QCOMPARE(undo.count(), 3);
    state.show(nullptr);
    undo.redo();
    QVERIFY(!state.now());
  }

  /// Steps belong to the components they were made of, whatever is looked at in between.
  void editsStayWithTheirComponents() {
    const auto named = [](const QString& key) {
      Assignments made = *three();
      made.key = key;
      return std::make_shared<const Assignments>(std::move(made));
    };
    QUndoStack undo;
    AssignmentState state(undo);
    const auto first = named("first"), second = named("second");
    state.show(first);
    state.merge({1, 2});
    state.merge({0, 1});
    QCOMPARE(state.now()->components, 1);
    QCOMPARE(state.now()->names[0], QString("1 + 2 + 3"));
    state.show(second);
    QCOMPARE(state.now(), second);
    undo.undo();
    undo.undo();
    QCOMPARE(state.now(), second);
    state.show(first);
    QCOMPARE(state.now()->components, 3);
    QCOMPARE(state.now()->probability.size(), first->probability.size());
    undo.redo();
    QCOMPARE(state.now()->components, 2);
    QVERIFY(state.rename(1, "both"));
    state.recolor(0, 0xff010203);
    // Kept as text, and laid over the same components another time; others are left alone.
    AssignmentState later(undo);
    later.restore("no json");
    later.restore(state.toJson());
    later.show(second);
    QCOMPARE(later.now(), second);
    later.show(named("first"));
    QCOMPARE(later.now()->names, (std::vector<QString>{"1", "both"}));
    QCOMPARE(later.now()->colors[0], QRgb{0xff010203});
    QCOMPARE(later.now()->probability.size(), std::size_t{8});
    Assignments four;  // of the same key, but not the same components
    four.key = "first";
    four.components = 4;
    four.cells = {"a"};
    four.probability = {1, 0, 0, 0};
    later.show(complete(std::move(four)));
    QCOMPARE(later.now()->components, 4);
    QVERIFY(later.rename(3, "fourth"));  // from the answer as it is
    QCOMPARE(later.now()->names[3], QString("fourth"));
  }

  /// What the cell table of the window holds is what the command line writes, to the last bit.
  void theNumbersAreThoseOfTheCommandLine() {
    const auto s = small_mixture::make("nbvcp");
    const auto fit = std::make_shared<const result::Fit>(s.fit);
    for (const int draws : {analysis::AssignmentOptions().draws, 0}) {
      analysis::AssignmentOptions options;
      options.draws = draws;
      options.temperature = draws > 0 ? 1 : 2.5;
      const auto found = analysis::assign_cells(s.fit, s.data.counts, options, {});
      const auto of = assignmentsOf(fit, "mixture", s.data, options, {});
      const auto table = cellTable(*of);
      const auto expected = report::assignment_table(s.fit, found);
      for (const auto& column : expected.columns) {
        const auto at = std::find_if(table->columns.begin(), table->columns.end(), [&](const TableColumn& one) {
          return one.name == QString::fromStdString(column.name);
        });
        QVERIFY2(at != table->columns.end(), column.name.c_str());
        if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) {
          QCOMPARE(at->numbers.size(), numbers->size());
          QCOMPARE(std::memcmp(at->numbers.data(), numbers->data(), 8 * numbers->size()), 0);
        } else {
          QVERIFY(at->texts[7] == QString::fromStdString(std::get<std::vector<std::string>>(column.values)[7]));
        }
      }
      if (draws == 0) continue;
      // The mean of the entropies is not the entropy of the means; merged components have only the latter.
      const auto of_means = analysis::entropy(found.probability, found.components);
      QVERIFY(found.entropy != of_means);
      ComponentEdits edits = editsOf(*of);
      edits.group = {0, 1, 1};
      const auto both = edited(of, edits);
      QVERIFY(both->merged && !both->fit);
      const auto merged_entropy = analysis::entropy(both->probability, 2);
      for (std::size_t i = 0; i < merged_entropy.size(); ++i)
        QVERIFY(std::fabs(both->entropy[i] - merged_entropy[i]) < 1e-14);
      QCOMPARE(both->concentration[1], found.concentration[1] + found.concentration[2]);
      const auto merged_table = cellTable(*both);
      QVERIFY(std::any_of(merged_table->columns.begin(), merged_table->columns.end(),
                          [](const TableColumn& one) { return one.help.contains("single draws"); }));
    }
    result::Fit other = s.fit;
    other.created_at = "another time";
    QVERIFY(identityOf(other) != identityOf(s.fit));
    other = s.fit;
    other.name = "renamed";
    other.component_names = {"a", "b", "c"};
    QCOMPARE(identityOf(other), identityOf(s.fit));
  }

  void oneComponentHasNoEntropy() {
    ComponentEdits edits = editsOf(*three());
    edits.group = {0, 0, 0};
    const auto one = edited(three(), edits);
    QVERIFY(entropyBetween(*one, 0, 0.01, 0.3) && !entropyBetween(*one, 0, 0.1, 0.3));
    QVERIFY(!entropyBetween(*one, 2, 0, 1));  // has none
    QCOMPARE(one->components, 1);
    QCOMPARE(one->entropyShare(0), 0.0);
    QVERIFY(std::isnan(one->entropyShare(2)));
    const charts::Figure figure = entropyHistogram(*one, nullptr);
    QCOMPARE(figure.panels[0].marks[0].y[0], 3.0);
    QVERIFY(!figure.panels[0].x.title.contains("log"));
  }

  void tablesOfProbabilities() {
    QTemporaryDir dir;
    const auto put = [&](const QString& name, const QByteArray& text) {
      QFile file(dir.filePath(name));
      if (file.open(QIODevice::WriteOnly)) file.write(text);
      return file.fileName();
    };
    const auto of =
        readAssignments(put("good.tsv", "cell\tassignment\tp_1\tp_2\tentropy\na\t1\t0.75\t0.25\t0\nb\t\t\t\t\n"));
    QCOMPARE(of->components, 2);
    QCOMPARE(of->cells, (std::vector<std::string>{"a", "b"}));
    QCOMPARE(of->assigned, (std::vector<std::int32_t>{0, -1}));
    QVERIFY_THROWS_EXCEPTION(Error, readAssignments(dir.filePath("nothing.tsv")));
    for (const char* text : {"", "cell\tp_1\na\t1\n", "p_1\tp_2\n1\t0\n", "cell\tp_1\tp_2\na\t1\n",
                             "cell\tp_1\tp_2\na\tone\t0\n", "cell\tp_1\tp_2\na\t-1\t2\n"})
      QVERIFY_THROWS_EXCEPTION(Error, readAssignments(put("bad.tsv", text)));
  }

  void probabilitiesAreTold() {
    QVERIFY(areProbabilities({"X_assignment", 2, {0.25F, 0.75F, 1, 0}}));
    QVERIFY(areProbabilities({"X_assignment", 2, {0.25F, 0.75F, NAN, NAN}}));
    QVERIFY(!areProbabilities({"X_umap", 2, {0.25F, 0.7F}}));
    QVERIFY(!areProbabilities({"X_umap", 2, {-0.25F, 1.25F}}));
    QVERIFY(!areProbabilities({"one", 1, {1, 1}}));
    QVERIFY(!areProbabilities({"none", 2, {NAN, NAN}}));
  }

  void entropiesAreCounted() {
    const std::vector<std::uint8_t> selected{0, 1, 1, 0};
    const charts::Figure figure = entropyHistogram(*three(), &selected);
    const auto& marks = figure.panels[0].marks;
    QCOMPARE(std::accumulate(marks[0].y.begin(), marks[0].y.end(), 0.0), 3.0);  // one has no entropy
    QCOMPARE(std::accumulate(marks[1].y.begin(), marks[1].y.end(), 0.0), 1.0);
    QCOMPARE(marks[0].y[0], 1.0);
  }

  void barsStackProbabilities() {
    const charts::Figure figure = assignmentBars(*three());
    const charts::Mark& mark = figure.panels[0].marks[0];
    QCOMPARE(mark.image_columns, 3);  // a, b, d
    const auto share = [&](int column, int component) {
      int count = 0;
      for (int row = 0; row < 100; ++row)
        count += mark.values[static_cast<std::size_t>(row * 3 + column)] == component ? 1 : 0;
      return count;
    };
    QCOMPARE(share(0, 0), 95);
    QCOMPARE(share(1, 0), 40);
    QCOMPARE(share(1, 1), 50);
    QCOMPARE(share(2, 2), 100);
    Assignments nobody;
    nobody.components = 2;
    nobody.cells = {"a"};
    nobody.probability = {kNone, kNone};
    QVERIFY(assignmentBars(*complete(std::move(nobody))).empty());
  }

  void entropiesAreWhereTheirCellsAndGenesAre() {
    using namespace small_mixture;
    const Setting s = make("nbvcp");
    auto data = std::make_shared<PreparedData>();
    data->dataset = std::make_shared<const data::Dataset>(s.data);
    analysis::AssignmentOptions at_point;
    at_point.draws = 0;
    const auto of = assignmentsOf(std::make_shared<const result::Fit>(s.fit), "mixture", s.data, at_point, {});
    const EntropyGround ground = entropyGround(of, data, {});
    const EntropyPiece whole = entropyPiece(ground, 0, kCells, 0, kGenes, {});
    const EntropyPiece detail = entropyPiece(ground, 10, 14, 2, 5, {});
    QVERIFY(whole.single() && detail.single());
    const charts::Figure figure = entropyMapFigure(ground, *of, whole, &detail, EntropyMeasure::Entropy, nullptr);
    QVERIFY(figure.link_x);
    // The same cells stand over each other: the bar of a column is that of its cell.
    const charts::Mark& bars = figure.panels[0].marks[0];
    QCOMPARE(bars.image_columns, static_cast<int>(kCells));
    for (std::size_t c = 0; c < kCells; ++c) {
      int first = 0;
      for (std::size_t r = 0; r < 100; ++r) first += bars.values[r * kCells + c] == 0 ? 1 : 0;
      QVERIFY(std::fabs(first - 100 * of->at(static_cast<std::size_t>(ground.cells[c]), 0)) <= 1);
    }
    const charts::Panel& panel = figure.panels[1];
    const charts::PanelPlace place{{}, {0, 0, 600, 600}, charts::naturalRange(panel)};
    for (std::size_t c = 0; c < kCells; ++c)
      for (std::size_t rank = 0; rank < kGenes; ++rank) {
        const QPointF at(static_cast<double>(c) + 0.5, static_cast<double>(kGenes - 1 - rank));
        const auto [mark, index] = charts::nearestElement(panel, place, at);
        const bool closer = c >= 10 && c < 14 && rank >= 2 && rank < 5;
        QCOMPARE(mark, closer ? 1 : 0);
        const EntropyPixel pixel = pixelOf(closer ? detail : whole, static_cast<std::size_t>(index));
        QCOMPARE(pixel.first_cell, static_cast<std::int64_t>(c));
        QCOMPARE(pixel.last_cell, static_cast<std::int64_t>(c + 1));
        QCOMPARE(pixel.gene, static_cast<std::int64_t>(rank));
        const std::int64_t gene = ground.evidence.order[rank], cell = ground.cells[c];
        QCOMPARE(panel.y.categories[static_cast<qsizetype>(kGenes - 1 - rank)], QString("gene%1").arg(gene));
        const auto share = analysis::responsibilities(ground.evidence, cell, gene, s.data.counts.at(cell, gene));
        const double entropy = analysis::entropy(share, kComponents).front() / std::log(3.0);
        QVERIFY(std::fabs(panel.marks[static_cast<std::size_t>(mark)].values[static_cast<std::size_t>(index)] -
                          entropy) < 1e-9);
        const QString words =
            entropyWords(ground, *of, closer ? detail : whole, static_cast<std::size_t>(index)).join('\n');
        QVERIFY2(words.contains(QString("cell%1, component ").arg(cell)) &&
                     words.contains(QString("gene gene%1,").arg(gene)) &&
                     words.contains(QString("count %1").arg(s.data.counts.at(cell, gene))) &&
                     words.contains("| this gene) = "),
                 qPrintable(words));
      }
    QVERIFY(entropyCaption(ground, whole, nullptr).contains("9 of 9 genes"));
  }

  void compositionIsDrawnAndCounted() {
    const auto of = three();
    const analysis::Labels labels{{0, 0, 1, 1}, {"x", "y"}};
    const auto found = analysis::composition(of->probability, 3, labels);
    const charts::Figure figure = compositionBars(*of, found, {"x", "y"}, "type");
    QCOMPARE(figure.panels[0].y.categories, QStringList({"x", "y"}));
    const auto table = compositionTable(*of, found, {"x", "y"});
    QCOMPARE(table->columns[1].name, QString("x"));
    QCOMPARE(table->columns[1].numbers, (std::vector<double>{1, 1, 0}));
    QCOMPARE(table->columns[3].numbers, (std::vector<double>{0, 0, 1}));
  }

  void meansAreWeightedAndRanked() {
    data::CountMatrix counts;  // a: gene 0 has 4, gene 1 has 1; b: gene 0 none, gene 1 has 1
    counts.n_cells = 2;
    counts.n_genes = 2;
    counts.row_start = {0, 2, 3};
    counts.gene = {0, 1, 1};
    counts.count = {4, 1, 1};
    Assignments made;
    made.components = 2;
    made.cells = {"b", "a", "elsewhere"};
    made.probability = {0, 1, 1, 0, 0.5, 0.5};
    const auto of = complete(std::move(made));
    const ComponentMeans means = componentMeans(counts, {"g0", "g1"}, *of, {1, 0, -1}, {});
    QCOMPARE(means.mean, (std::vector<double>{4, 0, 1, 1}));
    QCOMPARE(means.order, (std::vector<std::int64_t>{0, 1}));
    QVERIFY(std::fabs(means.separation[0] - std::log(4 / 0.01)) < 1e-12);
    const charts::Figure figure = meansFigure(means, *of, 5);
    QCOMPARE(figure.panels[0].y.categories, QStringList({"g1", "g0"}));  // the first at the top
  }

  void columnsBecomeGroupsOrNumbers() {
    std::vector<std::int64_t> many(100), few(100);
    for (int i = 0; i < 100; ++i) {
      many[static_cast<std::size_t>(i)] = i;
      few[static_cast<std::size_t>(i)] = i % 3;
    }
    QVERIFY(colorsOfColumn({"many", many, {}}).palette.empty());
    QCOMPARE(colorsOfColumn({"few", few, {}}).groups, QStringList({"0", "1", "2"}));
    QVERIFY(colorsOfColumn({"n", std::vector<double>{1, 2}, {}}).palette.empty());
    std::vector<std::string> texts;
    for (int i = 0; i < 100; ++i) texts.push_back("barcode " + std::to_string(i));
    QVERIFY_THROWS_EXCEPTION(Error, colorsOfColumn({"barcode", texts, {}}));
  }

  void pointsHaveTheirColours() {
    MapPlaces places{"UMAP", "UMAP", {0, 1, kNone, 0.5}, {0, 1, 0, 0.5}, 1};
    auto figure = cellMap(places, colorsOfGroups("g", {0, 1, 0, -1}, {"left", "right"}), nullptr);
    QImage image = drawn(figure, {300, 200});
    for (const int group : {0, 1}) QVERIFY(pixelsOf(image, charts::groupColor(group)) > 5);
    QCOMPARE(figure.panels[0].note, QString("1 cells have no place"));
    // Selected cells stay, the others fade.
    figure = cellMap(places, colorsOfGroups("g", {0, 1, 0, -1}, {"left", "right"}),
                     std::make_shared<const std::vector<std::uint8_t>>(std::vector<std::uint8_t>{0, 1, 0, 0}));
    figure.panels[0].marks[0].in_legend = false;
    image = drawn(figure, {300, 200});
    QCOMPARE(pixelsOf(image, charts::groupColor(0)), 0);
    const QString numbers = figure.toTable();
    QVERIFY(numbers.startsWith("panel\tmark\tkind\tx\tx_end\ty\tlow\tlabel\tvalue\n"));
    QVERIFY(numbers.contains("\tright\n"));
  }

  void sharesAreColouredFromNoneToAll() {
    MapPlaces places;
    places.x = places.y = {0, 1, 2};
    MapColors colors = colorsOfNumbers("entropy", {1e-9, 2e-9, 4e-9});
    QVERIFY(cellMap(places, colors, nullptr).panels[0].bar->high < 1e-8);
    colors.shares = true;
    QCOMPARE(cellMap(places, colors, nullptr).panels[0].bar->high, 1.0);
  }

  void manyPointsAreFast() {
    for (const bool groups : {true, false}) {
      const charts::Figure figure = mapOf(200'000, groups);
      const std::clock_t before = std::clock();  // processor time: other programs do not count
      const QImage image = drawn(figure, {600, 500});
      qInfo("200,000 cells drawn in %lld ms", static_cast<long long>(1000 * (std::clock() - before) / CLOCKS_PER_SEC));
      QVERIFY(pixelsOf(image, 0xffffffff) < 600 * 500 * 9 / 10);
    }
  }

  void imagesAreSharpAndRead() {
    charts::Mark mark;
    mark.kind = charts::MarkKind::Image;
    mark.name = "entropy";
    mark.x = {0, 2};
    mark.y = {0, 2};
    mark.image_columns = 2;
    mark.values = {0, 1, 1, kNone};
    charts::Panel panel;
    panel.x.low = panel.y.low = 0;
    panel.x.high = panel.y.high = 2;
    panel.bar = charts::ColorBar{"entropy", 0, 1};
    panel.marks = {mark};
    const charts::Figure figure{"map", {}, 1, false, {panel}};
    const QImage image = drawn(figure, {300, 200});
    const int dark = pixelsOf(image, charts::viridis(0)), light = pixelsOf(image, charts::viridis(1));
    QVERIFY(dark > 2000 && std::abs(light - 2 * dark) < 0.2 * light);
    QCOMPARE(figure.toTable().split('\n').size(), 6);
  }
};

QTEST_MAIN(TestComponents)
#include "tst_components.moc"
