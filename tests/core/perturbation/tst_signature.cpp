#include <QtTest>
#include <algorithm>
#include <cmath>
#include <thread>

#include "core/error.hpp"
#include "core/perturbation/nearest_controls.hpp"
#include "core/perturbation/signature.hpp"
#include "simulated_screen.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

using Made = simulated_screen::Prepared;
using simulated_screen::refusal;
Made make(const std::string& split, const simulated_screen::Options& options = {.cells = 200, .genes = 70}) {
  return simulated_screen::prepare(split, options);
}

std::vector<std::int64_t> all(std::int64_t n) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(i);
  return out;
}

}  // namespace

class TestSignature : public QObject {
  Q_OBJECT
 private slots:
  void neighboursAreTheNearest() {
    const auto made = make("rep");
    const auto points = points_of(*made.x, {});
    QCOMPARE(points.dims, 15);
    const auto signature = Signature::by_neighbours(made.x, made.screen, points, {.neighbours = 7, .threads = 2});
    for (std::int64_t i = 0; i < made.screen.n_cells; ++i) {
      std::vector<std::pair<double, std::int32_t>> distance;
      for (const std::int64_t c : made.screen.cells_of(made.screen.control, made.screen.split.code[i])) {
        double sum = 0;
        for (int d = 0; d < points.dims; ++d) {
          const double apart = points.values[i * points.dims + d] - points.values[c * points.dims + d];
          sum += apart * apart;
        }
        distance.emplace_back(sum, static_cast<std::int32_t>(c));
      }
      std::sort(distance.begin(), distance.end());
      for (int j = 0; j < 7; ++j) QCOMPARE(signature.neighbours()[i * 7 + j], distance[j].second);
    }
  }

  void tiesGoToTheLowerRow() {
    const std::vector<double> points{0, 1, 1, -1, 1, 5};
    const std::vector<std::int64_t> candidates{1, 2, 3, 4, 5}, queries{0, 4};
    QCOMPARE(nearest_controls(points, 1, candidates, queries, 3, *compute::cpu_backend(1)),
             (std::vector<std::int32_t>{1, 2, 3, 1, 2, 4}));
  }

  void signatureIsTheFormula() {
    const auto made = make("");
    const auto signature =
        Signature::by_neighbours(made.x, made.screen, points_of(*made.x, {}), {.neighbours = 5, .threads = 1});
    const auto rows = signature.rows(0, made.screen.n_cells, 2);
    const std::int64_t genes = made.x->n_genes();
    for (std::int64_t i = 0; i < made.screen.n_cells; ++i)
      for (std::int64_t g = 0; g < genes; ++g) {
        double sum = 0;
        for (int j = 0; j < 5; ++j) sum += std::expm1(made.x->at(signature.neighbours()[i * 5 + j], g));
        QVERIFY(std::fabs(rows[i * genes + g] - (std::log1p(sum / 5) - made.x->at(i, g))) < 1e-12);
      }
  }

  void columnsAndRowsAreOneMatrix_data() {
    QTest::addColumn<bool>("mean");
    QTest::newRow("nn") << false;
    QTest::newRow("split_by") << true;
  }
  void columnsAndRowsAreOneMatrix() {
    QFETCH(bool, mean);
    const auto made = make("rep");
    const auto signature = mean ? Signature::by_split_mean(made.x, made.screen)
                                : Signature::by_neighbours(made.x, made.screen, points_of(*made.x, {}), {});
    const std::int64_t genes = made.x->n_genes();
    const auto rows = signature.rows(0, made.screen.n_cells, 1);
    const std::vector<std::int64_t> cells{3, 199, 0, 77}, some{5, 2, 69};
    const auto columns = signature.columns(cells, some, 2);
    for (std::size_t i = 0; i < cells.size(); ++i)
      for (std::size_t j = 0; j < some.size(); ++j)
        QVERIFY(std::fabs(columns[i * some.size() + j] - rows[cells[i] * genes + some[j]]) < 1e-12);
    const auto part = signature.rows(50, 60, 2);
    QVERIFY(std::equal(part.begin(), part.end(), rows.begin() + 50 * genes));
    QCOMPARE(signature.columns(all(made.screen.n_cells), all(genes), 3),
             signature.columns(all(made.screen.n_cells), all(genes), 1));
  }

  void splitMeanIsOnTheLogScale() {
    const auto made = make("rep");
    const auto signature = Signature::by_split_mean(made.x, made.screen);
    const auto controls = made.screen.cells_of(made.screen.control, made.screen.split.code[9]);
    double mean = 0;
    for (const auto c : controls) mean += made.x->at(c, 4);
    mean /= static_cast<double>(controls.size());
    QVERIFY(std::fabs(signature.columns(all(10), all(5))[9 * 5 + 4] - (mean - made.x->at(9, 4))) < 1e-12);
  }

  void whatCannotBeIsRefused() {
    auto made = make("");
    QVERIFY(!refusal([&] { Signature::by_split_mean(made.x, made.screen); }).empty());
    QVERIFY(!refusal([&] { reference_from_string("mean"); }).empty());
    const auto none = refusal([&] { points_of(made.simulated.data, *made.x, {.representation = "X_umap"}); });
    QVERIFY(none.find("X_umap") != std::string::npos);
    // A group without controls.
    auto& rep = std::get<std::vector<std::string>>(made.simulated.data.cells.columns[2].values);
    for (const auto i : made.screen.cells_of(made.screen.control)) rep[i] = "r0";
    const auto screen = make_screen(made.simulated.data, {"target", "NT", "", "rep"});
    const auto why = refusal([&] { make_signature(made.x, made.simulated.data, screen, {}); });
    QVERIFY(why.find("\"r1\"") != std::string::npos);
  }

  void fewerControlsThanNeighbours() {
    const auto made = make("", {.cells = 60, .genes = 60, .controls = 0.1});
    const auto controls = made.screen.cells_of(made.screen.control);
    QVERIFY(controls.size() < 20);
    const auto signature = make_signature(made.x, made.simulated.data, made.screen, {});
    QCOMPARE(signature.notes().size(), std::size_t{1});
    double sum = 0;
    for (const auto c : controls) sum += std::expm1(made.x->at(c, 2));
    const double expected = std::log1p(sum / static_cast<double>(controls.size())) - made.x->at(7, 2);
    const std::vector<std::int64_t> cell{7}, gene{2};
    QVERIFY(std::fabs(signature.columns(cell, gene)[0] - expected) < 1e-12);
  }

  void representations() {
    auto made = make("", {.cells = 80, .genes = 50});
    QCOMPARE(points_of(made.simulated.data, *made.x, {}).name, std::string("X"));
    made.simulated.data.embeddings.push_back({"X_umap", 2, std::vector<float>(160, 1)});
    const auto points = points_of(made.simulated.data, *made.x, {.representation = "X_umap"});
    QCOMPARE(points.dims, 2);
    made = make("");
    QCOMPARE(points_of(made.simulated.data, *made.x, {}).name, std::string("principal components"));
    std::vector<std::uint8_t> variable(70, 0);
    std::fill_n(variable.begin(), 20, 1);
    made.simulated.data.genes.columns.push_back({"highly_variable", variable, {}});
    QVERIFY(points_of(made.simulated.data, *made.x, {}).values != points_of(*made.x, {}).values);
    made.simulated.data.embeddings.push_back({"X_pca", 20, std::vector<float>(200 * 20, 1)});
    QCOMPARE(points_of(made.simulated.data, *made.x, {}).name, std::string("X_pca"));
    QCOMPARE(points_of(made.simulated.data, *made.x, {.representation = "pca"}).name,
             std::string("principal components"));
  }

  void cellsWithoutGroupAreNaN() {
    auto made = make("rep");
    made.simulated.data.cells.columns[2].missing.assign(200, 0);
    made.simulated.data.cells.columns[2].missing[11] = 1;
    const auto screen = make_screen(made.simulated.data, {"target", "NT", "", "rep"});
    const auto signature = make_signature(made.x, made.simulated.data, screen, {});
    QVERIFY(std::isnan(signature.rows(11, 12)[0]));
    QVERIFY(!std::isnan(signature.rows(12, 13)[0]));
  }
};

QTEST_GUILESS_MAIN(TestSignature)
#include "tst_signature.moc"
