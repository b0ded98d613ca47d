#include <QtTest>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/perturbation/score.hpp"
#include "simulated_screen.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

using Made = simulated_screen::Prepared;
using simulated_screen::refusal;
using simulated_screen::remake;
Made make(const std::string& split = "", const simulated_screen::Options& options = {}) {
  return simulated_screen::prepare(split, options);
}
Scores score(const Made& made, const ScoreOptions& options = {}) {
  return mixscale(*made.x, made.signature, made.screen, options);
}
std::vector<std::string>& column(Made& made, std::size_t which) {
  return std::get<std::vector<std::string>>(made.simulated.data.cells.columns[which].values);
}

}  // namespace

class TestScore : public QObject {
  Q_OBJECT
 private slots:
  void projectionIsTheFormula() {
    const auto made = make("rep");
    ScoreOptions options;
    options.leave_one_out = true;
    options.threads = 2;
    const auto found = score(made, options);
    QVERIFY(found.groups.size() >= 4);
    for (const GroupScore& group : found.groups) {
      const std::size_t m = group.markers.size(), n = group.cells.size();
      auto a = made.signature.columns(group.cells, group.markers);
      scale_columns(a, m, 10);
      std::vector<double> v(m, 0);
      double vv = 0;
      for (std::size_t j = 0; j < m; ++j) {
        double target = 0, controls = 0;
        for (std::size_t i = 0; i < n; ++i) (i < group.n_target ? target : controls) += a[i * m + j];
        v[j] = target / static_cast<double>(group.n_target) - controls / static_cast<double>(n - group.n_target);
        vv += v[j] * v[j];
        QVERIFY(std::fabs(v[j] - group.direction[j]) < 1e-12);
      }
      double target = 0, controls = 0;
      for (std::size_t i = 0; i < n; ++i) {
        double along = 0;
        for (std::size_t j = 0; j < m; ++j) along += a[i * m + j] * v[j];
        QVERIFY(std::fabs(group.projection[i] - along / vv) < 1e-12);
        for (std::size_t j = 0; j < m; ++j)
          QVERIFY(std::fabs(group.leave_one_out[i * m + j] - (along - a[i * m + j] * v[j]) / (vv - v[j] * v[j])) <
                  1e-10);
        (i < group.n_target ? target : controls) += group.projection[i];
        if (i < group.n_target) QCOMPARE(found.score[group.cells[i]], standardised(group, i));
      }
      // The target's mean is 1 above the controls', whatever the data.
      QVERIFY(std::fabs(target / static_cast<double>(group.n_target) -
                        controls / static_cast<double>(n - group.n_target) - 1) < 1e-12);
      GroupScore later = group;
      later.leave_one_out.clear();
      add_leave_one_out(later, made.signature, true);
      QCOMPARE(later.leave_one_out, group.leave_one_out);
    }
  }

  void respondersScoreAboveTheOthers() {
    const auto made = make();
    const auto found = score(made);
    double responders = 0, others = 0, n1 = 0, n0 = 0;
    for (const auto cell : made.screen.cells_of(made.screen.target_code("T0")))
      if (made.simulated.responds[cell]) {
        responders += found.score[cell];
        ++n1;
      } else {
        others += found.score[cell];
        ++n0;
      }
    QVERIFY(responders / n1 > others / n0 + 2);
  }

  void scaledColumns() {
    std::vector<double> a{0, 7, 1, 7, 2, 7, 100, 7};
    scale_columns(a, 2, 1.2);
    QCOMPARE(a[1], 0.0);  // constant
    QCOMPARE(a[6], 1.2);  // cut above
    std::vector<double> b{0, 1, 2, -100};
    scale_columns(b, 1, 1.2);
    QVERIFY(b[3] < -1.2);  // and not below
  }

  void controlsZeroUnscoredOneUnknownNaN() {
    auto made = make();
    made.simulated.data.cells.columns[0].missing.assign(600, 0);
    made.simulated.data.cells.columns[0].missing[5] = 1;
    remake(made, "");
    const auto found = score(made);
    QVERIFY(std::isnan(found.score[5]));
    QVERIFY(!found.notes.empty());
    for (const auto cell : made.screen.cells_of(made.screen.control)) QCOMPARE(found.score[cell], 0.0);
    const auto t = made.screen.target_code("T3");  // no effect
    QVERIFY(found.markers[t].empty());
    QVERIFY(found.reason[t].find("too few marker genes") != std::string::npos);
    for (const auto cell : made.screen.cells_of(t)) QCOMPARE(found.score[cell], 1.0);
  }

  void targetInOneGroupOnly() {
    auto made = make("rep");
    for (const auto cell : made.screen.cells_of(made.screen.target_code("T0")))
      if (column(made, 2)[cell] == "r1") column(made, 0)[cell] = "T1";
    remake(made, "rep");
    const auto found = score(made);
    const auto t = made.screen.target_code("T0");
    QCOMPARE(std::count_if(found.groups.begin(), found.groups.end(), [&](const auto& g) { return g.target == t; }), 1);
    QVERIFY(found.reason[t].empty());
  }

  void byRuleROtherGroupsAreNaN() {
    const auto made = make("rep");
    auto screen = made.screen;
    for (const auto cell : screen.cells_of(screen.control, 0)) screen.target.code[cell] = screen.target_code("T2");
    const auto t = screen.target_code("T0");
    const auto py = mixscale(*made.x, made.signature, screen, {});
    ScoreOptions options = score_defaults(Rule::R);
    options.markers.test = Test::RankSum;
    const auto r = mixscale(*made.x, made.signature, screen, options);
    for (const auto cell : screen.cells_of(t, 0)) {
      QCOMPARE(py.score[cell], 1.0);
      QVERIFY(std::isnan(r.score[cell]));
    }
    for (const auto cell : screen.cells_of(t, 1)) QCOMPARE(py.score[cell], r.score[cell]);
  }

  void targetWithOneCell() {
    auto made = make();
    column(made, 0)[0] = "ALONE";
    remake(made, "");
    const auto found = score(made);
    const auto t = made.screen.target_code("ALONE");
    QVERIFY(found.reason[t].find("1 cell") != std::string::npos);
    QCOMPARE(found.score[0], 1.0);
    // With a list of the user it is scored: nothing is tested.
    ScoreOptions options;
    options.de_genes_by_target = {{"ALONE", {"gene1", "gene2", "gene3", "gene4", "gene5"}}};
    QVERIFY(score(made, options).reason[t].empty());
  }

  void userLists() {
    const auto made = make();
    ScoreOptions options;
    options.markers.min_de_genes = 1;
    options.de_genes_by_target = {
        {"T0", {"gene3", "absent", "gene9", "gene3"}}, {"T1", {"gene7"}}, {"nobody", {"gene1"}}};
    const auto found = score(made, options);
    const auto t0 = made.screen.target_code("T0"), t1 = made.screen.target_code("T1"),
               t2 = made.screen.target_code("T2");
    QCOMPARE(found.markers[t0], (std::vector<std::int64_t>{3, 9}));
    QVERIFY(!found.reason[t2].empty());
    const auto notes = nlohmann::json(found.notes).dump();
    QVERIFY(notes.find("absent") != std::string::npos && notes.find("nobody") != std::string::npos &&
            notes.find("T2") != std::string::npos);
    // One marker: leaving it out leaves nothing.
    for (GroupScore group : found.groups)
      if (group.target == t1) {
        add_leave_one_out(group, made.signature, true);
        for (const double one : group.leave_one_out) QVERIFY(std::isnan(one));
      }
    options.rule = Rule::R;
    QCOMPARE(score(made, options).markers[t0], (std::vector<std::int64_t>{3, 9, 3}));
    options.markers.min_de_genes = 50;
    QVERIFY(score(made, options).groups.empty());
  }

  void fineModeStringsGuidesTogether() {
    const auto made = make();
    ScoreOptions options;
    options.fine_mode = true;
    options.markers.min_de_genes = 1;
    const auto found = mixscale_markers(*made.x, made.screen, options);
    const auto t = made.screen.target_code("T0");
    std::vector<std::int32_t> order;
    for (const auto cell : made.screen.cells_of(t))
      if (std::find(order.begin(), order.end(), made.screen.guide.code[cell]) == order.end())
        order.push_back(made.screen.guide.code[cell]);
    QCOMPARE(order.size(), std::size_t{3});
    std::vector<std::int64_t> wanted;
    for (const auto guide : order) {
      Groups groups{std::vector<std::int32_t>(600, -1), 1};
      for (const auto cell : made.screen.cells_of(made.screen.control)) groups.of_cell[cell] = 0;
      for (const auto cell : made.screen.cells_of(t))
        if (made.screen.guide.code[cell] == guide) groups.of_cell[cell] = 1;
      for (const auto gene : select_ordered(test_markers(*made.x, groups, options.markers)[0], options.markers, false))
        if (std::find(wanted.begin(), wanted.end(), gene) == wanted.end()) wanted.push_back(gene);
    }
    QCOMPARE(found.markers[t], wanted);
    Screen without = made.screen;
    without.guide.names.clear();
    QVERIFY(!refusal([&] { mixscale_markers(*made.x, without, options); }).empty());
  }

  void harmonisedNumbers() {
    using Sizes = std::optional<std::vector<std::int64_t>>;
    QCOMPARE(harmonised_sizes({23, 41}, {49, 47}, 0.1), (Sizes{{26, 46}}));
    QCOMPARE(harmonised_sizes({10, 10}, {100, 1}, 0.1), Sizes{});  // one group left
    QCOMPARE(harmonised_sizes({10, 10, 10}, {100, 80, 1}, 0.1), (Sizes{{80, 80, 0}}));
    QCOMPARE(harmonised_sizes({10, 0}, {100, 80}, 0.1), Sizes{});
    QCOMPARE(harmonised_sizes({10, 5}, {100, 0}, 0.1), Sizes{});
    QCOMPARE(harmonised_sizes({10}, {100}, 0.1), Sizes{});
  }

  void harmonisedControls() {
    const auto made = make("rep");
    ScoreOptions options;
    options.harmonize = true;
    const auto once = mixscale_markers(*made.x, made.screen, options);
    QCOMPARE(once.markers, mixscale_markers(*made.x, made.screen, options).markers);
    options.drawn_controls = {{"T0", {made.screen.cells_of(0).front()}}};
    QVERIFY(refusal([&] { mixscale_markers(*made.x, made.screen, options); }).find("T0") != std::string::npos ||
            made.screen.control == 0);
    options.drawn_controls.clear();
    options.rule = Rule::R;
    const auto r = mixscale_markers(*made.x, made.screen, options);
    options.harmonize = false;
    QCOMPARE(r.markers, mixscale_markers(*made.x, made.screen, options).markers);
  }

  void threadsChangeNothing() {
    const auto made = make("rep");
    ScoreOptions one, four;
    one.threads = 1;
    four.threads = 4;
    const auto scores = score(made, one).score, again = score(made, four).score;
    QCOMPARE(scores, again);
  }

  void withoutSignature() {
    const auto made = make();
    QVERIFY(refusal([&] { mixscale(*made.x, {}, made.screen, {}); }).find("Run the signature first") !=
            std::string::npos);
  }

  void optionsGoThroughJson() {
    ScoreOptions options = score_defaults(Rule::R);
    options.fine_mode = true;
    options.markers.max_de_genes = 7;
    options.de_genes_by_target = {{"A", {"b", "c"}}};
    options.seed = 9;
    const nlohmann::json json = options;
    QCOMPARE(nlohmann::json(json.get<ScoreOptions>()), json);
    QVERIFY(json.get<ScoreOptions>().markers.test == Test::LikelihoodRatio);
  }
};

QTEST_GUILESS_MAIN(TestScore)
#include "tst_score.moc"
