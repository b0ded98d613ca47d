#include "core/perturbation/screening_de.hpp"

#include <QTest>
#include <algorithm>
#include <cmath>

#include "tests/core/perturbation/simulated_screen.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

class TestScreeningDe : public QObject {
  Q_OBJECT
 private slots:
  void initTestCase() {
    simulated_screen::Options options;
    options.cells = 500;
    options.genes = 80;
    options.effect = 1.4;
    options.responders = 0.7;
    made_ = simulated_screen::make(options);
    ChainOptions chain;
    chain.columns = {"target", "NT", "guide", ""};
    chain.with_discriminant = false;
    of_ = run_chain(made_.data, chain);
    for (const TargetSummary& one : of_.targets) targets_.push_back(one.target);
    tables_ = weighted_de_of(of_, made_.data.counts, targets_);
  }

  void eachTargetAsByItself() {
    QCOMPARE(tables_.size(), targets_.size());
    const auto by_gene = made_.data.counts.transposed();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      std::vector<GroupScore> groups;
      for (GroupScore group : of_.scores.groups)
        if (group.target == targets_[i]) {
          add_leave_one_out(group, of_.signature, of_.options.score.scale);
          groups.push_back(std::move(group));
        }
      const WeightedDe alone =
          weighted_de(of_.screen.target.names[static_cast<std::size_t>(targets_[i])],
                      de_cells(of_.screen, targets_[i], groups), by_gene, of_.expression->total(), {});
      QCOMPARE(tables_[i].target, alone.target);
      QCOMPARE(tables_[i].gene, alone.gene);
      QCOMPARE(tables_[i].log_p.size(), alone.log_p.size());
      for (std::size_t k = 0; k < alone.log_p.size(); ++k)
        QVERIFY(tables_[i].log_p[k] == alone.log_p[k] ||
                (std::isnan(alone.log_p[k]) && std::isnan(tables_[i].log_p[k])));
    }
  }

  void listsAreWhatPassesBothThresholds() {
    const WeightedDe& de = tables_.front();
    const auto p_adj = adjusted_p(de, 0);
    ListOptions options;
    options.least = 1;
    const auto lists = changed_genes(de, of_.screen.genes, options);
    QVERIFY(!lists.empty());
    for (const DeList& list : lists) {
      QCOMPARE(list.target, de.target);
      std::vector<std::string> expected;
      for (std::size_t r = 0; r < de.rows(); ++r)
        if (p_adj[r] <= 0.05 && (list.up ? de.log2fc[r] > 0.25 : de.log2fc[r] < -0.25))
          expected.push_back(of_.screen.genes[static_cast<std::size_t>(de.gene[r])]);
      QCOMPARE(list.genes, expected);  // rows are by rising p already
      QVERIFY(list.background.size() >= list.genes.size());
    }
    options.least = 1000;
    QVERIFY(changed_genes(de, of_.screen.genes, options).empty());
  }

  void genesAreOrderedByTheirStrongestTarget() {
    ZMatrix matrix;
    matrix.genes = {"a", "b", "c", "d", "e"};
    matrix.targets = {"X", "Y"};
    matrix.z = {1, -9, 8, 2, -7, 3, 0, 4, std::nan(""), std::nan("")};
    QCOMPARE(gene_order(matrix), (std::vector<std::size_t>{1, 2, 3, 0, 4}));
  }

 private:
  simulated_screen::Screen made_;
  Screening of_;
  std::vector<std::int32_t> targets_;
  std::vector<WeightedDe> tables_;
};

QTEST_GUILESS_MAIN(TestScreeningDe)
#include "tst_screening_de.moc"
