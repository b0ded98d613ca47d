#include <QTest>
#include <algorithm>
#include <cmath>
#include <set>

#include "core/analysis/agreement.hpp"
#include "core/analysis/entropy_map.hpp"
#include "core/error.hpp"
#include "tests/core/analysis/small_mixture.hpp"

using namespace scriptorium;
using namespace scriptorium::analysis;
using namespace small_mixture;

namespace {

/// ln f_k(x_cg), written out.
double log_count(const Setting& s, std::size_t k, std::size_t c, std::size_t g) {
  const auto value = [&](const std::string& name, std::size_t i) {
    const auto& values = s.point.at(name).values;
    return values[values.size() == 1 ? 0 : i];
  };
  const double p = value("p", s.point.at("p").values.size() == kComponents ? k : 0), r = value("r", k * kGenes + g);
  double odds = p / (1 - p);
  if (s.point.count("p_capture")) odds *= value("p_capture", c);
  const double p_hat = odds / (1 + odds);
  const double u = s.data.counts.at(static_cast<std::int64_t>(c), static_cast<std::int64_t>(g));
  const double log_f =
      std::lgamma(r + u) - std::lgamma(r) - std::lgamma(u + 1) + u * std::log(p_hat) + r * std::log(1 - p_hat);
  if (!s.point.count("gate")) return log_f;
  const auto& gates = s.point.at("gate").values;
  const double gate = gates[gates.size() == kGenes ? g : k * kGenes + g];
  return u == 0 ? std::log(gate + (1 - gate) * std::exp(log_f)) : std::log(1 - gate) + log_f;
}

struct Naive {
  double entropy = 0, evidence = 0, count = 0, cells = 0;
  void add(const Setting& s, std::size_t c, std::size_t g, std::int32_t first, std::int32_t second) {
    std::vector<double> share;
    double sum = 0;
    for (std::size_t k = 0; k < kComponents; ++k) {
      share.push_back(s.point.at("mixing_weights").values[k] * std::exp(log_count(s, k, c, g)));
      sum += share.back();
    }
    for (const double one : share) entropy -= one / sum * std::log(one / sum);
    evidence +=
        log_count(s, static_cast<std::size_t>(first), c, g) - log_count(s, static_cast<std::size_t>(second), c, g);
    count += s.data.counts.at(static_cast<std::int64_t>(c), static_cast<std::int64_t>(g));
    cells += 1;
  }
};

bool near(double a, double b) {
  return std::fabs(a - b) < 1e-9 * (1 + std::fabs(b));
}

std::vector<std::int64_t> all(std::size_t n) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<std::int64_t>(i));
  return out;
}

}  // namespace

class TestEntropyMap : public QObject {
  Q_OBJECT
 private slots:
  void equalsTheFormulaWrittenOut_data() {
    QTest::addColumn<QString>("likelihood");
    for (const char* name : {"nbdm", "zinb", "nbvcp", "zinbvcp"}) QTest::newRow(name) << name;
  }
  void equalsTheFormulaWrittenOut() {
    QFETCH(QString, likelihood);
    Setting s = make(likelihood.toStdString());
    // Some entries were not measured: they have no part in any mean.
    s.data.missing.genes = {{}, {1, 4}};
    s.data.missing.pattern_of_cell.assign(kCells, 0);
    const auto measured = [&](std::size_t c, std::size_t g) { return c % 7 != 3 || (g != 1 && g != 4); };
    for (std::size_t c = 3; c < kCells; c += 7) s.data.missing.pattern_of_cell[c] = 1;
    data::CountMatrix kept;
    kept.n_cells = kCells;
    kept.n_genes = kGenes;
    for (std::size_t c = 0; c < kCells; ++c) {
      for (std::size_t g = 0; g < kGenes; ++g) {
        const auto u = s.data.counts.at(static_cast<std::int64_t>(c), static_cast<std::int64_t>(g));
        if (u == 0 || !measured(c, g)) continue;
        kept.gene.push_back(static_cast<std::uint32_t>(g));
        kept.count.push_back(u);
      }
      kept.row_start.push_back(kept.nnz());
    }
    s.data.counts = kept;

    const GeneEvidence of = gene_evidence(s.fit, s.data, {}, {}, {});
    // The component and the next one, by all genes together.
    for (std::size_t c = 0; c < kCells; ++c) {
      std::vector<double> all_genes;
      for (std::size_t k = 0; k < kComponents; ++k) {
        all_genes.push_back(std::log(s.point.at("mixing_weights").values[k]));
        for (std::size_t g = 0; g < kGenes; ++g)
          if (measured(c, g)) all_genes.back() += log_count(s, k, c, g);
      }
      std::vector<std::int32_t> rank{0, 1, 2};
      std::sort(rank.begin(), rank.end(), [&](auto a, auto b) {
        return all_genes[static_cast<std::size_t>(a)] > all_genes[static_cast<std::size_t>(b)];
      });
      QCOMPARE(of.first[c], rank[0]);
      QCOMPARE(of.second[c], rank[1]);
    }
    EntropyMapRequest request;
    for (std::size_t c = 0; c < kCells; c += 2) request.cells.push_back(static_cast<std::int64_t>(kCells - 1 - c));
    request.edges = {0, 1, 7, 7, 30};
    request.genes = {5, 0, 4};
    const EntropyMap map = entropy_map(of, s.data, request, {});
    QVERIFY(!map.sampled);
    QCOMPARE(map.entropy.size(), std::size_t{12});
    for (std::size_t row = 0; row < 3; ++row)
      for (std::size_t b = 0; b < 4; ++b) {
        const auto g = static_cast<std::size_t>(request.genes[row]);
        Naive naive;
        for (auto i = request.edges[b]; i < request.edges[b + 1]; ++i) {
          const auto c = static_cast<std::size_t>(request.cells[static_cast<std::size_t>(i)]);
          if (measured(c, g)) naive.add(s, c, g, of.first[c], of.second[c]);
        }
        const std::size_t at = row * 4 + b;
        if (naive.cells == 0) {
          QVERIFY(std::isnan(map.entropy[at]) && std::isnan(map.evidence[at]) && std::isnan(map.count[at]));
          continue;
        }
        QVERIFY2(near(map.entropy[at], naive.entropy / naive.cells), qPrintable(QString::number(map.entropy[at])));
        QVERIFY2(near(map.evidence[at], naive.evidence / naive.cells), qPrintable(QString::number(map.evidence[at])));
        QVERIFY(near(map.count[at], naive.count / naive.cells));
      }
    // Separation is the mean evidence of all cells; the order follows it.
    for (std::size_t g = 0; g < kGenes; ++g) {
      Naive naive;
      for (std::size_t c = 0; c < kCells; ++c)
        if (measured(c, g)) naive.add(s, c, g, of.first[c], of.second[c]);
      QVERIFY(near(of.separation[g], naive.evidence / kCells));
    }
    for (std::size_t i = 1; i < kGenes; ++i)
      QVERIFY(of.separation[static_cast<std::size_t>(of.order[i - 1])] >=
              of.separation[static_cast<std::size_t>(of.order[i])]);
  }

  void oneCellOneGeneIsItsResponsibilities() {
    const Setting s = make("nbvcp");
    const GeneEvidence of = gene_evidence(s.fit, s.data, {}, {}, {});
    const EntropyMap map = entropy_map(of, s.data, {all(kCells), even_blocks(kCells, kCells), all(kGenes), 0, 1}, {});
    for (std::size_t c = 0; c < kCells; ++c)
      for (std::size_t g = 0; g < kGenes; ++g) {
        const auto cell = static_cast<std::int64_t>(c), gene = static_cast<std::int64_t>(g);
        const auto share = responsibilities(of, cell, gene, s.data.counts.at(cell, gene));
        QVERIFY(near(map.entropy[g * kCells + c], entropy(share, kComponents).front()));
      }
  }

  void theSameBitsAtAnyNumberOfThreadsAndASampleOfEachBlock() {
    const Setting s = make("zinbvcp");
    const GeneEvidence of = gene_evidence(s.fit, s.data, {}, {}, {});
    EntropyMapRequest request{all(kCells), even_blocks(kCells, 40), all(kGenes), 0, 1};
    const EntropyMap one = entropy_map(of, s.data, request, {});
    request.threads = 3;
    const EntropyMap three = entropy_map(of, s.data, request, {});
    QVERIFY(one.entropy == three.entropy && one.evidence == three.evidence && one.count == three.count);
    // Three of each ten cells: those in the middle of its thirds.
    request.edges = even_blocks(kCells, 6);
    request.most_cells = 3;
    const EntropyMap some = entropy_map(of, s.data, request, {});
    QVERIFY(some.sampled);
    request.cells.clear();
    for (std::int64_t b = 0; b < 6; ++b)
      for (const std::int64_t i : {1, 5, 8}) request.cells.push_back(10 * b + i);
    request.edges = even_blocks(18, 6);
    const EntropyMap named = entropy_map(of, s.data, request, {});
    QVERIFY(!named.sampled && named.entropy == some.entropy && named.count == some.count);
  }

  void cellsWithoutAComponentHaveNoEvidence() {
    const Setting s = make("nbdm");
    std::vector<std::int32_t> assigned(kCells, -1);
    assigned[4] = 2;
    const GeneEvidence of = gene_evidence(s.fit, s.data, assigned, {}, {});
    QCOMPARE(of.first[4], 2);
    QVERIFY(of.second[4] == 0 || of.second[4] == 1);
    const EntropyMap map = entropy_map(of, s.data, {{3, 4}, {0, 1, 2}, {0}, 0, 1}, {});
    QVERIFY(std::isnan(map.evidence[0]) && std::isfinite(map.evidence[1]) && std::isfinite(map.entropy[0]));
    assigned[4] = -1;
    QVERIFY_THROWS_EXCEPTION(Error, gene_evidence(s.fit, s.data, assigned, {}, {}));
    assigned.pop_back();
    QVERIFY_THROWS_EXCEPTION(Error, gene_evidence(s.fit, s.data, assigned, {}, {}));
    QVERIFY_THROWS_EXCEPTION(Error, entropy_map(of, s.data, {{3, 4}, {0, 3}, {0}, 0, 1}, {}));
    QVERIFY_THROWS_EXCEPTION(Error, entropy_map(of, s.data, {{3, 4}, {1, 0}, {0}, 0, 1}, {}));
    QVERIFY_THROWS_EXCEPTION(Error, entropy_map(of, s.data, {{3, 4}, {0, 1}, {99}, 0, 1}, {}));
    result::Fit single = s.fit;
    single.model.components = 1;
    QVERIFY_THROWS_EXCEPTION(Error, gene_evidence(single, s.data, {}, {}, {}));
    std::stop_source stop;
    stop.request_stop();
    RunControl control;
    control.stop = stop.get_token();
    QVERIFY_THROWS_EXCEPTION(Cancelled, entropy_map(of, s.data, {{3, 4}, {0, 1, 2}, {0}, 0, 1}, control));
  }

  void cellsAreSortedByComponentAndSureness() {
    const std::vector<double> p{0.9, 0.1, 0.4, 0.6, NAN, NAN, 0.8, 0.2, 0.3, 0.7, 0.9, 0.1};
    QCOMPARE(cells_by_component(p, 2, assignment(p, 2)), (std::vector<std::int64_t>{0, 5, 3, 4, 1}));
    QCOMPARE(even_blocks(10, 3), (std::vector<std::int64_t>{0, 3, 6, 10}));
    QCOMPARE(even_blocks(2, 5), (std::vector<std::int64_t>{0, 1, 2}));
  }

  void whatToKnowOfTheComponents() {
    const std::vector<double> p{0.5, 0.5, 0, 0, 0, 0, 0, 1, 0.5, 0.5, 0, 0};
    QCOMPARE(component_notes(p, {"a", "b", "c", "d"}),
             (std::vector<std::string>{"component c has no cells",
                                       "components a and b share their cells: they may be one"}));
    QVERIFY(component_notes(std::vector<double>{1, 0, 0, 1}, {"a", "b"}).empty());
  }
};

QTEST_APPLESS_MAIN(TestEntropyMap)
#include "tst_entropy_map.moc"
