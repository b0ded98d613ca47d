#include <QtTest>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/perturbation/call.hpp"
#include "core/perturbation/discriminant.hpp"
#include "core/perturbation/verdict.hpp"
#include "simulated_screen.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

using Made = simulated_screen::Prepared;
Made make(const std::string& split = "", const simulated_screen::Options& options = {}) {
  return simulated_screen::prepare(split, options);
}
Calls call(const Made& made, const CallOptions& options = {}) {
  return mixscape(*made.x, made.signature, made.screen, options);
}

std::vector<double> two_groups(std::size_t n, double share, double apart) {
  std::vector<double> x;
  for (std::size_t i = 0; i < n; ++i) {
    math::Random random(3, math::Purpose::Test, i);
    x.push_back(random.normal() + (random.uniform() < share ? apart : 0));
  }
  return x;
}

}  // namespace

class TestCall : public QObject {
  Q_OBJECT
 private slots:
  void mixtureFindsItsParameters() {
    const auto x = two_groups(20'000, 0.3, 4);
    const TwoNormals start{{0.5, 0.5}, {0, 2}, {1, 2}};
    for (const TwoNormals& fit : {fit_two_normals(x, start), fit_two_normals_closely(x, start)}) {
      QVERIFY(fit.converged);
      QCOMPARE(fit.mean[0], 0.0);  // held
      QCOMPARE(fit.sd[0], 1.0);
      QVERIFY(std::fabs(fit.mean[1] - 4) < 0.1);
      QVERIFY(std::fabs(fit.sd[1] - 1) < 0.1);
      QVERIFY(std::fabs(fit.weight[1] - 0.3) < 0.02);
    }
    std::vector<TwoNormals> steps;
    fit_two_normals(x, start, &steps);
    for (std::size_t i = 1; i < steps.size(); ++i)
      QVERIFY(steps[i].log_likelihood >= steps[i - 1].log_likelihood - 1e-6);
  }

  void posteriorIsBayesRule() {
    const TwoNormals fit{{0.7, 0.3}, {0, 3}, {1, 2}};
    const auto density = [](double x, double mean, double sd) {
      return std::exp(-0.5 * (x - mean) * (x - mean) / sd / sd) / sd;
    };
    for (const double x : {-2.0, 0.5, 1.9, 6.0}) {
      const double a = density(x, 0, 1), b = density(x, 3, 2);
      QVERIFY(std::fabs(posterior_of_second(fit, x, true) - 0.3 * b / (0.7 * a + 0.3 * b)) < 1e-12);
      QVERIFY(std::fabs(posterior_of_second(fit, x, false) - b / (a + b)) < 1e-12);
    }
  }

  void respondersAreCalled() {
    const auto made = make("", {.cells = 1500, .genes = 200, .effect_genes = 30, .counts = 3000});
    for (const Rule rule : {Rule::Py, Rule::R}) {
      const auto found = call(made, call_defaults(rule));
      double right = 0, responders = 0, wrong = 0, quiet = 0;
      for (std::int64_t i = 0; i < made.screen.n_cells; ++i) {
        const bool perturbed = found.state[i] == CellState::Perturbed;
        if (made.screen.target.code[i] == made.screen.control) {
          QVERIFY(found.state[i] == CellState::Control);
          QCOMPARE(found.posterior[i], 0.0);
          continue;
        }
        (made.simulated.responds[i] ? responders : quiet) += 1;
        if (made.simulated.responds[i] && perturbed) ++right;
        if (!made.simulated.responds[i] && perturbed) ++wrong;
        QCOMPARE(perturbed, found.posterior[i] > 0.5);
      }
      QVERIFY(right / responders > 0.9);
      QVERIFY(wrong / quiet < 0.1);
    }
  }

  void classesAreTheReferencesWords() {
    auto made = make();
    made.screen.target.names[made.screen.control] = "no target";
    auto found = call(made);
    const auto control = made.screen.cells_of(made.screen.control).front();
    const auto names = [](const analysis::Labels& labels, std::int64_t i) {
      return labels.code[i] < 0 ? std::string() : labels.names[labels.code[i]];
    };
    QCOMPARE(names(found.classes(made.screen), control), std::string("no target"));
    QCOMPARE(names(found.global_classes(made.screen), control), std::string("no target"));
    const auto quiet = made.screen.cells_of(made.screen.target_code("T3")).front();
    QCOMPARE(names(found.classes(made.screen), quiet), std::string("T3 NP"));
    QCOMPARE(names(found.global_classes(made.screen), quiet), std::string("NP"));
    found.state[quiet] = CellState::TooFewPerturbed;
    QCOMPARE(names(found.classes(made.screen), quiet), std::string("NP"));
    found.state[quiet] = CellState::Unknown;
    QCOMPARE(names(found.classes(made.screen), quiet), std::string());
  }

  void tooFewPerturbedCellsAreNone() {
    const auto made = make();
    CallOptions options;
    options.min_cells = 1000;
    const auto found = call(made, options);
    for (const auto cell : made.screen.cells_of(made.screen.target_code("T0")))
      QVERIFY(found.state[cell] == CellState::TooFewPerturbed);
    QVERIFY(std::count(found.state.begin(), found.state.end(), CellState::Perturbed) == 0);
  }

  void markersWithinGroups() {
    const auto made = make("rep", {.cells = 1200});
    const auto found = call(made);
    for (const GroupCall& group : found.groups) {
      const auto tables = markers_of_targets(*made.x, made.screen, group.split, {});
      QCOMPARE(group.markers, select_all(tables[group.target], {}));
      QVERIFY(group.markers.empty() == group.projection.empty());
    }
  }

  void threadsChangeNothing() {
    const auto made = make("rep");
    CallOptions one, four;
    one.threads = 1;
    four.threads = 4;
    QCOMPARE(call(made, one).posterior, call(made, four).posterior);
  }

  void withoutSignature() {
    const auto made = make();
    QVERIFY_THROWS_EXCEPTION(Error, mixscape(*made.x, {}, made.screen, {}));
  }

  void optionsGoThroughJson() {
    CallOptions options = call_defaults(Rule::R);
    options.min_cells = 3;
    options.perturbation_type = "KD";
    const nlohmann::json json = options;
    QCOMPARE(nlohmann::json(json.get<CallOptions>()), json);
  }

  void discriminantTellsTargetsApart() {
    const auto made = make("", {.cells = 1500, .genes = 150, .targets = 6, .effect_genes = 30, .counts = 3000});
    const auto found = discriminant(*made.x, made.screen, call(made), {.components = 5, .threads = 2});
    QCOMPARE(found.axes, 3);  // three targets with an effect, and the controls
    const auto once = discriminant(*made.x, made.screen, call(made), {.components = 5, .threads = 1});
    QCOMPARE(found.coordinates, once.coordinates);
    // Within classes the axes have variance n/(n − K)… over n: 1.
    std::map<std::int32_t, std::pair<double, std::vector<double>>> groups;
    for (std::size_t i = 0; i < found.cells.size(); ++i)
      groups[found.label[i]].second.push_back(found.coordinates[i * 3]);
    double squares = 0;
    for (auto& [label, group] : groups) {
      for (const double value : group.second) group.first += value / static_cast<double>(group.second.size());
      for (const double value : group.second) squares += (value - group.first) * (value - group.first);
    }
    QVERIFY(std::fabs(squares / static_cast<double>(found.cells.size()) - 1) < 1e-6);
    double sum = 0;
    for (const double share : found.explained) sum += share;
    QVERIFY(std::fabs(sum - 1) < 1e-9);
  }

  void nothingToTellApart() {
    const auto made = make();
    Calls calls = call(made);
    for (auto& state : calls.state)
      if (state == CellState::Perturbed) state = CellState::NotPerturbed;
    QVERIFY_THROWS_EXCEPTION(Error, discriminant(*made.x, made.screen, calls, {}));
  }

  void verdicts() {
    auto made = make("", {.cells = 2000, .genes = 150, .effect_genes = 30, .counts = 3000});
    // One guide of T1 does nothing: its cells become those that do not respond.
    auto screen = made.screen;
    const auto t1 = screen.target_code("T1");
    for (const auto cell : screen.cells_of(t1))
      screen.guide.code[cell] = made.simulated.responds[cell] ? (cell % 2 ? 0 : 1) : 2;
    for (int i = 0; i < 3; ++i) screen.target.code[screen.cells_of(screen.target_code("T3")).front()] = -1;
    const auto scores = mixscale(*made.x, made.signature, screen, {});
    const auto calls = mixscape(*made.x, made.signature, screen, {});
    const auto found = judge_targets(*made.x, screen, &scores, &calls);
    QCOMPARE(found.size(), std::size_t{4});
    std::map<std::string, TargetSummary> by_name;
    for (const auto& one : found) by_name[screen.target.names[one.target]] = one;
    QVERIFY(by_name["T0"].verdict == TargetVerdict::Effect);
    QVERIFY(by_name["T1"].verdict == TargetVerdict::GuidesDisagree);
    QVERIFY(by_name["T3"].verdict == TargetVerdict::TooFewMarkers);
    QVERIFY(by_name["T0"].auc > 0.7 && by_name["T0"].share_perturbed > 0.3);
    QCOMPARE(by_name["T0"].guides, std::int64_t{3});
    QVERIFY(std::isnan(by_name["T0"].log2fc_own));  // no gene of that name
    QVERIFY(screen.target.names[found[0].target] == "T0" || screen.target.names[found[0].target] == "T1");
    const auto few = judge_targets(*made.x, screen, &scores, nullptr, {.min_cells = 100'000});
    for (const auto& one : few) QVERIFY(one.verdict == TargetVerdict::TooFewCells);
    QVERIFY_THROWS_EXCEPTION(Error, judge_targets(*made.x, screen, nullptr, nullptr));
  }

  void ownGene() {
    auto made = make();
    made.screen.genes[17] = "T2";
    const auto calls = call(made);
    const auto found = judge_targets(*made.x, made.screen, nullptr, &calls);
    const auto table = markers_of_targets(*made.x, made.screen, -1, {})[made.screen.target_code("T2")];
    for (const auto& one : found)
      if (made.screen.target.names[one.target] == "T2") {
        QCOMPARE(one.log2fc_own, table.log2fc[17]);
        QCOMPARE(one.p_own, table.p[17]);
      } else {
        QVERIFY(std::isnan(one.log2fc_own));
      }
  }
};

QTEST_GUILESS_MAIN(TestCall)
#include "tst_call.moc"
