#include "core/perturbation/screening_de.hpp"

#include <QFile>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
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

  void unweightedIsByMembership() {
    DeOptions options;
    options.unweighted = true;
    Screening bare;  // without signature and scores
    bare.options = of_.options;
    bare.screen = of_.screen;
    bare.expression = of_.expression;
    const auto plain = weighted_de_of(of_, made_.data.counts, targets_, options),
               same = weighted_de_of(bare, made_.data.counts, targets_, {});
    for (std::size_t t = 0; t < plain.size(); ++t) {
      QVERIFY(plain[t].coefficient == same[t].coefficient && plain[t].log_p == same[t].log_p);
      for (const DeWeight one : plain[t].weight) QVERIFY(one == DeWeight::Membership);
    }
  }

  void aStoppedRunGoesOnWithTheSameBits() {
    QTemporaryDir folder;
    const std::string path = folder.filePath("de.state").toStdString();
    const auto print = fingerprint(made_.data, of_.options, DeOptions{});
    std::stop_source stop;
    std::size_t seen = 0;
    QVERIFY_THROWS_EXCEPTION(Cancelled,
                             for_each_weighted_de(of_, made_.data.counts, targets_, {}, DeState(path, print, false),
                                                  {stop.get_token(), {}}, [&](std::int32_t, const WeightedDe&) {
                                                    if (++seen == 2) stop.request_stop();
                                                  }));
    QCOMPARE(seen, std::size_t{2});
    const DeState again(path, print, true);
    QVERIFY(again.find(targets_[0]) && again.find(targets_[1]) && !again.find(targets_[2]));
    std::size_t at = 0;
    for_each_weighted_de(of_, made_.data.counts, targets_, {}, again, {}, [&](std::int32_t, const WeightedDe& de) {
      const WeightedDe& whole = tables_[at++];
      const auto text = [&](const WeightedDe& one) {
        return report::to_text(de_table(one, of_.screen.genes, true), report::TableFormat::Tsv);
      };
      QVERIFY(text(de) == text(whole));
      QVERIFY(de.groups == whole.groups && de.columns == whole.columns && de.notes == whole.notes);
      QCOMPARE(de.n_target, whole.n_target);
      QCOMPARE(de.n_control, whole.n_control);
      QVERIFY(std::memcmp(de.log_p.data(), whole.log_p.data(), de.log_p.size() * sizeof(double)) == 0);
    });
    QCOMPARE(at, targets_.size());
    // Other options, or data: nothing of it counts. Without resume it goes.
    DeOptions other;
    other.min_cells = 11;
    const auto of_other = fingerprint(made_.data, of_.options, other);
    QVERIFY(of_other != print);
    other.unweighted = true;
    QVERIFY(of_other != fingerprint(made_.data, of_.options, other));
    QVERIFY(!DeState(path, of_other, true).find(targets_[0]));
    // A target that was damaged is not taken for one.
    QFile file(QString::fromStdString(path + "/" + std::to_string(targets_[0]) + ".target"));
    QVERIFY(file.open(QIODevice::ReadWrite) && file.seek(file.size() / 2) && file.write("damage") == 6);
    file.close();
    QVERIFY_THROWS_EXCEPTION(Error, again.find(targets_[0]));
    QVERIFY(!DeState(path, print, false).find(targets_[1]));
    again.remove();
    QVERIFY(!QFileInfo::exists(QString::fromStdString(path)));
    DeState().keep(0, tables_[0]);  // nowhere to write to
    QVERIFY(!DeState().find(0));
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
