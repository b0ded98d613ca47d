#include "core/perturbation/plots.hpp"

#include <QTest>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/perturbation/column_guess.hpp"
#include "tests/core/perturbation/small_screening.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

data::Column texts(const std::string& name, std::size_t n, const std::function<std::string(std::size_t)>& value) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(value(i));
  return {name, std::move(values), {}};
}

double naive_density(const std::vector<double>& values, double bandwidth, double x) {
  double sum = 0;
  for (const double v : values)
    sum += std::exp(-0.5 * std::pow((x - v) / bandwidth, 2)) / (bandwidth * std::sqrt(2 * std::numbers::pi));
  return sum / static_cast<double>(values.size());
}

}  // namespace

class TestPlots : public QObject {
  Q_OBJECT
 private slots:
  void bandwidthAsSilvermanWritesIt() {
    // sd 2.738612787525831, quartiles 3 and 7: (7 − 3)/1.34 = 2.985; n^(−0.2) of 9.
    const std::vector<double> values{1, 2, 3, 4, 5, 6, 7, 8, 9};
    QVERIFY(std::fabs(kernel_bandwidth(values) - 0.9 * 2.738612787525831 * std::pow(9.0, -0.2)) < 1e-12);
    // Quartiles closer than the sd.
    const std::vector<double> heavy{0, 1, 1, 1, 1, 2, 2, 2, 100};
    QVERIFY(std::fabs(kernel_bandwidth(heavy) - 0.9 * 1 / 1.34 * std::pow(9.0, -0.2)) < 1e-12);
    // Equal quartiles: the sd alone.
    const std::vector<double> same{1, 1, 1, 1, 1, 1, 1, 5};
    QVERIFY(kernel_bandwidth(same) > 0);
    for (const std::vector<double>& none : {std::vector<double>{}, {3}, {3, 3, 3}}) {
      QCOMPARE(kernel_bandwidth(none), 0.0);
      QVERIFY(density(none, 0, 1).x.empty());
    }
  }

  void densityIsTheSumOfKernels() {
    std::vector<double> values;
    for (std::uint64_t i = 0; i < 200; ++i) values.push_back(math::Random(1, math::Purpose::Test, i).normal());
    const Density made = density(values, -6, 6, 601);
    QCOMPARE(made.x.size(), std::size_t{601});
    QCOMPARE(made.x.front(), -6.0);
    QCOMPARE(made.x.back(), 6.0);
    double area = 0;
    for (std::size_t i = 0; i < made.x.size(); ++i) {
      area += made.y[i] * 12 / 600;
      QVERIFY(std::fabs(made.y[i] - naive_density(values, made.bandwidth, made.x[i])) < 1e-12);
    }
    QVERIFY(std::fabs(area - 1) < 1e-6);
  }

  void scoresByWhatCellsAre() {
    const Screening of = small_screening::make();
    const auto together = score_densities(of, 0, Facets::Together);
    QCOMPARE(together.size(), std::size_t{1});
    QVERIFY(together[0].name.empty());
    QCOMPARE(together[0].curves.size(), std::size_t{3});
    std::size_t cells = 0;
    double top = 0;
    for (const KindCurve& curve : together[0].curves)
      for (const double y : curve.density.y) top = std::max(top, y);
    for (const KindCurve& curve : together[0].curves) {
      cells += curve.cells.size();
      QCOMPARE(curve.density.x, together[0].curves[0].density.x);
      for (std::size_t i = 0; i < curve.cells.size(); ++i) {
        QCOMPARE(curve.value[i], small_screening::score_of(curve.cells[i]));
        const bool control = curve.kind == CellKind::Control;
        QCOMPARE(of.screen.target.code[static_cast<std::size_t>(curve.cells[i])] == 2, control);
        QVERIFY(control ? curve.height[i] >= 0.001 && curve.height[i] <= top / 10
                        : curve.height[i] <= 0 && curve.height[i] >= -top / 10);
      }
    }
    QCOMPARE(cells, static_cast<std::size_t>(small_screening::kControls + small_screening::kOfA));
    QVERIFY(score_densities(of, 1, Facets::Together).empty());  // not scored
  }

  void facetsOfGuidesAndGroups() {
    const Screening of = small_screening::make();
    const auto guides = score_densities(of, 0, Facets::Guides);
    QCOMPARE(guides.size(), std::size_t{2});
    QCOMPARE(guides[0].name, std::string("Ag1"));
    for (const ScoreFacet& facet : guides) {
      QCOMPARE(facet.curves[0].kind, CellKind::Control);
      QCOMPARE(static_cast<std::int64_t>(facet.curves[0].cells.size()), small_screening::kControls);
    }
    const auto groups = score_densities(of, 0, Facets::Splits);
    QCOMPARE(groups.size(), std::size_t{2});
    QCOMPARE(groups[1].name, std::string("r2"));
    std::size_t controls = 0;
    for (const ScoreFacet& facet : groups) controls += facet.curves[0].cells.size();
    QCOMPARE(static_cast<std::int64_t>(controls), small_screening::kControls);
  }

  void withoutCallsTheTargetIsOneKind() {
    const Screening of = small_screening::make(false);
    const auto facets = score_densities(of, 0, Facets::Together);
    QCOMPARE(facets[0].curves.size(), std::size_t{2});
    QCOMPARE(facets[0].curves[1].kind, CellKind::Target);
    QVERIFY(posterior_curves(of, 0).empty());
  }

  void posteriorsByClass() {
    const auto curves = posterior_curves(small_screening::make(), 0);
    QCOMPARE(curves.size(), std::size_t{2});
    for (const KindCurve& curve : curves)
      for (const double p : curve.value) QCOMPARE(p > 0.5, curve.kind == CellKind::Perturbed);
    QCOMPARE(curves[1].density.bandwidth, 0.02);  // all 0.99: no width of their own
    QVERIFY(curves[1].density.y.back() > curves[1].density.y.front());
    QCOMPARE(curves[0].cells.size() + curves[1].cells.size(), static_cast<std::size_t>(small_screening::kOfA));
  }

  void ridgesHoldControlsFirst() {
    const auto ridges = score_ridges(small_screening::make());
    QCOMPARE(ridges.size(), std::size_t{2});  // B was not scored
    QCOMPARE(ridges[0].target, 2);
    QCOMPARE(ridges[0].cells, small_screening::kControls);
    QCOMPARE(ridges[1].cells, small_screening::kOfA);
    QCOMPARE(ridges[0].density.x, ridges[1].density.x);
  }

  void knockDownFallsWithTheScore() {
    const Screening of = small_screening::make(true, false);
    const auto found = knock_down(of, 0);
    QCOMPARE(found.size(), std::size_t{1});
    const KnockDown& one = found[0];
    QCOMPARE(one.edge.size(), std::size_t{11});
    QVERIFY(std::is_sorted(one.edge.begin(), one.edge.end()));
    std::vector<double> scores;
    for (const std::int64_t cell : of.screen.cells_of(0)) scores.push_back(small_screening::score_of(cell));
    QCOMPARE(one.edge.front(), *std::min_element(scores.begin(), scores.end()));
    QCOMPARE(one.edge.back(), *std::max_element(scores.begin(), scores.end()));
    // Written out: mean of 2 − score over the cells between the edges, both included.
    for (std::size_t b = 0; b < 10; ++b) {
      double sum = 0;
      std::int64_t n = 0;
      for (const double score : scores)
        if (score >= one.edge[b] && score <= one.edge[b + 1]) {
          sum += 2 - score;
          ++n;
        }
      QCOMPARE(one.cells[b], n);
      QVERIFY(std::fabs(one.mean[b] - sum / static_cast<double>(n)) < 1e-12);
    }
    QVERIFY(one.mean.front() > one.mean.back() + 0.5);
    QVERIFY(std::fabs(one.control_mean - 2) < 0.1);
    QVERIFY(knock_down(of, 1).empty());  // "B" is no gene
    QCOMPARE(knock_down(small_screening::make(), 0).size(), std::size_t{2});
  }

  void heatMapSortsCellsAndSides() {
    const Screening of = small_screening::make();
    const MarkerHeatMap map = marker_heat_map(of, 0);
    QCOMPARE(map.n_higher, std::int64_t{3});
    QCOMPARE(map.genes, (std::vector<std::int64_t>{1, 3, 5, 2, 4}));
    QCOMPARE(map.cells.size(), static_cast<std::size_t>(small_screening::kControls + small_screening::kOfA));
    QVERIFY(std::is_sorted(map.score.begin(), map.score.end()));
    QCOMPARE(map.z.size(), map.genes.size() * map.cells.size());
    const std::size_t n = map.cells.size();
    for (std::size_t g = 0; g < map.genes.size(); ++g) {
      std::vector<double> x;
      for (const std::int64_t cell : map.cells) x.push_back(of.expression->at(cell, map.genes[g]));
      const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(n);
      double square = 0;
      for (const double v : x) square += (v - mean) * (v - mean);
      const double sd = std::sqrt(square / static_cast<double>(n - 1));
      for (std::size_t i = 0; i < n; ++i)
        QVERIFY(std::fabs(map.z[g * n + i] - std::clamp((x[i] - mean) / sd, -2.0, 2.0)) < 1e-12);
    }
    QVERIFY(marker_heat_map(of, 1).genes.empty());
    // A sample, the same for the same seed.
    HeatMapOptions few;
    few.cells_per_kind = 7;
    few.genes_per_side = 1;
    const MarkerHeatMap some = marker_heat_map(of, 0, few);
    QCOMPARE(some.cells.size(), std::size_t{21});
    QCOMPARE(some.genes, (std::vector<std::int64_t>{1, 2}));
    QCOMPARE(marker_heat_map(of, 0, few).cells, some.cells);
    few.seed = 43;
    QVERIFY(marker_heat_map(of, 0, few).cells != some.cells);
  }

  void guidesByShare() {
    TargetSummary target;
    for (const auto& [guide, cells, perturbed] :
         {std::tuple{4, 10, 5}, std::tuple{1, 0, 0}, std::tuple{3, 10, 9}, std::tuple{2, 20, 10}}) {
      GuideShare one;
      one.guide = guide;
      one.cells = cells;
      one.perturbed = perturbed;
      target.by_guide.push_back(one);
    }
    std::vector<std::int32_t> order;
    for (const GuideShare& one : guides_by_share(target)) order.push_back(one.guide);
    QCOMPARE(order, (std::vector<std::int32_t>{3, 2, 4, 1}));
  }

  void controlLabels() {
    for (const char* label : {"NT", "ntc", "Non-Targeting", "non targeting", "non_targeting_12", "Control", "ctrl",
                              "safe-targeting", "SAFE", "negative control", "unperturbed"})
      QVERIFY2(is_control_label(label), label);
    for (const char* label : {"NTRK1", "STAT1", "CTRL1B", "SAFB", "NEGR1", "", "NTNG1", "controlled"})
      QVERIFY2(!is_control_label(label), label);
  }

  void columnsAreGuessed() {
    const std::size_t n = 600;
    const std::vector<std::string> targets{"NT", "STAT1", "IFN GR2", "JAK2"};
    data::Table cells;
    for (std::size_t i = 0; i < n; ++i) cells.names.push_back("c" + std::to_string(i));
    cells.columns.push_back(texts("barcode", n, [](std::size_t i) { return "c" + std::to_string(i); }));
    cells.columns.push_back(texts("crispr", n, [](std::size_t i) { return i % 4 == 0 ? "NT" : "perturbed"; }));
    cells.columns.push_back(
        texts("guide_id", n, [&](std::size_t i) { return targets[i % 4] + "g" + std::to_string(i / 4 % 3); }));
    cells.columns.push_back(texts("gene_target", n, [&](std::size_t i) { return targets[i % 4]; }));
    cells.columns.push_back(texts("replicate", n, [](std::size_t i) { return "rep" + std::to_string(i % 3); }));
    const Columns found = guess_columns(cells);
    QCOMPARE(found.target, std::string("gene_target"));
    QCOMPARE(found.control, std::string("NT"));
    QCOMPARE(found.guide, std::string("guide_id"));
    QVERIFY(found.split.empty());
    QVERIFY(!may_be_labels(cells.columns[0]));
    QVERIFY(may_be_labels(cells.columns[4]));
    QVERIFY(!may_be_labels({"size", std::vector<double>(n, 1.0), {}}));
    const auto counts = count_labels(cells.columns[3]);
    QCOMPARE(counts.size(), std::size_t{4});
    QCOMPARE(counts[0].label, std::string("IFN GR2"));
    QCOMPARE(counts[0].cells, std::int64_t{150});
    cells.columns.resize(1);
    QVERIFY(guess_columns(cells).target.empty());
  }
};

QTEST_GUILESS_MAIN(TestPlots)
#include "tst_plots.moc"
