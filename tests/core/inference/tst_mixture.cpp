#include <QtTest>

#include "../compute/fake_device.hpp"
#include "core/compute/device_backend.hpp"
#include "core/inference/minimise.hpp"
#include "core/inference/mixing.hpp"
#include "core/inference/mixture_objective.hpp"
#include "core/inference/solver.hpp"
#include "core/result/components.hpp"
#include "core/result/estimates.hpp"
#include "core/result/likelihood.hpp"
#include "simulated.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

class TestMixture : public QObject {
  Q_OBJECT

  static model::Model mixture_of(const char* likelihood, const char* parameterization, std::int64_t k) {
    model::Model m;
    m.likelihood = likelihood;
    m.parameterization = parameterization;
    m.components = k;
    return m;
  }
  static std::vector<double> random_shares(std::size_t cells, std::size_t k, std::uint64_t seed) {
    std::vector<double> out(cells * k);
    for (std::size_t c = 0; c < cells; ++c) {
      math::Random random(seed, math::Purpose::Test, c);
      double sum = 0;
      for (std::size_t j = 0; j < k; ++j) sum += out[c * k + j] = random.gamma(0.5);
      for (std::size_t j = 0; j < k; ++j) out[c * k + j] /= sum;
    }
    return out;
  }
  /// Cells and the model of a row of every_model().
  struct Row {
    data::CountMatrix counts;
    data::Missing missing;
    summary::CountSummary summary;
    model::Model model;
  };
  static Row row(std::int64_t cells, std::int64_t genes, std::int64_t components) {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    QFETCH(bool, some_missing);
    Row out;
    out.counts = testing::simulated_counts(cells, genes);
    if (some_missing) out.missing = testing::take_out(out.counts);
    out.summary = summary::summarise(out.counts, 1, {}, out.missing);
    out.model = mixture_of(likelihood.toUtf8(), parameterization.toUtf8(), components);
    return out;
  }
  static void every_model() {
    QTest::addColumn<QString>("likelihood");
    QTest::addColumn<QString>("parameterization");
    QTest::addColumn<bool>("some_missing");
    for (const auto& likelihood : model::likelihoods())
      for (const auto& kind : model::parameterizations())
        for (const bool missing : {false, true})
          QTest::newRow((likelihood.key + " " + kind.key + (missing ? " missing" : "")).c_str())
              << QString::fromStdString(likelihood.key) << QString::fromStdString(kind.key) << missing;
  }

 private slots:
  void scoresAreThoseOfTheLoss_data() { every_model(); }
  /// The collapsed expectation over cells, weighted, is the expected log likelihood of the components' losses.
  void scoresAreThoseOfTheLoss() {
    const auto [counts, missing, summary, model] = row(40, 17, 3);
    const std::size_t k = 3, cells = 40;
    MixtureObjective objective(model, summary, counts, 2);
    objective.share_out(random_shares(cells, k, 1));
    auto x = objective.start();
    objective.choose_nodes(x);
    const auto scores = objective.scores(x, {});
    for (const std::uint64_t seed : {2, 3, 4}) {
      const auto share = random_shares(cells, k, seed);
      objective.share_out(share);
      const double loss = objective.evaluate(x, nullptr, nullptr, {});
      double expected = 0;
      for (std::size_t i = 0; i < scores.size(); ++i) expected += share[i] * scores[i];
      const double wanted = objective.divergence() - loss;
      QVERIFY2(std::fabs(expected - wanted) < 1e-10 * std::fabs(wanted),
               qPrintable(QString("%1 where %2").arg(expected, 0, 'g', 17).arg(wanted, 0, 'g', 17)));
    }
  }

  void scoresAreTheSameOnADevice_data() { every_model(); }
  void scoresAreTheSameOnADevice() {
    const auto [counts, missing, summary, model] = row(40, 17, 3);
    fake_device::state() = {};
    const auto device = compute::device_backend(fake_device::api(), 0, "fake", 1);
    const auto scores = [&](const compute::Backend* gpu) {
      MixtureObjective objective(model, summary, counts, 2, gpu);
      objective.share_out(random_shares(40, 3, 1));
      auto x = objective.start();
      objective.choose_nodes(x);
      return objective.scores(x, {});
    };
    const auto here = scores(nullptr), there = scores(device.get());
    QVERIFY(fake_device::state().launches > 0);
    QCOMPARE(there.size(), here.size());
    for (std::size_t i = 0; i < here.size(); ++i)
      QVERIFY(std::fabs(there[i] - here[i]) <= 1e-12 * std::max(1.0, std::fabs(here[i])));
  }

  void cellsElsewhereAreScoredAlike_data() { every_model(); }
  /// A component passes over cells that it has no share of, and still says of each what it says of others; one that has
  /// no cell at all is left to its prior.
  void cellsElsewhereAreScoredAlike() {
    const auto [counts, missing, summary, model] = row(40, 17, 3);
    const std::size_t k = 3, cells = 40;
    MixtureObjective objective(model, summary, counts, 2);
    objective.share_out(random_shares(cells, k, 1));
    const auto x = objective.start();
    objective.choose_nodes(x);
    const auto scores = objective.scores(x, {});
    std::vector<double> hard(cells * k, 0.0);
    for (std::size_t c = 0; c < cells; ++c) hard[c * k + c % 2] = 1;
    objective.share_out(hard);
    const auto again = objective.scores(x, {});
    for (std::size_t i = 0; i < scores.size(); ++i)
      QVERIFY2(std::fabs(scores[i] - again[i]) < 1e-10 * std::max(1.0, std::fabs(scores[i])),
               qPrintable(QString("%1 where %2").arg(again[i], 0, 'g', 17).arg(scores[i], 0, 'g', 17)));
    MinimiseState state;
    state.x = x;
    minimise(objective, state, 1e-4, 15, 2, {}, {}, [](double, double) {});
    const auto theirs = sites_at(objective.part(2), objective.of_part(state.x, 2));
    for (const auto& site : theirs) {
      if (site.extent != model::Extent::Gene || site.name == "gate") continue;
      for (std::size_t g = 0; g < 17; ++g)
        QVERIFY(std::fabs(site.arg1[g]) < 0.02 && std::fabs(site.arg2[g] - 1) < 0.02);  // LogNormal(0, 1)
    }
  }

  void scoresOfPointsAreLogLikelihoods_data() { every_model(); }
  /// With marginals that are all but points, the scores are the dense log likelihood cell by cell.
  void scoresOfPointsAreLogLikelihoods() {
    auto [counts, missing, summary, model] = row(30, 13, 2);
    model.unconstrained = true;  // all marginals are Normals
    MixtureObjective objective(model, summary, counts, 1);
    objective.share_out(random_shares(30, 2, 1));
    auto x = objective.start();
    for (std::size_t i = 1; i < x.size(); i += 2) x[i] = std::log(1e-7);
    objective.choose_nodes(x);
    const auto scores = objective.scores(x, {});
    result::LikelihoodOptions options;
    options.guards = result::Guards::None;
    options.missing = &missing;
    for (std::size_t k = 0; k < 2; ++k) {
      const auto one = model::component_model(model);
      const auto point =
          result::map_estimate(one, sites_at(objective.part(k), objective.of_part(x, k)), {.canonical = false});
      const auto found = result::log_likelihood(one, point, counts, options, {}).by_cell;
      for (std::size_t c = 0; c < found.size(); ++c)
        QVERIFY2(std::fabs(scores[c * 2 + k] - found[c]) < 1e-6 * std::max(1.0, std::fabs(found[c])),
                 qPrintable(QString("cell %1: %2 where %3").arg(c).arg(scores[c * 2 + k]).arg(found[c])));
    }
  }

  void movedCellsGainWhatIsPromised_data() {
    QTest::addColumn<QString>("parameterization");
    QTest::addColumn<bool>("organism");
    for (const char* kind : {"canonical", "mean_prob", "mean_odds"})
      for (const bool organism : {false, true})
        QTest::addRow("%s%s", kind, organism ? " organism" : "") << QString(kind) << organism;
  }
  /// Cells that are tried in other components, each with a capture of its own, lower the loss by what move_cells()
  /// says.
  void movedCellsGainWhatIsPromised() {
    QFETCH(QString, parameterization);
    QFETCH(bool, organism);
    const std::size_t k = 3, cells = 60;
    const auto counts = testing::two_kinds(60, 40, 5);
    const auto summary = summary::summarise(counts, 1, {});
    auto model = mixture_of("nbvcp", parameterization.toUtf8(), 3);
    if (organism) model.capture_prior = model::organism_capture_prior("human");
    MixtureObjective objective(model, summary, counts, 2);
    auto share = random_shares(cells, k, 9);
    objective.share_out(share);
    auto x = objective.start();
    // Captures of cells that belong somewhere: far from what the other components would have.
    for (std::size_t c = 0; c < cells; ++c) x[objective.cell_at(c)] += c % 2 ? 1.5 : -1.5;
    objective.choose_nodes(x);
    const std::vector<double> log_weight(share.size(), std::log(1.0 / static_cast<double>(k)));
    const auto loss = [&] {
      double sum = objective.evaluate(x, nullptr, nullptr, {});
      for (std::size_t i = 0; i < share.size(); ++i)
        if (share[i] > 0) sum += share[i] * (std::log(share[i]) - log_weight[i]);
      return sum;
    };
    share = objective.scores(x, {});
    for (std::size_t c = 0; c < cells; ++c) math::softmax(&share[c * k], k);  // alike weights drop out
    objective.share_out(share);
    const double before = loss(), gain = objective.move_cells(x, share, log_weight, 0.01, {}), after = loss();
    QVERIFY(gain > 1);
    QVERIFY2(std::fabs(before - after - gain) < 1e-6 * std::fabs(before) + 1e-3,
             qPrintable(QString("%1 where %2 was promised").arg(before - after).arg(gain)));
    for (std::size_t c = 0; c < cells; ++c) {
      double sum = 0;
      for (std::size_t j = 0; j < k; ++j) sum += share[c * k + j];
      QVERIFY(std::fabs(sum - 1) < 1e-12);
    }
  }

  /// Newton steps of the joint system lower the loss as they promise, with shared captures and with one scalar for all.
  void newtonStepsPromiseWhatTheyGain() {
    const auto counts = testing::two_kinds(60, 12, 5);
    const auto summary = summary::summarise(counts, 1, {}, {});
    for (const char* likelihood : {"nbdm", "nbvcp", "zinbvcp"})
      for (const bool shared : {false, true}) {
        auto model = mixture_of(likelihood, "canonical", 2);
        if (shared)
          model.mixture_params = std::string(likelihood) == "zinbvcp" ? std::vector<std::string>{"r", "gate"}
                                                                      : std::vector<std::string>{"r"};
        MixtureObjective objective(model, summary, counts, 2);
        objective.share_out(random_shares(60, 2, 7));
        MinimiseState state;
        state.x = objective.start();
        double last = INFINITY;
        bool falls = true;
        const auto end = minimise(objective, state, 1e-6, 300, 2, {}, {}, [&](double loss, double) {
          falls = falls && loss <= last + 1e-6;
          last = loss;
        });
        QVERIFY2(end.converged, likelihood);
        QVERIFY2(falls, likelihood);
        // A minimum: no step to either side is lower.
        objective.choose_nodes(state.x);
        const double here = objective.evaluate(state.x, nullptr, nullptr, {});
        for (std::size_t i = 0; i < state.x.size(); i += 7)
          for (const double step : {-0.02, 0.02}) {
            auto y = state.x;
            y[i] += step;
            QVERIFY2(objective.evaluate(y, nullptr, nullptr, {}) > here - 1e-4, likelihood);
          }
      }
  }

  /// No other concentrations are better, with and without an annotation.
  void mixingPosteriorIsTheBest() {
    const std::vector<double> cells = {30, 5, 12};
    std::vector<double> logits(47 * 3, 0.0);
    for (std::size_t c = 0; c < 20; ++c) logits[c * 3 + c % 3] = 3;
    for (const bool annotated : {false, true}) {
      MixingPosterior mixing({1, 2, 0.5}, annotated ? std::span<const double>(logits) : std::span<const double>());
      mixing.update(cells);
      const auto best = mixing.concentration();
      if (!annotated) QCOMPARE(best, (std::vector<double>{31, 7, 12.5}));
      const auto loss = [&](const std::vector<double>& alpha) {
        mixing.set(alpha);
        std::vector<double> weights(logits.size(), 0.0);
        mixing.add_log_weights(weights);
        double value = mixing.divergence();
        for (std::size_t i = 0; i < weights.size(); ++i) value -= cells[i % 3] / 47 * weights[i];
        return value;
      };
      const double here = loss(best);
      for (std::size_t j = 0; j < 3; ++j)
        for (const double by : {0.97, 1.03}) {
          auto other = best;
          other[j] *= by;
          QVERIFY(loss(other) > here);
        }
    }
  }

  void findsTheKinds_data() {
    QTest::addColumn<QString>("likelihood");
    QTest::addColumn<QString>("parameterization");
    for (const auto& likelihood : model::likelihoods())
      for (const char* kind : {"canonical", "mean_odds", "mean_disp"})
        QTest::newRow((likelihood.key + " " + kind).c_str()) << QString::fromStdString(likelihood.key) << QString(kind);
  }
  void findsTheKinds() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    const auto counts = testing::two_kinds(120, 24, 3);
    const auto summary = summary::summarise(counts, 1, {}, {});
    const auto model = mixture_of(likelihood.toUtf8(), parameterization.toUtf8(), 2);
    FitOptions options;
    options.restarts = 2;
    const auto fitted = fit({model, &summary, &counts}, options, nullptr, {});
    QVERIFY2(fitted.convergence.converged, fitted.convergence.verdict.c_str());
    // Falls within each start; the second start begins anew.
    int rises = 0;
    for (std::size_t i = 1; i < fitted.trace.size(); ++i)
      rises += fitted.trace[i].loss > fitted.trace[i - 1].loss + 1e-9 * std::fabs(fitted.trace[i].loss);
    QVERIFY(rises <= 1);
    const auto& mixing = fitted.posterior.site("mixing_weights");
    QCOMPARE(mixing.components, std::int64_t{2});
    QVERIFY(mixing.arg1[0] > mixing.arg1[1]);  // the larger kind first
    QVERIFY(std::fabs(mixing.arg1[0] - 81) < 6);
    // The same bits at another number of threads.
    options.threads = 3;
    const auto again = fit({model, &summary, &counts}, options, nullptr, {});
    for (std::size_t s = 0; s < fitted.posterior.sites.size(); ++s) {
      QCOMPARE(again.posterior.sites[s].arg1, fitted.posterior.sites[s].arg1);
      QCOMPARE(again.posterior.sites[s].arg2, fitted.posterior.sites[s].arg2);
    }
    QCOMPARE(again.loss, fitted.loss);
  }

  void annotationKeepsItsOrder() {
    const auto counts = testing::two_kinds(120, 24, 3);
    const auto summary = summary::summarise(counts, 1, {}, {});
    const auto model = mixture_of("nbvcp", "canonical", 2);
    std::vector<double> logits(120 * 2, 0.0);
    for (std::size_t c = 0; c < 12; ++c) logits[c * 2 + (c % 3 == 0 ? 0 : 1)] = 3;  // the smaller kind first
    const auto fitted = fit({model, &summary, &counts, nullptr, logits}, {}, nullptr, {});
    const auto& mixing = fitted.posterior.site("mixing_weights");
    QVERIFY(mixing.arg1[0] < mixing.arg1[1]);
  }

  void stopAndResumeGiveTheSame() {
    const auto counts = testing::two_kinds(90, 20, 9);
    const auto summary = summary::summarise(counts, 1, {}, {});
    const FitInput input{mixture_of("nbvcp", "canonical", 3), &summary, &counts};
    FitOptions options;
    options.restarts = 2;
    options.checkpoint_seconds = 0;
    const auto once = fit(input, options, nullptr, {});
    std::optional<Checkpoint> checkpoint;
    std::stop_source stop;
    FitControl control;
    control.stop = stop.get_token();
    control.on_checkpoint = [&](const Checkpoint& c) { checkpoint = c; };
    control.on_loss = [&](const LossPoint& point) {
      if (point.iteration == 4) stop.request_stop();
    };
    QVERIFY_THROWS_EXCEPTION(Cancelled, fit(input, options, nullptr, control));
    QVERIFY(checkpoint.has_value());
    const auto resumed = fit(input, options, &*checkpoint, {});
    QCOMPARE(resumed.loss, once.loss);
    QCOMPARE(resumed.posterior.site("r").arg1, once.posterior.site("r").arg1);
  }

  void refusals() {
    const auto counts = testing::two_kinds(5, 8, 1);
    const auto summary = summary::summarise(counts, 1, {}, {});
    QVERIFY_THROWS_EXCEPTION(Error, fit({mixture_of("nbdm", "canonical", 6), &summary, &counts}, {}, nullptr, {}));
    QVERIFY_THROWS_EXCEPTION(Error, fit({mixture_of("nbdm", "canonical", 2), &summary, nullptr}, {}, nullptr, {}));
    FitOptions structured;
    structured.method = Method::Structured;
    QVERIFY_THROWS_EXCEPTION(Error,
                             fit({mixture_of("nbdm", "canonical", 2), &summary, &counts}, structured, nullptr, {}));
  }
};

QTEST_GUILESS_MAIN(TestMixture)
#include "tst_mixture.moc"
