#include <QPainter>
#include <QTest>
#include <cmath>

#include "tests/core/perturbation/small_screening.hpp"
#include "ui/charts/chart_scene.hpp"
#include "ui/charts/colors.hpp"
#include "ui/project/screening_state.hpp"
#include "ui/workspaces/perturbation/perturbation_figures.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;
using namespace scriptorium::ui;

namespace {

QImage drawn(const charts::Figure& figure, QSize size, QStringList* cut = nullptr) {
  QImage image(size, QImage::Format_ARGB32_Premultiplied);
  image.fill(Qt::white);
  charts::ChartScene scene(figure, size, charts::Theme::light());
  QPainter painter(&image);
  scene.draw(painter);
  if (cut) *cut = scene.truncatedLabels();
  return image;
}

int pixelsOf(const QImage& image, QRgb color) {
  int count = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) count += image.pixel(x, y) == color ? 1 : 0;
  return count;
}

const charts::Mark* markNamed(const charts::Panel& panel, const QString& name, charts::MarkKind kind) {
  for (const charts::Mark& mark : panel.marks)
    if (mark.name == name && mark.kind == kind) return &mark;
  return nullptr;
}

}  // namespace

class TestPerturbation : public QObject {
  Q_OBJECT
 private slots:
  void scoresAgainstControls() {
    const Screening of = small_screening::make();
    const auto facets = score_densities(of, 0, Facets::Together);
    std::vector<std::uint8_t> selected(small_screening::kCells, 0);
    selected[62] = 1;
    const charts::Figure figure = scoreFigure(of, 0, facets, &selected);
    QCOMPARE(figure.panels.size(), std::size_t{1});
    const charts::Panel& panel = figure.panels[0];
    QCOMPARE(panel.x.title, QString("Perturbation score"));
    QCOMPARE(panel.y.title, QString("Cell density"));
    for (const auto& [name, color] : {std::pair{QString("NT"), 0xff7d7d7dU}, std::pair{QString("A NP"), 0xffc9c9c9U},
                                      std::pair{QString("A KO"), 0xffe69f00U}}) {
      const auto* band = markNamed(panel, name, charts::MarkKind::Band);
      const auto* points = markNamed(panel, name, charts::MarkKind::Points);
      QVERIFY2(band && points, qPrintable(name));
      QCOMPARE(*band->color, color);
      QCOMPARE(*points->color, color);
      QCOMPARE(points->emphasis->size(), points->x.size());
    }
    // Numbers of the export are those of the curves.
    const auto* band = markNamed(panel, "A KO", charts::MarkKind::Band);
    QCOMPARE(band->y, facets[0].curves[2].density.y);
    QVERIFY(figure.toTable().contains("A KO\tband"));
    const charts::Figure guides = scoreFigure(of, 0, score_densities(of, 0, Facets::Guides), nullptr);
    QCOMPARE(guides.panels.size(), std::size_t{2});
    QCOMPARE(guides.panels[1].title, QString("Ag2"));
  }

  void heatMapIsDrawnInItsColours() {
    const Screening of = small_screening::make();
    const MarkerHeatMap map = marker_heat_map(of, 0);
    const charts::Figure figure = heatMapFigure(of, 0, map);
    const charts::Panel& panel = figure.panels[0];
    QCOMPARE(panel.y.categories.size(), 6);
    QCOMPARE(panel.y.categories[4], QString("g1"));  // the first gene at the top, under the strip
    const charts::Mark& image = panel.marks[0];
    const std::size_t n = map.cells.size();
    QCOMPARE(image.values.size(), map.z.size());
    for (std::size_t i = 0; i < n; ++i) QCOMPARE(image.values[4 * n + i], map.z[i]);
    const QImage picture = drawn(figure, {640, 360});
    QVERIFY(pixelsOf(picture, 0xffe69f00) > 100);  // the strip of what is called
    QVERIFY(pixelsOf(picture, 0xff7d7d7d) > 100);
    QVERIFY(heatMapFigure(of, 1, marker_heat_map(of, 1)).empty());
  }

  void namesOfManyCategoriesAllShow() {
    charts::Figure figure{"names", {}, 1, false, {}};
    charts::Panel panel;
    for (int i = 0; i < 41; ++i) panel.y.categories << QString("GENE%1").arg(i);
    panel.y.low = -0.5;
    panel.y.high = 40.5;
    charts::Mark mark;
    mark.kind = charts::MarkKind::Points;
    mark.x = {0, 1};
    mark.y = {0, 40};
    panel.marks.push_back(mark);
    figure.panels.push_back(panel);
    QStringList cut;
    const QImage tall = drawn(figure, {400, 480}, &cut);
    QVERIFY2(cut.isEmpty(), qPrintable(cut.join(',')));
    // Ink left of the axis at every name.
    const charts::ChartScene scene(figure, {400, 480}, charts::Theme::light());
    const QRectF plot = scene.places()[0].plot;
    for (int i = 0; i < 41; ++i) {
      const double y = scene.places()[0].drawn({0, static_cast<double>(i)}).y();
      int ink = 0;
      for (int dy = -3; dy <= 3; ++dy)
        for (int x = 0; x < static_cast<int>(plot.left()) - 4; ++x)
          ink += qGray(tall.pixel(x, std::clamp(static_cast<int>(y) + dy, 0, 479))) < 150 ? 1 : 0;
      QVERIFY2(ink > 5, qPrintable(QString::number(i)));
    }
  }

  void twoSidedColoursAreLightInTheMiddle() {
    QVERIFY(qGray(charts::vik(0.5)) > 220);
    QVERIFY(qBlue(charts::vik(0)) > qRed(charts::vik(0)));
    QVERIFY(qRed(charts::vik(1)) > qBlue(charts::vik(1)));
    QCOMPARE(charts::vik(std::nan("")), charts::kNoValue);
    QCOMPARE(charts::rampColor(charts::Ramp::Viridis, 0.3), charts::viridis(0.3));
  }

  void guidesKnockDownAndTheRest() {
    const Screening of = small_screening::make();
    const charts::Figure guides = guideFigure(of, {of.targets[0]});
    QCOMPARE(guides.panels.size(), std::size_t{1});
    QCOMPARE(guides.panels[0].y.categories.size(), 2);
    QCOMPARE(guides.panels[0].marks.size(), std::size_t{2});
    const charts::Mark &ko = guides.panels[0].marks[0], &np = guides.panels[0].marks[1];
    QCOMPARE((QStringList{ko.name, np.name}), QStringList({"KO", "NP"}));
    // The best guide is at the top; its numbers are shares to the last bit.
    const GuideShare best = guides_by_share(of.targets[0])[0];
    const double share = static_cast<double>(best.perturbed) / static_cast<double>(best.cells);
    QVERIFY(share > 0 && share < 1);
    QCOMPARE(ko.y.back(), 1.0);
    QVERIFY(ko.x.back() == 0 && ko.x_end.back() == share && np.x.back() == share && np.x_end.back() == 1);
    const QString guide = QString::fromStdString(of.screen.guide.names[static_cast<std::size_t>(best.guide)]);
    const QStringList lines = guides.toTable().split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 1 + 2 * 2);
    const QStringList heads = lines[0].split('\t'), cells = lines[2].split('\t');
    QCOMPARE(cells[heads.indexOf("mark")], QString("KO"));
    QCOMPARE(cells[heads.indexOf("label")], guide);
    QCOMPARE(cells[heads.indexOf("value")].toDouble(), share);
    QCOMPARE(cells[heads.indexOf("x_end")].toDouble(), share);
    const QImage image = drawn(guides, {400, 300});
    QVERIFY(pixelsOf(image, 0xffe69f00) > 5000 && pixelsOf(image, 0xffc9c9c9) > 1000);
    QVERIFY(guideFigure(of, {of.targets[1]}).empty());

    const charts::Figure down = knockDownFigure(of, 0, knock_down(of, 0));
    QCOMPARE(down.panels.size(), std::size_t{2});
    QCOMPARE(down.panels[0].title, QString("r1"));
    QVERIFY(knockDownFigure(of, 1, knock_down(of, 1)).empty());
    QCOMPARE(posteriorFigure(of, 0, posterior_curves(of, 0)).panels[0].y.categories.size(), 2);
    QCOMPARE(ridgeFigure(of, score_ridges(of)).panels[0].y.categories, QStringList({"A", "NT"}));
    std::vector<double> x(of.discriminant->cells.size(), 0);
    const charts::Figure axes = discriminantFigure(of, x, x, "axis", nullptr);
    QCOMPARE(axes.panels[0].marks[0].groups, QStringList({"A KO", "NT"}));
    QCOMPARE(axes.panels[0].marks[0].palette[1], 0xff7d7d7dU);
  }

  void labelsAreNotCut() {
    const Screening of = small_screening::make();
    std::vector<double> x(of.discriminant->cells.size(), 0);
    for (const charts::Figure& figure :
         {scoreFigure(of, 0, score_densities(of, 0, Facets::Splits), nullptr),
          heatMapFigure(of, 0, marker_heat_map(of, 0)), guideFigure(of, {of.targets[0]}),
          knockDownFigure(of, 0, knock_down(of, 0)), posteriorFigure(of, 0, posterior_curves(of, 0)),
          ridgeFigure(of, score_ridges(of)), discriminantFigure(of, x, x, "axis", nullptr)})
      for (const QSize size : {QSize(560, 360), QSize(320, 230)}) {
        QStringList cut;
        drawn(figure, size, &cut);
        QVERIFY2(cut.isEmpty(), qPrintable(figure.name + ": " + cut.join(',')));
      }
  }

  void tablesHaveVerdictsFirst() {
    const Screening of = small_screening::make();
    const auto targets = targetTable(of);
    QCOMPARE(targets->columns[0].texts, (std::vector<QString>{"A", "B"}));
    QCOMPARE(targets->columns[1].texts, (std::vector<QString>{"effect", "too few marker genes"}));
    QCOMPARE(targets->columns.back().name, QString("reason"));
    for (const TableColumn& column : targets->columns) QVERIFY2(!column.help.isEmpty(), qPrintable(column.name));
    std::vector<std::int64_t> genes;
    const auto markers = markerTable(of, 0, genes, {});
    QCOMPARE(markers->rows(), static_cast<std::size_t>(small_screening::kGenes));
    QCOMPARE(genes.size(), markers->rows());
    for (std::size_t i = 0; i < genes.size(); ++i)
      QCOMPARE(markers->columns[0].texts[i],
               QString::fromStdString(of.screen.genes[static_cast<std::size_t>(genes[i])]));
    QVERIFY(resultInWords(of).contains("1 of 2"));
  }

  void whatWasFoundInWords() {
    Screening of = small_screening::make();
    of.screen.target.code[3] = of.screen.target.code[4] = -1;
    const QString words = screenInWords(of.screen);
    QVERIFY2(
        words.contains("2 targets, 58 control cells, 5 guides, 2 groups") && words.contains("2 cells have no target"),
        qPrintable(words));
  }
};

QTEST_MAIN(TestPerturbation)
#include "tst_perturbation.moc"
