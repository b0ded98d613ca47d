#include <QTest>
#include <cmath>

#include "core/analysis/agreement.hpp"
#include "core/analysis/cell_groups.hpp"
#include "core/error.hpp"
#include "core/result/components.hpp"
#include "core/result/predictive.hpp"
#include "core/result/strata.hpp"
#include "tests/core/analysis/small_mixture.hpp"

using namespace scriptorium;
using namespace scriptorium::analysis;
using namespace small_mixture;

namespace {

/// Every cell surely of one component.
std::vector<double> all_of(std::size_t component, std::size_t cells) {
  std::vector<double> out(cells * kComponents, 0.0);
  for (std::size_t c = 0; c < cells; ++c) out[c * kComponents + component] = 1;
  return out;
}

/// The mean count that component k predicts of a cell.
double mean_of(const Setting& s, std::size_t k, std::size_t g, std::size_t c) {
  const auto value = [&](const char* name, std::size_t i) {
    const auto& values = s.point.at(name).values;
    return values[values.size() == 1 ? 0 : i];
  };
  const double p = value("p", k);
  return value("r", k * kGenes + g) * p / (1 - p) * value("p_capture", c);
}

}  // namespace

class TestCellGroups : public QObject {
  Q_OBJECT
 private slots:
  void aComponentAndItsCells() {
    const Setting s = make("nbvcp");
    std::vector<std::int32_t> assigned(kCells, 0);
    assigned[5] = assigned[9] = 2;
    const CellGroup part = cells_of_component(s.fit, 2, assigned, s.data, {});
    QCOMPARE(part.fit.cells, (std::vector<std::string>{"cell5", "cell9"}));
    QCOMPARE(part.dataset.cells.names, part.fit.cells);
    QCOMPARE(part.fit.model.components, std::int64_t{1});
    QCOMPARE(part.fit.summary.n_cells, std::int64_t{2});
    for (std::int64_t g = 0; g < static_cast<std::int64_t>(kGenes); ++g)
      QCOMPARE(part.dataset.counts.at(1, g), s.data.counts.at(9, g));
    try {
      cells_of_component(s.fit, 1, assigned, s.data, {});
      QFAIL("a component without cells");
    } catch (const Error& error) {
      QCOMPARE(QString(error.what()), QString("No cell is most probably of component 2."));
    }
  }

  void cellsOfALabel() {
    Setting s = make("nbvcp");
    std::vector<std::string> labels(kCells, "rest");
    labels[7] = labels[20] = labels[41] = "few";
    s.data.cells.columns.push_back({"kind", labels, {}});
    const CellGroup group = cells_of_label(s.fit, "kind", "few", s.data, {});
    QCOMPARE(group.fit.cells, (std::vector<std::string>{"cell7", "cell20", "cell41"}));
    QCOMPARE(group.fit.model.components, std::int64_t{kComponents});
    // Its probabilities are those of the same cells among all.
    AssignmentOptions options;
    options.draws = 0;
    const auto all = assign_cells(s.fit, s.data.counts, options, {}).probability;
    std::size_t row = 0;
    for (const std::size_t cell : {7, 20, 41}) {
      for (std::size_t k = 0; k < kComponents; ++k)
        QVERIFY(std::fabs(group.shares[row * kComponents + k] - all[cell * kComponents + k]) < 1e-12);
      ++row;
    }
    QVERIFY(cells_of_label(result::get_component(s.fit, 0), "kind", "few", s.data, {}).shares.empty());
    for (const auto& [column, label] : {std::pair{"kinds", "few"}, {"kind", "fewer"}})
      QVERIFY_THROWS_EXCEPTION(Error, cells_of_label(s.fit, column, label, s.data, {}));
  }

  void replicatesDrawEachCellsOwnComponent() {
    const Setting s = make("nbvcp");
    result::PredictiveOptions options;
    options.kind = result::PredictiveKind::Map;
    options.draws = 400;
    const std::vector<std::int64_t> genes{0, 3, 6, 8};
    for (std::size_t k = 0; k < kComponents; ++k) {
      options.shares = all_of(k, kCells);
      const auto found = result::predictive(s.fit, genes, options, {});
      for (std::size_t i = 0; i < genes.size(); ++i) {
        double mean = 0;
        for (std::size_t c = 0; c < kCells; ++c) mean += mean_of(s, k, static_cast<std::size_t>(genes[i]), c) / kCells;
        QVERIFY2(std::fabs(found[i].predicted_mean - mean) < 1e-9 * mean,
                 qPrintable(QString("%1 %2").arg(found[i].predicted_mean).arg(mean)));
      }
    }
    // Half of the cells of one component, half of another: the mean is between, whatever the mixing weights are.
    options.shares = all_of(0, kCells);
    for (std::size_t c = 0; c < kCells; c += 2)
      options.shares[c * kComponents] = 0, options.shares[c * kComponents + 2] = 1;
    const auto found = result::predictive(s.fit, {6}, options, {});
    double mean = 0;
    for (std::size_t c = 0; c < kCells; ++c) mean += mean_of(s, c % 2 == 0 ? 2 : 0, 6, c) / kCells;
    QVERIFY(std::fabs(found[0].predicted_mean - mean) < 1e-9 * mean);
    // Full draws too.
    options.shares = all_of(1, kCells);
    const auto draws = result::predictive_draws(s.fit, {6}, options, {});
    double sum = 0, expected = 0, variance = 0;
    for (const auto count : draws) sum += count;
    for (std::size_t c = 0; c < kCells; ++c) {
      const double m = mean_of(s, 1, 6, c);
      expected += 400 * m;
      variance += 400 * (m + m * m / s.point.at("r").values[kGenes + 6]);
    }
    QVERIFY(std::fabs(sum - expected) < 5 * std::sqrt(variance));
    options.shares.pop_back();
    QVERIFY_THROWS_EXCEPTION(Error, result::predictive(s.fit, genes, options, {}));
  }

  void sharedWeightsAndOwnOnesDrawAlike() {
    const std::vector<double> weights{0.5, 0.2, 0.3};
    std::vector<double> own;
    for (int c = 0; c < 1000; ++c) own.insert(own.end(), weights.begin(), weights.end());
    const auto shared = result::draw_components(weights, 3, 1000, 5, 2);
    QCOMPARE(result::draw_components(own, 3, 1000, 5, 2), shared);
    std::vector<int> times(3, 0);
    for (const auto k : shared) ++times[k];
    for (std::size_t k = 0; k < 3; ++k) QVERIFY(std::fabs(times[k] - 1000 * weights[k]) < 80);
  }
};

QTEST_APPLESS_MAIN(TestCellGroups)
#include "tst_cell_groups.moc"
