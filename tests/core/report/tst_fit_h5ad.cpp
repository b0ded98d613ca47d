#include <QTest>
#include <cmath>

#include "core/analysis/assignments.hpp"
#include "core/report/fit_h5ad.hpp"
#include "tests/core/analysis/small_mixture.hpp"

using namespace scriptorium;

class TestFitH5ad : public QObject {
  Q_OBJECT
 private slots:
  void cellsWithoutProbabilitiesHaveNoAssignment() {
    auto s = small_mixture::make("nbvcp");
    constexpr std::size_t lost = 5;
    analysis::AssignmentOptions at_point;
    at_point.draws = 0;
    auto found = analysis::assign_cells(s.fit, s.data.counts, at_point, {});
    found.probability[lost * small_mixture::kComponents + 1] = NAN;
    report::add_assignments(s.data, s.fit, found);
    const data::Column* label = s.data.cells.find("assignment");
    const auto& most = std::get<std::vector<double>>(s.data.cells.find("assignment_prob")->values);
    const auto& all = s.data.embeddings.back();
    QCOMPARE(all.name, std::string("X_assignment"));
    for (std::size_t c = 0; c < small_mixture::kCells; ++c) {
      QCOMPARE(label->is_missing(c), c == lost);
      QCOMPARE(std::isnan(most[c]), c == lost);
      double largest = 0;
      for (std::size_t k = 0; k < small_mixture::kComponents; ++k) {
        const double p = found.probability[c * small_mixture::kComponents + k];
        largest = std::max(largest, p);
        const float kept = all.coordinates[c * small_mixture::kComponents + k];
        QVERIFY(std::isnan(p) ? std::isnan(kept) : kept == static_cast<float>(p));
      }
      if (c != lost) QCOMPARE(most[c], largest);
    }
  }
};

QTEST_GUILESS_MAIN(TestFitH5ad)
#include "tst_fit_h5ad.moc"
