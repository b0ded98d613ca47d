#include <QtTest>

#include "../compute/fake_device.hpp"
#include "core/compute/device_backend.hpp"
#include "core/inference/minimise.hpp"
#include "simulated.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

class TestObjective : public QObject {
  Q_OBJECT

  /// With and without missing entries.
  static std::vector<std::pair<model::Model, bool>> every_model_twice() {
    std::vector<std::pair<model::Model, bool>> out;
    for (const auto& m : testing::all_models())
      for (const bool some_missing : {false, true}) out.emplace_back(m, some_missing);
    return out;
  }
  static std::vector<double> near_optimum(Objective& objective, int iterations) {
    MinimiseState state;
    state.x = objective.start();
    minimise(objective, state, 1e-9, iterations, 1, {}, {}, [](double, double) {});
    return state.x;
  }

 private slots:
  void gradientIsTheDerivative_data() {
    QTest::addColumn<int>("model");
    QTest::addColumn<bool>("some_missing");
    const auto models = testing::all_models();
    for (std::size_t i = 0; i < models.size(); ++i)
      for (const bool some_missing : {false, true})
        QTest::newRow((testing::name_of(models[i]) + (some_missing ? " missing" : "")).c_str())
            << static_cast<int>(i) << some_missing;
  }
  void gradientIsTheDerivative() {
    QFETCH(int, model);
    QFETCH(bool, some_missing);
    auto counts = testing::simulated_counts(30, 9);
    const auto missing = some_missing ? testing::take_out(counts) : data::Missing{};
    const auto summary = summary::summarise(counts, 1, {}, missing);
    const Problem p(testing::all_models()[static_cast<std::size_t>(model)], summary, &counts);
    Objective objective(p, 1);
    const auto x = near_optimum(objective, 6);  // on the way, where no slope is near zero
    std::vector<double> gradient;
    objective.choose_nodes(x);
    objective.evaluate(x, &gradient, nullptr, {});
    for (std::size_t i = 0; i < x.size(); i += 3) {
      auto y = x;
      const double h = 1e-4;
      y[i] = x[i] + h;
      const double up = objective.evaluate(y, nullptr, nullptr, {});
      y[i] = x[i] - h;
      const double down = objective.evaluate(y, nullptr, nullptr, {});
      const double slope = (up - down) / (2 * h);
      // Nodes move with the marginals, so what the quadrature lacks shows here magnified: the flat marginals of gates
      // and silent genes are integrated to about a tenth of a nat a unit, wide Normals of softplus captures to three.
      QVERIFY2(std::fabs(slope - gradient[i]) < 3e-4 * std::fabs(slope) + (p.model.unconstrained ? 0.3 : 0.1),
               qPrintable(QString("coordinate %1: %2 against %3").arg(i).arg(gradient[i]).arg(slope)));
    }
  }
  void newtonSystemIsTheHessian() {
    // Where the Hessian has its stated form a Newton step from near the optimum must land on it: decrements fall
    // quadratically.
    const auto complete = testing::simulated_counts(60, 12);
    auto counts = complete;
    const auto missing = testing::take_out(counts);
    const auto all_measured = summary::summarise(complete, 1, {}), summary = summary::summarise(counts, 1, {}, missing);
    for (const auto& [m, some_missing] : every_model_twice()) {
      const Problem p(m, some_missing ? summary : all_measured, some_missing ? &counts : &complete);
      if (p.visits_nonzeros) continue;
      Objective objective(p, 1);
      MinimiseState state;
      state.x = objective.start();
      std::vector<double> decrements;
      const auto end =
          minimise(objective, state, 1e-5, 100, 1, {}, {}, [&](double, double d) { decrements.push_back(d); });
      QVERIFY2(end.converged, testing::name_of(m).c_str());
      QVERIFY2(decrements.size() <= 80, testing::name_of(m).c_str());
      for (std::size_t i = 0; i + 1 < decrements.size(); ++i)
        if (decrements[i] < 1e-2 && decrements[i] > 1e-4)
          QVERIFY2(decrements[i + 1] < 0.3 * decrements[i], testing::name_of(m).c_str());
    }
  }
  void sumsOnADeviceAreTheSame() {
    auto counts = testing::simulated_counts(60, 40);
    const auto missing = testing::take_out(counts);
    const auto summary = summary::summarise(counts, 1, {}, missing);
    const auto device = compute::device_backend(fake_device::api(), 0, "fake", 1);
    for (const auto& m : testing::all_models()) {
      if (!visits_nonzeros(m)) continue;
      fake_device::state() = {};
      const Problem p(m, summary, &counts);
      Problem with_gpu(m, summary, &counts);
      with_gpu.gpu = device.get();
      Objective here(p, 1), there(with_gpu, 1);
      auto x = here.start();
      here.improve_genes(x, {});
      here.choose_nodes(x);
      there.choose_nodes(x);
      std::vector<double> a, b;
      const double loss = here.evaluate(x, &a, nullptr, {}), same = there.evaluate(x, &b, nullptr, {});
      QVERIFY(fake_device::state().launches > 0);
      QVERIFY(std::fabs(loss - same) <= 1e-12 * std::fabs(loss));
      for (std::size_t i = 0; i < a.size(); ++i) QVERIFY(std::fabs(a[i] - b[i]) <= 1e-10 * (1 + std::fabs(a[i])));
    }
  }
  void stepsStopShortOfTheWall() {
    // A Beta cannot be flatter than its rules integrate; a gate that wants to be must not hold up the other sites.
    const auto counts = testing::simulated_counts(30, 9);
    const auto summary = summary::summarise(counts, 1, {});
    model::Model m;
    m.likelihood = "zinb";
    const Problem p(m, summary, &counts);
    Objective objective(p, 1);
    const auto x = objective.start();
    objective.choose_nodes(x);
    std::vector<double> step(x.size(), 0.01);
    const auto gate = objective.gene_at(2) + 2;
    step[gate] = -20;  // its mean goes to 0, and with it α
    const auto whole = step;
    std::vector<double> y = x;
    y[gate] += step[gate];
    QVERIFY(!std::isfinite(objective.evaluate(y, nullptr, nullptr, {})));
    objective.keep_inside(x, step);
    for (std::size_t i = 0; i < x.size(); ++i) {
      QVERIFY(i == gate || i == gate + 1 ? step[i] / whole[i] < 1 && step[i] / whole[i] > 0.01 : step[i] == whole[i]);
      y[i] = x[i] + step[i];
    }
    QVERIFY(std::isfinite(objective.evaluate(y, nullptr, nullptr, {})));
  }
  void genesTakeTheBetterExplanationOfTheirZeros() {
    // Gene 1 is silent in nine cells of ten and strong in the others: a gate near 0.9, or a dispersion near 0.
    data::CountMatrix counts;
    counts.n_cells = 300;
    counts.n_genes = 5;
    for (std::int64_t c = 0; c < counts.n_cells; ++c) {
      math::Random random(3, math::Purpose::Test, static_cast<std::uint64_t>(c));
      const double depth = std::exp(0.4 * random.normal());
      for (std::uint32_t g = 0; g < 5; ++g) {
        if (g == 1 && random.uniform() < 0.9) continue;
        const auto u = random.negative_binomial(3, depth * (g == 1 ? 25 : 2) / 3);
        if (u == 0) continue;
        counts.gene.push_back(g);
        counts.count.push_back(static_cast<data::Count>(u));
      }
      counts.row_start.push_back(counts.nnz());
    }
    const auto summary = summary::summarise(counts, 1, {});
    for (const char* likelihood : {"zinb", "zinbvcp"}) {
      model::Model m;
      m.likelihood = likelihood;
      const Problem p(m, summary, &counts);
      Objective objective(p, 1);
      auto x = objective.start();
      objective.choose_nodes(x);
      const double before = objective.evaluate(x, nullptr, nullptr, {});
      const double gained = objective.improve_genes(x, {});
      objective.choose_nodes(x);
      const double after = objective.evaluate(x, nullptr, nullptr, {});
      QVERIFY(gained > 0);
      QVERIFY2(std::fabs(before - after - gained) < 1e-3 * gained,
               qPrintable(QString::number(before - after - gained)));
      const double gate = 1 / (1 + std::exp(-x[objective.gene_at(1) + 2]));  // the mean of its Beta
      QVERIFY2(gate > 0.8, qPrintable(QString::number(gate)));
      if (p.capture) continue;
      // At the joint optimum there is nothing more to find.
      MinimiseState state;
      state.x = x;
      QVERIFY(minimise(objective, state, 1e-3, 200, 1, {}, {}, [](double, double) {}).converged);
      QVERIFY(objective.improve_genes(state.x, {}) < 0.1);
    }
  }
  void sameBitsAtAnyNumberOfThreads() {
    const auto counts = testing::simulated_counts(200, 150);
    const auto summary = summary::summarise(counts, 1, {});
    for (const char* likelihood : {"nbvcp", "zinbvcp"}) {
      model::Model m;
      m.likelihood = likelihood;
      const Problem p(m, summary, &counts);
      Objective one(p, 1), four(p, 4);
      const auto x = one.start();
      std::vector<double> a, b;
      one.choose_nodes(x);
      four.choose_nodes(x);
      QCOMPARE(one.evaluate(x, &a, nullptr, {}), four.evaluate(x, &b, nullptr, {}));
      QVERIFY(a == b);
    }
  }
};

QTEST_GUILESS_MAIN(TestObjective)
#include "tst_objective.moc"
