#include <QtTest>
#include <boost/math/special_functions/gamma.hpp>

#include "core/inference/fit.hpp"
#include "core/inference/gamma_slope.hpp"
#include "simulated.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

namespace {

struct Data {
  data::CountMatrix counts;
  summary::CountSummary summary;
};
Data make(std::int64_t cells, std::int64_t genes) {
  // Moderate counts, no gene above a hundred: what stochastic steps can follow in a test's time.
  Data d;
  d.counts.n_cells = cells;
  d.counts.n_genes = genes;
  for (std::int64_t c = 0; c < cells; ++c) {
    math::Random random(5, math::Purpose::Test, static_cast<std::uint64_t>(c));
    const double capture = 0.2 + 0.6 * random.uniform();
    for (std::int64_t g = 0; g < genes; ++g) {
      const auto u = random.negative_binomial(0.5 + 0.2 * static_cast<double>(g), 2.5 * capture);
      if (u == 0) continue;
      d.counts.gene.push_back(static_cast<std::uint32_t>(g));
      d.counts.count.push_back(static_cast<data::Count>(u));
    }
    d.counts.row_start.push_back(d.counts.nnz());
  }
  d.summary = summary::summarise(d.counts, 1, {});
  return d;
}

bool same(const Posterior& a, const Posterior& b) {
  if (a.sites.size() != b.sites.size()) return false;
  for (std::size_t i = 0; i < a.sites.size(); ++i)
    if (a.sites[i].arg1 != b.sites[i].arg1 || a.sites[i].arg2 != b.sites[i].arg2) return false;
  return true;
}

/// Mean and sd of ln x or logit x of an element.
std::pair<double, double> on_axis(const SitePosterior& s, std::size_t i) {
  if (s.law == model::Law::Beta || s.law == model::Law::BetaPrime)
    return {math::digamma(s.arg1[i]) - math::digamma(s.arg2[i]),
            std::sqrt(math::trigamma(s.arg1[i]) + math::trigamma(s.arg2[i]))};
  return {s.arg1[i], s.arg2[i]};
}

}  // namespace

class TestFit : public QObject {
  Q_OBJECT

 private slots:
  void exactAndSviAgree_data() {
    QTest::addColumn<QString>("likelihood");
    QTest::addColumn<QString>("parameterization");
    for (const char* l : {"nbdm", "zinb", "nbvcp", "zinbvcp"})
      for (const char* p : {"canonical", "mean_odds", "mean_disp"})
        QTest::newRow(qPrintable(QString("%1 %2").arg(l, p))) << l << p;
  }
  void exactAndSviAgree() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    const auto d = make(60, 8);
    FitInput input;
    input.model.likelihood = likelihood.toStdString();
    input.model.parameterization = parameterization.toStdString();
    input.summary = &d.summary;
    input.counts = &d.counts;
    FitOptions options;
    options.tolerance = 1e-6;
    options.threads = 1;
    const auto exact = fit(input, options, nullptr, {});
    QVERIFY(exact.convergence.converged);
    options.method = Method::Svi;
    options.svi.steps = 3000;
    options.svi.learning_rate = 0.05;
    const auto svi = fit(input, options, nullptr, {});
    QVERIFY2(std::fabs(svi.loss - exact.loss) < 4 * svi.loss_error + 0.3,
             qPrintable(QString("loss %1 ± %2 against %3").arg(svi.loss).arg(svi.loss_error).arg(exact.loss)));
    for (const auto& site : exact.posterior.sites) {
      const auto& other = svi.posterior.site(site.name);
      double shift = 0, ratio = 0;
      for (std::size_t i = 0; i < site.arg1.size(); ++i) {
        const auto [m, s] = on_axis(site, i);
        const auto [n, t] = on_axis(other, i);
        shift = std::max(shift, std::fabs(m - n) / s);
        ratio = std::max(ratio, std::fabs(std::log(t / s)));
      }
      QVERIFY2(shift < 0.3, qPrintable(QString("%1: means differ by %2 sd").arg(site.name.c_str()).arg(shift)));
      QVERIFY2(ratio < 0.25,
               qPrintable(QString("%1: sds differ by a factor %2").arg(site.name.c_str()).arg(std::exp(ratio))));
    }
  }
  void structuredWidensTheSharedScalar() {
    const auto d = make(150, 20);
    FitInput input;
    input.summary = &d.summary;
    input.counts = &d.counts;
    for (const char* likelihood : {"nbdm", "nbvcp"}) {
      input.model.likelihood = likelihood;
      FitOptions options;
      const auto exact = fit(input, options, nullptr, {});
      options.method = Method::Structured;
      const auto structured = fit(input, options, nullptr, {});
      QVERIFY(structured.convergence.converged);
      QVERIFY(on_axis(structured.posterior.site("p"), 0).second > 1.3 * on_axis(exact.posterior.site("p"), 0).second);
      QVERIFY(structured.loss < exact.loss);  // a bound with fewer restrictions
      const auto& c = *structured.posterior.conditional;
      double mass = 0;
      for (const double l : c.log_density) mass += std::exp(l) * (c.node[1] - c.node[0]);
      QVERIFY(std::fabs(mass - 1) < 1e-9);
    }
    input.model.parameterization = "mean_disp";
    FitOptions options;
    options.method = Method::Structured;
    QVERIFY_EXCEPTION_THROWN(fit(input, options, nullptr, {}), Error);
  }
  void repeats_data() {
    QTest::addColumn<int>("method");
    QTest::addColumn<QString>("likelihood");
    for (const char* l : {"nbvcp", "zinbvcp"}) {
      QTest::newRow(qPrintable(QString("exact %1").arg(l))) << 0 << l;
      QTest::newRow(qPrintable(QString("svi %1").arg(l))) << 2 << l;
      QTest::newRow(qPrintable(QString("scribe's svi in batches %1").arg(l))) << 3 << l;
    }
    for (const char* l : {"nbvcp", "zinbvcp"}) QTest::newRow(qPrintable(QString("structured %1").arg(l))) << 1 << l;
  }
  /// The same bits at any number of threads, and after a stop and a resume.
  void repeats() {
    QFETCH(int, method);
    QFETCH(QString, likelihood);
    const auto d = make(80, 30);
    FitInput input;
    input.model.likelihood = likelihood.toStdString();
    input.summary = &d.summary;
    input.counts = &d.counts;
    FitOptions options;
    options.method = static_cast<Method>(std::min(method, 2));
    options.svi.steps = 60;
    options.svi.learning_rate = 0.02;
    options.svi.stopping.check_every = 10;
    options.svi.stopping.warmup = 10;
    options.svi.stopping.window = 10;
    if (method == 3) {
      options.svi.mode = SviMode::Scribe;
      options.svi.batch_size = 25;
    }
    options.threads = 1;
    const auto once = fit(input, options, nullptr, {});
    options.threads = 3;
    QVERIFY(same(once.posterior, fit(input, options, nullptr, {}).posterior));

    // Cancelled after a few iterations, its checkpoint carried on.
    std::stop_source stop;
    FitControl control;
    control.stop = stop.get_token();
    std::optional<Checkpoint> checkpoint;
    int seen = 0;
    control.on_loss = [&](const LossPoint&) {
      if (++seen == 5) stop.request_stop();
    };
    control.on_checkpoint = [&](const Checkpoint& c) { checkpoint = c; };
    QVERIFY_EXCEPTION_THROWN(fit(input, options, nullptr, control), Cancelled);
    QVERIFY(checkpoint.has_value());
    const auto resumed = fit(input, options, &*checkpoint, {});
    QVERIFY(same(once.posterior, resumed.posterior));
    QCOMPARE(resumed.trace.size(), once.trace.size());
    for (std::size_t i = 0; i < once.trace.size(); ++i) QCOMPARE(resumed.trace[i].loss, once.trace[i].loss);

    // A checkpoint of something else is refused.
    input.model.priors["p"] = {model::Law::Beta, 2, 2};
    QVERIFY_EXCEPTION_THROWN(fit(input, options, &*checkpoint, {}), Error);
  }
  void stopAndKeep() {
    const auto d = make(60, 10);
    FitInput input;
    input.summary = &d.summary;
    input.counts = &d.counts;
    for (const auto method : {Method::Exact, Method::Svi, Method::Structured}) {
      FitOptions options;
      options.method = method;
      options.svi.steps = 100;
      options.structured_nodes = 5;
      std::optional<Checkpoint> checkpoint;
      std::stop_source keep;
      FitControl control;
      control.keep = keep.get_token();
      control.on_loss = [&](const LossPoint& point) {
        const bool within_nodes = point.decrement < 0;
        if (point.iteration >= 2 && (method != Method::Structured || within_nodes)) keep.request_stop();
      };
      control.on_checkpoint = [&](const Checkpoint& c) { checkpoint = c; };
      const auto result = fit(input, options, nullptr, control);
      QVERIFY(result.convergence.stopped_early);
      QVERIFY(!result.convergence.converged);
      QCOMPARE(result.posterior.site("r").arg1.size(), std::size_t{10});
      QVERIFY(result.convergence.resumable && checkpoint);
      QCOMPARE(fit(input, options, &*checkpoint, {}).loss, fit(input, options, nullptr, {}).loss);
    }
    FitOptions options;  // nor is it the end where the iterations ran out
    options.max_iterations = 3;
    std::optional<Checkpoint> checkpoint;
    FitControl control;
    control.on_checkpoint = [&](const Checkpoint& c) { checkpoint = c; };
    QVERIFY(fit(input, options, nullptr, control).convergence.resumable && checkpoint);
    options.max_iterations = 500;
    const auto on = fit(input, options, &*checkpoint, {});
    QVERIFY(on.convergence.converged && !on.convergence.resumable);
    QCOMPARE(on.loss, fit(input, options, nullptr, {}).loss);
  }
  void cancelBeforeTheStart() {
    const auto d = make(20, 5);
    FitInput input;
    input.summary = &d.summary;
    std::stop_source stop;
    stop.request_stop();
    FitControl control;
    control.stop = stop.get_token();
    QVERIFY_EXCEPTION_THROWN(fit(input, {}, nullptr, control), Cancelled);
  }
  void oneCellOneGeneAndNothing() {
    for (const auto& [cells, genes] : {std::pair{1, 6}, std::pair{30, 1}, std::pair{1, 1}}) {
      data::CountMatrix m;
      m.n_cells = cells;
      m.n_genes = genes;
      for (int c = 0; c < cells; ++c) {
        for (int g = 0; g < genes; ++g) {
          m.gene.push_back(static_cast<std::uint32_t>(g));
          m.count.push_back(static_cast<data::Count>(1 + (c + g) % 4));
        }
        m.row_start.push_back(m.nnz());
      }
      const auto s = summary::summarise(m, 1, {});
      for (const auto& model : testing::all_models()) {
        const auto result = fit({model, &s, &m}, {}, nullptr, {});
        QVERIFY2(std::isfinite(result.loss), testing::name_of(model).c_str());
      }
    }
    data::CountMatrix empty;
    empty.n_cells = 3;
    empty.n_genes = 2;
    empty.row_start = {0, 0, 0, 0};
    const auto s = summary::summarise(empty, 1, {});
    QVERIFY_EXCEPTION_THROWN(fit({{}, &s, &empty}, {}, nullptr, {}), Error);
  }
  void theRidgeIsTold() {
    const auto d = make(40, 6);
    FitInput input;
    input.summary = &d.summary;
    const auto flat = fit(input, {}, nullptr, {});
    QVERIFY(!flat.convergence.notes.empty() && QString::fromStdString(flat.convergence.notes[0]).contains("ridge"));
    input.model.capture_prior = model::organism_capture_prior("human");
    const auto pinned = fit(input, {}, nullptr, {});
    for (const auto& note : pinned.convergence.notes) QVERIFY(!QString::fromStdString(note).contains("ridge"));
  }
  void gammaSlope() {
    for (const double a : {0.05, 0.4, 2.0, 30.0, 1e4})
      for (const double q : {0.03, 0.4, 0.9}) {
        const double h = 1e-5 * a, g = boost::math::gamma_p_inv(a, q);
        const double expected =
            (std::log(boost::math::gamma_p_inv(a + h, q)) - std::log(boost::math::gamma_p_inv(a - h, q))) / (2 * h);
        const double slope = log_gamma_slope(a, std::log(g));
        QVERIFY2(std::fabs(slope / expected - 1) < 1e-4,
                 qPrintable(QString("a = %1, q = %2: %3 against %4").arg(a).arg(q).arg(slope).arg(expected)));
      }
  }
};

QTEST_GUILESS_MAIN(TestFit)
#include "tst_fit.moc"
