#include <QtTest>
#include <boost/math/special_functions/gamma.hpp>

#include "core/inference/gamma_slope.hpp"
#include "core/inference/guide.hpp"
#include "core/inference/marginal_loss.hpp"
#include "simulated.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

namespace {

model::Model mixture_of(const QString& likelihood, const QString& parameterization, std::int64_t k,
                        std::vector<std::string> own = {}) {
  model::Model m;
  m.likelihood = likelihood.toStdString();
  m.parameterization = parameterization.toStdString();
  m.components = k;
  m.mixture_params = std::move(own);
  return m;
}

FitOptions brief(std::int64_t steps, double rate) {
  FitOptions options;
  options.method = Method::Svi;
  options.restarts = 1;
  options.svi.steps = steps;
  options.svi.learning_rate = rate;
  options.threads = 1;
  return options;
}

bool same(const Posterior& a, const Posterior& b) {
  if (a.sites.size() != b.sites.size()) return false;
  for (std::size_t i = 0; i < a.sites.size(); ++i)
    if (a.sites[i].arg1 != b.sites[i].arg1 || a.sites[i].arg2 != b.sites[i].arg2) return false;
  return true;
}

struct Data {
  data::CountMatrix counts;
  summary::CountSummary summary;
  explicit Data(data::CountMatrix m) : counts(std::move(m)), summary(summary::summarise(counts, 1, {})) {}
  FitInput input(const model::Model& model) const { return {model, &summary, &counts}; }
};

}  // namespace

class TestSviMixture : public QObject {
  Q_OBJECT

 private slots:
  void oppositeQuantiles() {
    for (const double a : {0.03, 0.4, 2.0, 30.0, 1e4, 1e7})
      for (const double q : {1e-9, 0.03, 0.4, 0.9, 0.999}) {
        const double g = boost::math::gamma_p_inv(a, q);
        if (!(g > 1e-300)) continue;
        const double other = opposite_log_gamma(a, std::log(g));
        // ln g' by the smaller tail; where g' underflows, by P = g^a/Γ(a+1).
        const double tail =
            other < -600 ? std::exp(a * other - std::lgamma(a + 1)) : boost::math::gamma_p(a, std::exp(other));
        QVERIFY2(std::fabs(tail - (1 - q)) < 1e-8 * std::max(1 - q, 1e-3),
                 qPrintable(QString("a = %1, q = %2: %3").arg(a).arg(q).arg(tail)));
      }
  }

  void divergencesHaveTheirSlopes() {
    const Data d(testing::two_kinds(12, 6, 1));
    for (const bool scribe : {false, true})
      for (const bool unconstrained : {false, true}) {
        auto model = mixture_of("zinbvcp", "mean_odds", 3, {"mu", "phi"});
        model.unconstrained = unconstrained;
        model.mixing_prior = {1, 2, 0.5};
        const Problem one(model::component_model(model), d.summary, &d.counts, true);
        const Guide guide(model, one, scribe, 1);
        auto x = guide.start();
        math::Random random(3, math::Purpose::Test);
        for (double& v : x) v += 0.3 * random.normal();
        const std::vector<char> active(guide.n_elements(), 1);
        std::vector<double> gradient(x.size(), 0.0);
        guide.divergence(x, active, 2, &gradient);
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double was = x[i], h = 1e-5;
          x[i] = was + h;
          const double up = guide.divergence(x, active, 2, nullptr);
          x[i] = was - h;
          const double down = guide.divergence(x, active, 2, nullptr);
          x[i] = was;
          QVERIFY2(std::fabs((up - down) / (2 * h) - gradient[i]) < 1e-6 * (1 + std::fabs(gradient[i])),
                   qPrintable(QString("%1: %2").arg(i).arg(gradient[i])));
        }
        // Its expectation is that of ln q − ln p at draws; a posterior gives its coordinates back.
        if (!scribe) {
          GuideDraw draw;
          double sum = 0, square = 0;
          constexpr int n = 4000;
          for (int i = 0; i < n; ++i) {
            guide.draw(x, 1, math::Purpose::Test, static_cast<std::uint64_t>(i / 2), i % 2 == 1, active, false, draw);
            const double ratio = guide.log_ratio(x, draw);
            sum += ratio;
            square += ratio * ratio;
          }
          const double mean = sum / n, error = std::sqrt((square / n - mean * mean) / n);
          QVERIFY2(std::fabs(mean - guide.divergence(x, active, 1, nullptr)) < 6 * error,
                   qPrintable(QString("%1 ± %2").arg(mean).arg(error)));
        }
        const auto back = guide.coordinates(guide.posterior(x));
        for (std::size_t i = 0; i < x.size(); ++i) QVERIFY(std::fabs(back[i] - x[i]) < 1e-9 * (1 + std::fabs(x[i])));
      }
  }

  /// Where there is one population the loss by draws is the deterministic one; of a mixture it lies below the bound.
  void marginalLossIsTheLoss() {
    const Data d(testing::two_kinds(90, 20, 4));
    for (const char* likelihood : {"nbdm", "zinb", "nbvcp", "zinbvcp"}) {
      const auto alone = d.input(mixture_of(likelihood, "canonical", 1));
      const auto exact = fit(alone, {}, nullptr, {});
      const auto found = marginal_loss(alone, exact.posterior, 200, 7, 2, {});
      QVERIFY2(std::fabs(found.loss - exact.loss) < 4 * found.error + 1e-3,
               qPrintable(
                   QString("%1: %2 ± %3 against %4").arg(likelihood).arg(found.loss).arg(found.error).arg(exact.loss)));
      QVERIFY(found.error < 0.8);
      const auto mixed = d.input(mixture_of(likelihood, "canonical", 2));
      const auto bound = fit(mixed, {}, nullptr, {});
      const auto below = marginal_loss(mixed, bound.posterior, 200, 7, 2, {});
      QVERIFY2(
          below.loss < bound.loss + 4 * below.error,
          qPrintable(QString("%1: %2 ± %3 under %4").arg(likelihood).arg(below.loss).arg(below.error).arg(bound.loss)));
      QCOMPARE(marginal_loss(mixed, bound.posterior, 200, 7, 1, {}).draws, below.draws);
      QCOMPARE(difference(below, below).loss, 0.0);
      QVERIFY(std::fabs(below.cells[0] + below.cells[1] - 90) < 1e-9);
      QVERIFY(std::fabs(below.cells[0] - 60) < 10);
    }
  }

  void exactAndSviAgree_data() {
    QTest::addColumn<QString>("likelihood");
    QTest::addColumn<QString>("parameterization");
    QTest::addColumn<double>("apart");
    for (const char* l : {"nbdm", "zinb", "nbvcp", "zinbvcp"}) QTest::newRow(l) << l << "canonical" << 8.0;
    QTest::newRow("nbvcp mean_odds") << "nbvcp"
                                     << "mean_odds" << 8.0;
    QTest::newRow("nbvcp mean_disp") << "nbvcp"
                                     << "mean_disp" << 8.0;
    QTest::newRow("nbdm overlapping") << "nbdm"
                                      << "canonical" << 2.5;
  }
  /// On the objective of svi, from the same draws: what the two methods find is as good.
  void exactAndSviAgree() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    QFETCH(double, apart);
    const Data d(testing::two_kinds(90, 16, 3, apart));
    const auto input = d.input(mixture_of(likelihood, parameterization, 2));
    const auto exact = fit(input, {}, nullptr, {});
    QVERIFY2(exact.convergence.converged, exact.convergence.verdict.c_str());
    const auto svi = fit(input, brief(2000, 0.03), nullptr, {});
    const auto of_exact = marginal_loss(input, exact.posterior, 300, 1, 1, {}),
               of_svi = marginal_loss(input, svi.posterior, 300, 1, 1, {});
    const auto more = difference(of_exact, of_svi);
    const auto text = QString("exact %1 ± %2, svi %3 ± %4, difference %5 ± %6")
                          .arg(of_exact.loss, 0, 'f', 3)
                          .arg(of_exact.error, 0, 'f', 3)
                          .arg(of_svi.loss, 0, 'f', 3)
                          .arg(of_svi.error, 0, 'f', 3)
                          .arg(more.loss, 0, 'f', 3)
                          .arg(more.error, 0, 'f', 3);
    qInfo().noquote() << text;
    QVERIFY2(more.loss < 4 * more.error + 0.1 && more.loss > -4 * more.error - 1, qPrintable(text));
    QVERIFY2(std::fabs(svi.loss - of_svi.loss) < 4 * std::hypot(svi.loss_error, of_svi.error), qPrintable(text));
    const auto &a = exact.posterior.site("mixing_weights"), &b = svi.posterior.site("mixing_weights");
    QCOMPARE(b.components, std::int64_t{2});
    QVERIFY(b.arg1[0] > b.arg1[1]);
    if (apart > 5) QVERIFY(std::fabs(a.arg1[0] / (a.arg1[0] + a.arg2[0]) - b.arg1[0] / (b.arg1[0] + b.arg2[0])) < 0.02);
  }

  void repeats_data() {
    QTest::addColumn<QString>("likelihood");
    QTest::addColumn<QString>("parameterization");
    QTest::addColumn<bool>("scribe");
    for (const char* l : {"nbdm", "zinb", "nbvcp", "zinbvcp"})
      for (const bool scribe : {false, true})
        QTest::newRow(qPrintable(QString(l) + (scribe ? " scribe" : ""))) << l << "canonical" << scribe;
    QTest::newRow("mean_disp") << "nbvcp"
                               << "mean_disp" << false;
  }
  /// The same bits at any number of threads, and after a stop and a resume.
  void repeats() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    QFETCH(bool, scribe);
    const Data d(testing::two_kinds(80, 30, 2));
    const auto input = d.input(mixture_of(likelihood, parameterization, 3));
    auto options = brief(40, 0.02);
    options.restarts = scribe ? 1 : 2;
    options.svi.stopping.restore_best = true;
    options.svi.stopping.check_every = options.svi.stopping.warmup = options.svi.stopping.window = 5;
    if (scribe) {
      options.svi.mode = SviMode::Scribe;
      options.svi.batch_size = 25;
    }
    const auto once = fit(input, options, nullptr, {});
    options.threads = 2;
    const auto twice = fit(input, options, nullptr, {});
    QVERIFY(same(once.posterior, twice.posterior));
    QCOMPARE(twice.loss, once.loss);
    options.threads = 1;

    std::stop_source stop;
    FitControl control;
    control.stop = stop.get_token();
    std::optional<Checkpoint> checkpoint;
    control.on_loss = [&](const LossPoint& point) {
      if (point.iteration == 17) stop.request_stop();
    };
    control.on_checkpoint = [&](const Checkpoint& c) { checkpoint = c; };
    QVERIFY_THROWS_EXCEPTION(Cancelled, fit(input, options, nullptr, control));
    QVERIFY(checkpoint.has_value());
    const auto resumed = fit(input, options, &*checkpoint, {});
    QVERIFY(same(once.posterior, resumed.posterior));
    QCOMPARE(resumed.loss, once.loss);
    QCOMPARE(resumed.convergence.notes, once.convergence.notes);
    QCOMPARE(resumed.trace.size(), once.trace.size());
    for (std::size_t i = 0; i < once.trace.size(); ++i) QCOMPARE(resumed.trace[i].loss, once.trace[i].loss);
  }

  void startsAreCompared() {
    const Data d(testing::two_kinds(80, 16, 2));
    const auto input = d.input(mixture_of("nbvcp", "canonical", 2));
    auto options = brief(20, 0.02);
    options.restarts = 3;
    const auto found = fit(input, options, nullptr, {});
    const auto& notes = found.convergence.notes;
    QVERIFY(std::any_of(notes.begin(), notes.end(),
                        [](const auto& n) { return n.rfind("3 starts, losses at the start", 0) == 0; }));
    // All alike: nothing but the noise of draws tells the components apart, so their weights hardly differ yet.
    options.start = Start::Scribe;
    const auto alike = fit(input, options, nullptr, {}).posterior.site("mixing_weights");
    QVERIFY(std::fabs(alike.arg1[0] / alike.arg1[1] - 1) < 0.5);
  }

  void annotationKeepsItsOrder() {
    const Data d(testing::two_kinds(120, 24, 3));
    std::vector<double> logits(120 * 2, 0.0);
    for (std::size_t c = 0; c < 12; ++c) logits[c * 2 + (c % 3 == 0 ? 0 : 1)] = 3;  // the smaller kind first
    auto input = d.input(mixture_of("nbvcp", "canonical", 2));
    input.cell_logits = logits;
    const auto found = fit(input, brief(400, 0.03), nullptr, {});
    const auto& mixing = found.posterior.site("mixing_weights");
    QVERIFY(mixing.arg1[0] < mixing.arg1[1]);
    QVERIFY(std::fabs(mixing.arg1[0] - 41) < 10);
  }

  /// Components may share sites: a fit has one of them, and finds the kinds by the others.
  void sharedSites() {
    const Data d(testing::two_kinds(90, 16, 3));
    const auto separate = fit(d.input(mixture_of("zinbvcp", "mean_odds", 2)), brief(600, 0.04), nullptr, {});
    const std::vector<std::vector<std::string>> mixtures{{"mu"}, {"mu", "phi"}, {"mu", "gate"}};
    for (const auto& own : mixtures) {
      const auto found = fit(d.input(mixture_of("zinbvcp", "mean_odds", 2, own)), brief(600, 0.04), nullptr, {});
      for (const auto& site : found.posterior.sites) {
        const bool is_own = std::find(own.begin(), own.end(), site.name) != own.end() || site.name == "mixing_weights";
        QCOMPARE(site.components, std::int64_t{is_own ? 2 : 0});
      }
      QVERIFY(std::fabs(found.posterior.site("mixing_weights").arg1[0] - 61) < 8);
      QVERIFY2(found.loss < separate.loss + 60, qPrintable(QString("%1, %2").arg(found.loss).arg(separate.loss)));
    }
  }

  void stopAndKeep() {
    const Data d(testing::two_kinds(60, 12, 2));
    const auto input = d.input(mixture_of("nbvcp", "canonical", 2));
    const auto options = brief(60, 0.02);
    std::optional<Checkpoint> checkpoint;
    std::stop_source keep;
    FitControl control;
    control.keep = keep.get_token();
    control.on_loss = [&](const LossPoint& point) {
      if (point.iteration == 20) keep.request_stop();
    };
    control.on_checkpoint = [&](const Checkpoint& c) { checkpoint = c; };
    const auto kept = fit(input, options, nullptr, control);
    QVERIFY(kept.convergence.stopped_early && kept.convergence.resumable && checkpoint);
    QVERIFY(std::isfinite(kept.loss));
    QCOMPARE(fit(input, options, &*checkpoint, {}).loss, fit(input, options, nullptr, {}).loss);
  }

  void refusals() {
    const Data d(testing::two_kinds(20, 8, 1));
    auto input = d.input(mixture_of("nbdm", "canonical", 2));
    const auto fitted = fit(input, brief(5, 0.02), nullptr, {});
    auto other = input;
    other.model.unconstrained = true;
    QVERIFY_THROWS_EXCEPTION(Error, marginal_loss(other, fitted.posterior, 2, 1, 1, {}));
    other = d.input(mixture_of("nbdm", "canonical", 3));
    QVERIFY_THROWS_EXCEPTION(Error, marginal_loss(other, fitted.posterior, 2, 1, 1, {}));
    input.counts = nullptr;
    QVERIFY_THROWS_EXCEPTION(Error, marginal_loss(input, fitted.posterior, 2, 1, 1, {}));
    QVERIFY_THROWS_EXCEPTION(Error, fit(input, brief(5, 0.02), nullptr, {}));
  }
};

QTEST_GUILESS_MAIN(TestSviMixture)
#include "tst_svi_mixture.moc"
