#include <QtTest>
#include <array>
#include <cmath>

#include "core/inference/local_grid.hpp"
#include "core/math/distributions.hpp"
#include "core/math/special.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

namespace {
/// What inflated zeros make of t: softplus of −e^t less a gate's logit. Analytic to the imaginary distance 1.
double inflated(double t) {
  return math::softplus(-std::exp(t) + 2);
}
}  // namespace

class TestLocalGrid : public QObject {
  Q_OBJECT

 private slots:
  void interpolatesWhatTheModelsNeed() {
    LocalGrid grid;
    grid.set(-9, 6, 0.125);
    QVERIFY(grid.size() % 4 == 0);
    std::array<double, LocalGrid::taps> weights;
    for (double t = -9; t <= 6; t += 0.0137) {
      const int at = grid.locate(t, weights.data());
      QVERIFY(at >= 0 && at + LocalGrid::taps <= grid.size());
      double sum = 0, line = 0, value = 0;
      for (std::size_t j = 0; j < weights.size(); ++j) {
        const double node = grid.nodes()[static_cast<std::size_t>(at) + j];
        sum += weights[j];
        line += weights[j] * node;
        value += weights[j] * inflated(node);
      }
      QVERIFY(std::fabs(sum - 1) < 1e-13);
      QVERIFY(std::fabs(line - t) < 1e-12);
      QVERIFY2(std::fabs(value - inflated(t)) < 3e-6, qPrintable(QString::number(t)));
    }
  }
  void windowsEndWhereTheyEnd() {
    LocalGrid grid;
    grid.set(0, 4, 0.2);
    std::vector<double> values;
    for (std::size_t k = 4; k < 16; ++k) values.push_back(std::exp(grid.nodes()[k]));
    const auto at = [&](double t) { return grid.evaluate_window(values.data(), 4, 12, t); };
    QVERIFY(std::fabs(at(grid.nodes()[9] + 0.07) - std::exp(grid.nodes()[9] + 0.07)) < 1e-7);
    QVERIFY(std::fabs(at(-100) - values.front()) < 1e-12);
    QVERIFY(std::fabs(at(100) - values.back()) < 1e-12);
    QVERIFY(std::isfinite(at(NAN)));
  }
  void shiftsAreAdjoint() {
    // ⟨spread(w), f⟩ = ⟨w, gather(f)⟩, and gather interpolates.
    LocalGrid grid;
    grid.set(-2, 3, 0.125);
    ShiftedGrid shifted;
    shifted.set(grid, -1.3, 2.1);
    std::vector<double> f, w;
    for (int k = 0; k < shifted.size(); ++k) f.push_back(inflated(shifted.node(static_cast<std::size_t>(k))));
    for (int k = 0; k < grid.size(); ++k) w.push_back(std::cos(k));
    for (const double shift : {-1.3, -1.0, 0.0, 0.4999, 2.1}) {
      std::vector<double> spread(f.size(), 0.0), gathered(w.size(), 0.0);
      shifted.spread(shift, w.data(), spread.data());
      shifted.gather(shift, 1, f.data(), gathered.data());
      double left = 0, right = 0;
      for (std::size_t k = 0; k < f.size(); ++k) left += spread[k] * f[k];
      for (std::size_t k = 0; k < w.size(); ++k) {
        right += w[k] * gathered[k];
        QVERIFY(std::fabs(gathered[k] - inflated(grid.nodes()[k] + shift)) < 3e-6);
      }
      QVERIFY(std::fabs(left - right) < 1e-9);
    }
  }
};

QTEST_GUILESS_MAIN(TestLocalGrid)
#include "tst_local_grid.moc"
