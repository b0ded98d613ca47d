#include <QApplication>
#include <QBuffer>
#include <QClipboard>
#include <QFile>
#include <QPainter>
#include <QPicture>
#include <QRegularExpression>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QThread>
#include <cmath>

#include "core/error.hpp"
#include "ui/charts/chart_scene.hpp"
#include "ui/charts/colors.hpp"
#include "ui/charts/figure_file.hpp"
#include "ui/charts/figure_job.hpp"
#include "ui/charts/figure_view.hpp"
#include "ui/charts/thin.hpp"

using namespace scriptorium;
using namespace scriptorium::charts;

namespace {

Figure example() {
  Figure figure{"example", "Counts against prediction", 2, false, {}};
  for (int p = 0; p < 4; ++p) {
    Panel panel;
    panel.title = QString("GENE%1").arg(p);
    panel.note = "MAP";
    panel.x = {"count", Scale::Log1p, {}, {}};
    panel.y = {"share of cells", Scale::Linear, 0.0, {}};
    Mark band{MarkKind::StepBand, "95 %", Tone::Blue, {}, {}, {}, 0.3, 1, true, {}};
    Mark steps{MarkKind::Steps, "data", Tone::Ink, {}, {}, {}, 1, 1.5, true, {}};
    for (int i = 0; i <= 20; ++i) {
      band.x.push_back(i);
      steps.x.push_back(i);
      if (i == 20) break;
      band.y.push_back(std::exp(-i / 5.0) + 0.02);
      band.low.push_back(std::exp(-i / 5.0) - 0.02);
      steps.y.push_back(std::exp(-i / 5.0));
    }
    panel.marks = {band, steps};
    figure.panels.push_back(panel);
  }
  return figure;
}

QByteArray contents(const QString& path) {
  QFile file(path);
  return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

}  // namespace

class TestFigure : public QObject {
  Q_OBJECT
 private slots:
  void pngHasTheSizeAskedFor_data() {
    QTest::addColumn<double>("width");
    QTest::addColumn<double>("height");
    QTest::addColumn<int>("dpi");
    QTest::newRow("one column") << 85.0 << 60.0 << 300;
    QTest::newRow("two columns") << 174.0 << 120.0 << 600;
    QTest::newRow("coarse") << 100.0 << 50.0 << 72;
  }
  void pngHasTheSizeAskedFor() {
    QFETCH(double, width);
    QFETCH(double, height);
    QFETCH(int, dpi);
    QTemporaryDir folder;
    const QString path = folder.filePath("a.png");
    saveFigure(example(), path, {width, height}, dpi);
    const QImage image(path);
    QCOMPARE(image.width(), static_cast<int>(std::lround(width / 25.4 * dpi)));
    QCOMPARE(image.height(), static_cast<int>(std::lround(height / 25.4 * dpi)));
    QVERIFY(std::abs(image.dotsPerMeterX() - dpi / 0.0254) < 1);
    QCOMPARE(image.pixelColor(0, 0), QColor(Qt::white));  // light for paper
  }

  void textStaysTextInSvg() {
    QTemporaryDir folder;
    const QString path = folder.filePath("a.svg");
    saveFigure(example(), path, {85, 60}, 300);
    const QByteArray svg = contents(path);
    QVERIFY(svg.contains("width=\"85mm\" height=\"60mm\""));
    for (const char* word : {"GENE0", "GENE3", "share of cells", "count", "data"}) QVERIFY2(svg.contains(word), word);
    QVERIFY(svg.count("<text") > 20);
  }

  void pdfHasTheSizeAskedFor() {
    QTemporaryDir folder;
    const QString path = folder.filePath("a.pdf");
    saveFigure(example(), path, {174, 120}, 300);
    const QByteArray pdf = contents(path);
    QVERIFY(pdf.startsWith("%PDF"));
    const QRegularExpressionMatch box =
        QRegularExpression("MediaBox \\[0 0 ([0-9.]+) ([0-9.]+)\\]").match(QString::fromLatin1(pdf));
    QVERIFY(box.hasMatch());
    QVERIFY(std::abs(box.captured(1).toDouble() - 174 / 25.4 * 72) < 0.6);
    QVERIFY(std::abs(box.captured(2).toDouble() - 120 / 25.4 * 72) < 0.6);
    QVERIFY(pdf.contains("/Font"));
  }

  void nothingIsShortenedAtJournalSizes_data() {
    QTest::addColumn<double>("width");
    for (const WidthPreset& preset : widthPresets()) QTest::newRow(qPrintable(preset.name)) << preset.mm;
  }
  void nothingIsShortenedAtJournalSizes() {
    QFETCH(double, width);
    ChartScene scene(example(), QSizeF(width, width * 0.7) * 96 / 25.4, Theme::paper());
    QPicture picture;
    QPainter painter(&picture);
    QVERIFY(scene.draw(painter));
    QVERIFY2(scene.truncatedLabels().isEmpty(), qPrintable(scene.truncatedLabels().join(", ")));
  }

  void whatIsDrawnIsAlsoWrittenAsNumbers() {
    Figure figure = example();
    figure.panels.resize(1);
    figure.panels[0].marks[1].y[3] = 1.0 / 3;
    const QStringList lines = figure.toTable().split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 1 + 20 + 20);
    QCOMPARE(lines[0], QString("panel\tmark\tkind\tx\tx_end\ty\tlow\tlabel"));
    const QStringList cells = lines[1 + 20 + 3].split('\t');
    QCOMPARE(cells[1], QString("data"));
    QCOMPARE(cells[5].toDouble(), 1.0 / 3);  // to the last bit
    QVERIFY(figure.toTable(',').startsWith("panel,mark,kind"));
  }

  void refusalsNameTheThing() {
    QTemporaryDir folder;
    QVERIFY_EXCEPTION_THROWN(saveFigure(example(), folder.filePath("a.gif"), {85, 60}, 300), Error);
    QVERIFY_EXCEPTION_THROWN(saveFigure(Figure{}, folder.filePath("a.png"), {85, 60}, 300), Error);
    QVERIFY_EXCEPTION_THROWN(saveFigure(example(), folder.filePath("a.png"), {5, 60}, 300), Error);
    QVERIFY_EXCEPTION_THROWN(saveFigure(example(), "/no/such/folder/a.png", {85, 60}, 72), Error);
    QVERIFY(!QFile::exists(folder.filePath("a.gif")));
  }

  void axesGoThereAndBack() {
    for (const Scale scale : {Scale::Linear, Scale::Log, Scale::Log1p})
      for (const double v : {0.5, 1.0, 12.0, 4e5}) QVERIFY(std::abs(fromAxis(scale, toAxis(scale, v)) / v - 1) < 1e-12);
    QVERIFY(std::isnan(toAxis(Scale::Log, 0)));
    QCOMPARE(toAxis(Scale::Log1p, 0), 0.0);  // zeros have a place
  }

  void ticksAreRoundAndFew() {
    const auto labels = [](Scale scale, double low, double high, int most) {
      QStringList all;
      for (const Tick& tick : ticks(scale, low, high, most)) all << tick.label;
      return all.join(' ');
    };
    QCOMPARE(labels(Scale::Linear, 0, 1, 6), QString("0.0 0.2 0.4 0.6 0.8 1.0"));
    QCOMPARE(labels(Scale::Linear, 519'000, 536'000, 5), QString("520,000 525,000 530,000 535,000"));
    QCOMPARE(labels(Scale::Log, -2, 3, 6), QString("0.01 0.1 1 10 100 1,000"));
    QCOMPARE(labels(Scale::Log1p, 0, toAxis(Scale::Log1p, 1000), 6), QString("0 1 10 100 1,000"));
    QCOMPARE(labels(Scale::Log, 6, 8, 4), QString("10⁶ 10⁷ 10⁸"));
  }

  void logAxesGiveZerosABinOfTheirOwn() {
    Figure figure{"counts", {}, 1, false, {}};
    Panel panel;
    panel.title = "GENE";
    panel.x = {"count", Scale::Linear, -0.5, 3.5};
    panel.y = {"share", Scale::Linear, 0.0, 1.0};
    panel.marks = {
        {MarkKind::Steps, "data", Tone::Ink, {-0.5, 0.5, 1.5, 2.5, 3.5}, {0.6, 0.2, 0.1, 0.1}, {}, 1, 1, true, {}}};
    figure.panels = {panel};
    const Figure logged = rescaled(figure, Scale::Log, std::nullopt);
    const Panel& on = logged.panels[0];
    QVERIFY(on.x.zero_below && on.x.low);
    QCOMPARE(*on.x.zero_below, 0.5);
    QCOMPARE(on.marks[0].x[0], *on.x.low);
    QCOMPARE(on.marks[0].x[1], 0.5);
    const QRectF range = naturalRange(on);
    const std::vector<Tick> at = axisTicks(on.x, range.left(), range.right(), 8);
    QCOMPARE(at.front().label, QString("0"));
    QVERIFY(at.front().position < toAxis(Scale::Log, 0.5) && at[1].position >= toAxis(Scale::Log, 0.5));
    QPointF pointer(at.front().position, 0.5);
    const PanelPlace place{{0, 0, 300, 200}, {40, 10, 250, 150}, range};
    QVERIFY(readout(on, place, pointer).join(' ').contains("count: 0"));
    QVERIFY(logged.toTable().contains("data\tsteps\t0\t0.5\t"));  // numbers are those of the data
    QVERIFY(!rescaled(figure, Scale::Log1p, std::nullopt).panels[0].x.zero_below);
    QCOMPARE(rescaled(figure, std::nullopt, Scale::Log).panels[0].y.scale, Scale::Log);
  }

  void theMenuOfAFigureChangesItsAxes() {
    FigureView view;
    view.resize(500, 360);
    view.show();
    view.setFigure(example());
    QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
    view.setScales(Scale::Linear, Scale::Log);
    QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
    QCOMPARE(view.figure().panels[0].x.scale, Scale::Linear);
    QCOMPARE(view.figure().panels[0].y.scale, Scale::Log);
    view.setFigure(example());  // the choice holds for the next figure
    QCOMPARE(view.figure().panels[0].y.scale, Scale::Log);
    view.setScales({}, {});
    QCOMPARE(view.figure().panels[0].x.scale, Scale::Log1p);
  }

  void copiesWithoutHoldingTheWindow() {
    FigureView view;
    view.resize(300, 200);
    view.show();
    view.setFigure(example());
    QApplication::clipboard()->clear();
    view.copyNumbers();
    QTRY_COMPARE_WITH_TIMEOUT(QApplication::clipboard()->text(), example().toTable(), 60'000);
    QApplication::clipboard()->clear();
    view.copyFigure();
    QTRY_VERIFY_WITH_TIMEOUT(!QApplication::clipboard()->image().isNull(), 60'000);
    QVERIFY(QApplication::clipboard()->image().width() >= 599);  // two pixels a point
  }

  void aJobDrawsOnAWorkerAndTellsWhatWentWrong() {
    QThread* worker = nullptr;
    QString numbers;
    auto* good = new FigureJob(
        example(), {85, 60},
        [&](const DrawnFigure& drawn) {
          worker = QThread::currentThread();
          numbers = QString::number(imageOf(drawn, 300).width());
        },
        nullptr);
    QSignalSpy done(good, &FigureJob::done);
    QVERIFY(done.wait());
    QVERIFY(worker && worker != QThread::currentThread());
    QCOMPARE(numbers, QString("1004"));  // 85 mm at 300 dots an inch
    auto* bad = new FigureJob(
        example(), {85, 60}, [](const DrawnFigure& drawn) { writeFigure(drawn, "/no/such/folder/a.png", 72); },
        nullptr);
    QSignalSpy failed(bad, &FigureJob::failed);
    QVERIFY(failed.wait());
    QVERIFY(failed[0][0].toString().contains("/no/such/folder"));
    auto* empty = new FigureJob(
        {}, {85, 60}, [](const DrawnFigure&) {}, nullptr);
    QSignalSpy nothing(empty, &FigureJob::failed);
    QVERIFY(nothing.wait());
  }

  void thinKeepsTheExtremes() {
    QList<QPointF> points;
    for (int i = 0; i < 100'000; ++i) points.append({double(i), std::sin(i * 0.01)});
    points[54'321].setY(77);
    points[12'345].setY(-88);
    const QList<QPointF> thinned = thin(points, 500);
    QVERIFY(thinned.size() <= 1000);
    QVERIFY(std::is_sorted(thinned.begin(), thinned.end(), [](auto a, auto b) { return a.x() < b.x(); }));
    QVERIFY(std::any_of(thinned.begin(), thinned.end(), [](auto p) { return p.y() == 77; }));
    QVERIFY(std::any_of(thinned.begin(), thinned.end(), [](auto p) { return p.y() == -88; }));
    QCOMPARE(thin(points.mid(0, 800), 500).size(), 800);
  }

  void readoutNamesTheBinUnderThePointer() {
    const Figure figure = example();
    PanelPlace place{{0, 0, 300, 200}, {40, 10, 250, 150}, naturalRange(figure.panels[0])};
    QPointF at(toAxis(Scale::Log1p, 3.5), 0.2);
    const QString text = readout(figure.panels[0], place, at).join('\n');
    QVERIFY2(text.contains("count: 3 to 4"), qPrintable(text));
    QVERIFY2(text.contains("data: " + shortNumber(std::exp(-3 / 5.0))), qPrintable(text));
  }

  void zoomsByKeysAndFitsByDoubleClick() {
    FigureView view;
    view.resize(500, 360);
    view.show();
    view.setFigure(example());
    QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
    view.clearFocus();
    const QImage before = view.grab().toImage();
    QTest::keyClick(&view, Qt::Key_Plus);
    QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
    QVERIFY(view.grab().toImage() != before);
    QTest::mouseDClick(&view, Qt::LeftButton, {}, {5, 5});
    QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
    view.clearFocus();
    QTRY_COMPARE_WITH_TIMEOUT(view.grab().toImage(), before, 60'000);
    QVERIFY(view.accessibleDescription().contains("share of cells"));
  }

  void aFigureThatComesDuringTheDrawingIsDrawnWhole() {
    FigureView view;
    view.resize(500, 360);
    view.show();
    view.clearFocus();
    view.setFigure(example());
    QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
    const QImage whole = view.grab().toImage();
    for (int turns = 0; turns < 6; ++turns) {
      view.setFigure(example());
      for (int i = 0; i < turns; ++i) QCoreApplication::processEvents();
      view.setFigure(example());
      QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
      QCOMPARE(view.grab().toImage(), whole);
    }
  }

  void dragWithABrushGivesARange() {
    FigureView view;
    view.resize(400, 300);
    view.setDrag(FigureView::Drag::Brush);
    view.show();
    Figure figure = example();
    figure.panels.resize(1);
    view.setFigure(figure);
    QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
    QSignalSpy brushed(&view, &FigureView::brushed);
    QTest::mousePress(&view, Qt::LeftButton, {}, {150, 150});
    QTest::mouseMove(&view, {250, 150});
    QTest::mouseRelease(&view, Qt::LeftButton, {}, {250, 150});
    QCOMPARE(brushed.count(), 1);
    const double low = brushed[0][1].toDouble(), high = brushed[0][2].toDouble();
    QVERIFY(low > 0 && low < high && high < 20);
  }

  void manyPointsBecomeOneImageAndStaySmall() {
    Figure figure{"cloud", {}, 1, false, {}};
    Panel panel;
    panel.x.title = "x";
    panel.y.title = "y";
    Mark cloud{MarkKind::Points, "gene", Tone::Blue, {}, {}, {}, 0.5, 1.5, true, {}};
    for (int i = 0; i < 50'000; ++i) {
      cloud.x.push_back(std::fmod(i * 0.618, 10));
      cloud.y.push_back(std::fmod(i * 0.414, 7));
    }
    panel.marks = {cloud};
    figure.panels = {panel};
    QTemporaryDir folder;
    saveFigure(figure, folder.filePath("a.svg"), {85, 60}, 300);
    const QByteArray svg = contents(folder.filePath("a.svg"));
    QVERIFY(svg.contains("<image"));
    QVERIFY(svg.contains("<text"));
    QVERIFY(svg.size() < 3'000'000);
  }

  void panelsUnderEachOtherShareTheirAxis() {
    Figure figure{"two", {}, 1, false, {}};
    figure.link_x = true;
    for (const double height : {1.0, 3.0}) {
      Panel panel;
      panel.height = height;
      Mark line;
      line.x = {0, 10};
      line.y = {0, height};
      panel.marks.push_back(line);
      panel.y.low = 0;
      panel.y.high = height;
      if (height > 1) panel.bar = ColorBar{"bar", -2, 2, Ramp::TwoSided};
      panel.x.show_labels = height > 1;
      figure.panels.push_back(panel);
    }
    const ChartScene scene(figure, {500, 400}, Theme::light());
    const auto& places = scene.places();
    QCOMPARE(places[0].plot.left(), places[1].plot.left());
    QCOMPARE(places[0].plot.right(), places[1].plot.right());
    QVERIFY(std::fabs(3 * places[0].outer.height() - places[1].outer.height()) < 1e-6);
    QCOMPARE(places[0].outer.bottom(), places[1].outer.top());

    FigureView view;
    view.resize(500, 400);
    view.setFigure(figure);
    QTRY_VERIFY_WITH_TIMEOUT(!view.isBuilding(), 60'000);
    int zooms = 0;
    connect(&view, &FigureView::zoomed, &view, [&] { ++zooms; });
    const QPoint from = view.placeOf(1, {2, 1}).toPoint(), to = view.placeOf(1, {6, 2}).toPoint();
    QTest::mousePress(&view, Qt::LeftButton, {}, from);
    QTest::mouseRelease(&view, Qt::LeftButton, {}, to);
    QCOMPARE(zooms, 1);
    QVERIFY(std::fabs(view.shownRange(0).left() - 2) < 0.05 && std::fabs(view.shownRange(0).right() - 6) < 0.05);
    QCOMPARE(view.shownRange(0).left(), view.shownRange(1).left());
    QCOMPARE(view.shownRange(0).height(), 1.0);  // only across
    QVERIFY(view.shownRange(1).height() < 1.1);
    view.fit();
    QCOMPARE(zooms, 2);
    QCOMPARE(view.shownRange(1), naturalRange(figure.panels[1]));
  }

  void theLaterImageIsOnTop() {
    Mark whole;
    whole.kind = MarkKind::Image;
    whole.x = whole.y = {0, 4};
    whole.image_columns = 2;
    whole.values = {-1, -1, -1, -1};
    Mark detail = whole;
    detail.x = {1, 2};
    detail.values = {1, 1};
    detail.image_columns = 1;
    Mark border;
    border.kind = MarkKind::GuideX;
    border.x = {3};
    border.width = 3;
    border.color = 0xff00ff00;
    Panel panel;
    panel.x.low = panel.y.low = 0;
    panel.x.high = panel.y.high = 4;
    panel.bar = ColorBar{"evidence", -1, 1, Ramp::TwoSided};
    panel.marks = {whole, detail, border};
    const Figure figure{"map", {}, 1, false, {panel}};
    ChartScene scene(figure, {400, 300}, Theme::light());
    const PanelPlace place = scene.places()[0];
    QCOMPARE(nearestElement(panel, place, {1.5, 1}), (std::pair{1, 0}));
    QCOMPARE(nearestElement(panel, place, {0.5, 3}), (std::pair{0, 2}));
    QImage image(400, 300, QImage::Format_ARGB32_Premultiplied);
    image.fill(Qt::white);
    QPainter painter(&image);
    scene.draw(painter);
    painter.end();
    const auto colorAt = [&](double x, double y) { return image.pixel(place.drawn({x, y}).toPoint()); };
    QCOMPARE(colorAt(0.5, 1), vik(0));
    QCOMPARE(colorAt(1.5, 1), vik(1));
    QCOMPARE(colorAt(3, 2), QRgb{0xff00ff00});  // a guide is seen over an image
  }
};

QTEST_MAIN(TestFigure)
#include "tst_figure.moc"
