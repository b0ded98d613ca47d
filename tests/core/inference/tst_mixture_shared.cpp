#include <Eigen/Dense>
#include <QtTest>

#include "core/inference/minimise.hpp"
#include "core/inference/mixture_objective.hpp"
#include "core/inference/solver.hpp"
#include "core/math/special.hpp"
#include "core/result/estimates.hpp"
#include "simulated.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

/// Mixtures whose components share sites of genes: one gate, one dispersion for all.
class TestMixtureShared : public QObject {
  Q_OBJECT

  static model::Model mixture_of(const std::string& likelihood, const std::string& parameterization, std::int64_t k,
                                 std::vector<std::string> own) {
    model::Model m;
    m.likelihood = likelihood;
    m.parameterization = parameterization;
    m.components = k;
    m.mixture_params = std::move(own);
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
  /// A third of the cells is of the second kind; genes 0, 4, … are high in it and genes 1, 5, … in the first. A count
  /// is lost with the gene's gate.
  static data::CountMatrix two_kinds(std::int64_t cells, std::int64_t genes, std::uint64_t seed,
                                     const std::vector<double>& dispersion, const std::vector<double>& gate,
                                     bool depth_varies) {
    data::CountMatrix m;
    m.n_cells = cells;
    m.n_genes = genes;
    for (std::int64_t c = 0; c < cells; ++c) {
      math::Random random(seed, math::Purpose::Test, static_cast<std::uint64_t>(c));
      const double depth = depth_varies ? std::exp(0.4 * random.normal()) : 1;
      for (std::int64_t g = 0; g < genes; ++g) {
        const auto i = static_cast<std::size_t>(g);
        const bool high = g % 4 == (c % 3 == 0 ? 0 : 1);
        const auto u = random.negative_binomial(dispersion[i], depth * (high ? 12 : 3) / dispersion[i]);
        if (random.uniform() < gate[i] || u == 0) continue;
        m.gene.push_back(static_cast<std::uint32_t>(g));
        m.count.push_back(static_cast<data::Count>(u));
      }
      m.row_start.push_back(m.nnz());
    }
    return m;
  }
  static data::CountMatrix some_kinds(std::int64_t cells, std::int64_t genes, std::uint64_t seed) {
    const auto n = static_cast<std::size_t>(genes);
    std::vector<double> gate(n, 0.0);
    for (std::size_t g = 0; g < n; g += 3) gate[g] = 0.4;
    return two_kinds(cells, genes, seed, std::vector<double>(n, 1.5), gate, true);
  }
  static QString named(const model::Model& m) {
    QString text = QString::fromStdString(m.likelihood + " " + m.parameterization + " own:");
    for (const auto& name : m.mixture_params) text += " " + QString::fromStdString(name);
    return text;
  }
  /// All models of K components that share a site of the genes, every way in which they can.
  static std::vector<model::Model> every_sharing(std::int64_t k) {
    std::vector<model::Model> out;
    for (const auto& likelihood : model::likelihoods())
      for (const auto& kind : model::parameterizations()) {
        auto m = mixture_of(likelihood.key, kind.key, k, {});
        std::vector<std::string> may;
        for (const auto& site : model::layout(m))
          if (site.by_component && site.name != "mixing_weights") may.push_back(site.name);
        for (std::size_t chosen = 1; chosen + 1 < (std::size_t{1} << may.size()); ++chosen) {
          m.mixture_params.clear();
          for (std::size_t i = 0; i < may.size(); ++i)
            if (chosen >> i & 1) m.mixture_params.push_back(may[i]);
          const auto sites = model::layout(m);
          if (std::ranges::any_of(sites,
                                  [](const auto& s) { return s.extent == model::Extent::Gene && !s.by_component; }))
            out.push_back(m);
        }
      }
    return out;
  }
  static void every_model() {
    QTest::addColumn<int>("which");
    const auto models = every_sharing(3);
    for (std::size_t i = 0; i < models.size(); ++i) QTest::newRow(named(models[i]).toUtf8()) << static_cast<int>(i);
  }

  /// Quasi-Newton descent with a dense matrix (Nocedal and Wright, Numerical Optimization, 6.1): nothing is known to it
  /// but values and slopes.
  static double brute_force(MixtureObjective& objective, std::vector<double>& at) {
    const auto n = static_cast<Eigen::Index>(at.size());
    Eigen::VectorXd x = Eigen::Map<Eigen::VectorXd>(at.data(), n);
    const auto loss_at = [&](const Eigen::VectorXd& where, Eigen::VectorXd* slope) {
      std::vector<double> gradient;
      const double loss =
          objective.evaluate(std::vector<double>(where.data(), where.data() + n), &gradient, nullptr, {});
      if (slope && std::isfinite(loss)) *slope = Eigen::Map<Eigen::VectorXd>(gradient.data(), n);
      return loss;
    };
    double loss = INFINITY;
    for (int pass = 0; pass < 2; ++pass) {  // quadratures for where it has come to
      objective.choose_nodes(std::vector<double>(x.data(), x.data() + n));
      Eigen::MatrixXd inverse = Eigen::MatrixXd::Identity(n, n) * 1e-2;
      Eigen::VectorXd slope(n), next_slope(n);
      loss = loss_at(x, &slope);
      for (int i = 0; i < 500 && slope.norm() > 1e-3; ++i) {
        Eigen::VectorXd step = -inverse * slope;
        if (const double longest = step.cwiseAbs().maxCoeff(); longest > 0.5) step *= 0.5 / longest;
        double t = 1, found = INFINITY;
        for (; t > 1e-10; t *= 0.5)
          if (found = loss_at(x + t * step, &next_slope); found <= loss + 1e-4 * t * slope.dot(step)) break;
        if (!(found < loss)) break;
        const Eigen::VectorXd s = t * step, y = next_slope - slope;
        if (const double sy = s.dot(y); sy > 1e-12) {
          const Eigen::MatrixXd left = Eigen::MatrixXd::Identity(n, n) - s * y.transpose() / sy;
          inverse = (left * inverse * left.transpose() + s * s.transpose() / sy).eval();
        }
        x += s;
        slope = next_slope;
        loss = found;
      }
    }
    at.assign(x.data(), x.data() + n);
    return loss;
  }

 private slots:
  void gradientIsTheSlope_data() { every_model(); }
  void gradientIsTheSlope() {
    QFETCH(int, which);
    const auto model = every_sharing(3)[static_cast<std::size_t>(which)];
    auto counts = testing::simulated_counts(18, 9);
    const auto missing = testing::take_out(counts);
    const auto summary = summary::summarise(counts, 1, {}, missing);
    MixtureObjective objective(model, summary, counts, 1);
    objective.share_out(random_shares(18, 3, 1));
    auto x = objective.start();
    math::Random random(3, math::Purpose::Test, 0);
    for (double& v : x) v += 0.1 * random.normal();
    objective.choose_nodes(x);
    std::vector<double> gradient;
    const double here = objective.evaluate(x, &gradient, nullptr, {});
    QVERIFY(std::isfinite(here));
    const std::size_t a_gene = objective.gene_at(6);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (i >= objective.scalar_size() && i % 29 != 0 && (i < a_gene || i >= a_gene + objective.gene_size())) continue;
      auto y = x;
      const double h = 1e-4;
      y[i] = x[i] + h;
      const double above = objective.evaluate(y, nullptr, nullptr, {});
      y[i] = x[i] - h;
      const double below = objective.evaluate(y, nullptr, nullptr, {}), slope = (above - below) / (2 * h);
      // Nodes move with the marginals: what the quadrature of flat ones lacks shows here, magnified.
      QVERIFY2(std::fabs(slope - gradient[i]) < 3e-4 * std::fabs(slope) + 0.02,
               qPrintable(QString("%1: %2 where %3").arg(i).arg(gradient[i], 0, 'g', 12).arg(slope, 0, 'g', 12)));
    }
  }

  void scoresAreThoseOfTheLoss_data() { every_model(); }
  void scoresAreThoseOfTheLoss() {
    QFETCH(int, which);
    const auto model = every_sharing(3)[static_cast<std::size_t>(which)];
    const auto counts = testing::simulated_counts(30, 13);
    const auto summary = summary::summarise(counts, 1, {}, {});
    MixtureObjective objective(model, summary, counts, 1);
    objective.share_out(random_shares(30, 3, 1));
    const auto x = objective.start();
    objective.choose_nodes(x);
    const auto scores = objective.scores(x, {});
    const auto share = random_shares(30, 3, 2);
    objective.share_out(share);
    const double loss = objective.evaluate(x, nullptr, nullptr, {});
    double expected = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) expected += share[i] * scores[i];
    const double wanted = objective.divergence() - loss;
    QVERIFY(std::fabs(expected - wanted) < 1e-10 * std::fabs(wanted));
  }

  /// Where the likelihood separates the system is the Hessian: times the step it is minus the gradient.
  void stepsSolveTheHessian() {
    const auto counts = some_kinds(60, 9, 5);
    const auto summary = summary::summarise(counts, 1, {}, {});
    int whole = 0;
    for (const auto& model : every_sharing(2)) {
      if (visits_nonzeros(model::component_model(model))) continue;
      MixtureObjective objective(model, summary, counts, 1);
      objective.share_out(random_shares(60, 2, 7));
      MinimiseState state;
      state.x = objective.start();
      minimise(objective, state, 1e-6, 300, 1, {}, {}, [](double, double) {});
      auto x = state.x;
      math::Random random(3, math::Purpose::Test, 0);
      for (double& v : x) v += 0.02 * random.normal();
      objective.choose_nodes(x);
      std::vector<double> gradient;
      MixtureObjective::System system;
      objective.evaluate(x, &gradient, &system, {});
      const auto direction = system.solve(gradient, 2);
      if (!direction.whole) continue;
      ++whole;
      double longest = 0, size = 0;
      std::vector<double> step(x.size()), above, below;
      for (std::size_t i = 0; i < x.size(); ++i) {
        step[i] = direction.own[i] + direction.pulled[i];
        longest = std::max(longest, std::fabs(step[i]));
        size = std::max(size, std::fabs(gradient[i]));
      }
      const double h = 1e-4 / longest;
      for (auto* to : {&above, &below}) {
        auto y = x;
        for (std::size_t i = 0; i < y.size(); ++i) y[i] += (to == &above ? h : -h) * step[i];
        objective.evaluate(y, to, nullptr, {});
      }
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double change = (above[i] - below[i]) / (2 * h);
        QVERIFY2(std::fabs(change + gradient[i]) < 2e-3 * size,
                 qPrintable(named(model) + QString(" %1: %2 where %3").arg(i).arg(change).arg(-gradient[i])));
      }
    }
    QVERIFY2(whole > 15, qPrintable(QString::number(whole)));
  }

  /// The optimum is that of a descent that knows values and slopes alone, from another start nearby.
  void optimumIsThatOfBruteForce() {
    const auto counts = some_kinds(16, 3, 11);
    const auto summary = summary::summarise(counts, 1, {}, {});
    for (const auto& model :
         {mixture_of("nbdm", "canonical", 2, {"p"}), mixture_of("nbdm", "mean_disp", 2, {"mu"}),
          mixture_of("zinb", "canonical", 2, {"r"}), mixture_of("zinb", "mean_odds", 2, {"phi", "gate"}),
          mixture_of("nbvcp", "mean_prob", 2, {"p"}), mixture_of("nbvcp", "mean_disp", 2, {"r"}),
          mixture_of("zinbvcp", "canonical", 2, {"r"}), mixture_of("zinbvcp", "mean_odds", 2, {"phi", "mu"})}) {
      MixtureObjective objective(model, summary, counts, 1);
      objective.share_out(random_shares(16, 2, 7));
      MinimiseState state;
      state.x = objective.start();
      double last = INFINITY;
      bool falls = true;
      const auto end = minimise(objective, state, 1e-6, 400, 1, {}, {}, [&](double loss, double) {
        falls = falls && loss <= last + 1e-5;
        last = loss;
      });
      QVERIFY2(end.converged, qPrintable(named(model)));
      QVERIFY2(falls, qPrintable(named(model)));
      auto x = state.x;
      math::Random random(3, math::Purpose::Test, 0);
      for (double& v : x) v += 0.2 * random.normal();
      const double found = brute_force(objective, x);
      objective.choose_nodes(state.x);
      const double here = objective.evaluate(state.x, nullptr, nullptr, {});
      QVERIFY2(std::fabs(found - here) < 1e-3,
               qPrintable(named(model) + QString(": %1 where %2").arg(here, 0, 'f', 6).arg(found, 0, 'f', 6)));
    }
  }

  /// Searches of single genes keep to one copy of what is shared, and gain what they say.
  void searchesGainWhatTheySay() {
    const auto counts = some_kinds(60, 8, 2);
    const auto summary = summary::summarise(counts, 1, {}, {});
    for (const auto& model : every_sharing(2)) {
      if (!model::find_likelihood(model.likelihood).zero_inflated) continue;
      MixtureObjective objective(model, summary, counts, 1);
      objective.share_out(random_shares(60, 2, 7));
      auto x = objective.start();
      objective.choose_nodes(x);
      const double before = objective.evaluate(x, nullptr, nullptr, {});
      const double gain = objective.improve_genes(x, {});
      objective.choose_nodes(x);
      const double after = objective.evaluate(x, nullptr, nullptr, {});
      QVERIFY2(gain > 1, qPrintable(named(model)));
      QVERIFY2(std::fabs(before - gain - after) < 1e-6 * before, qPrintable(named(model)));
      // A gene that settles is at its own minimum: another search gains next to nothing.
      std::vector<double> gradient;
      const double settled = objective.settle(x, &gradient, nullptr, {});
      QVERIFY2(settled <= after + 1e-6 * after, qPrintable(named(model)));
      const double again = objective.improve_genes(x, {});
      QVERIFY2(again >= 0 && again < 0.1 * gain + 0.5,
               qPrintable(named(model) + QString(" %1 %2").arg(gain).arg(again)));
    }
  }

  void fits_data() {
    QTest::addColumn<int>("which");
    const auto models = every_sharing(2);
    for (std::size_t i = 0; i < models.size(); ++i) QTest::newRow(named(models[i]).toUtf8()) << static_cast<int>(i);
  }
  /// Loss falls in every round, sites have the shapes that the layout says, threads change nothing.
  void fits() {
    QFETCH(int, which);
    const auto model = every_sharing(2)[static_cast<std::size_t>(which)];
    const auto counts = some_kinds(45, 8, 3);
    const auto summary = summary::summarise(counts, 1, {}, {});
    FitOptions options;
    options.threads = options.restarts = 1;
    const auto fitted = fit({model, &summary, &counts}, options, nullptr, {});
    QVERIFY2(fitted.convergence.converged, fitted.convergence.verdict.c_str());
    for (std::size_t i = 1; i < fitted.trace.size(); ++i)
      QVERIFY2(fitted.trace[i].loss <= fitted.trace[i - 1].loss + 1e-7 * std::fabs(fitted.trace[i].loss),
               qPrintable(QString("round %1: %2 after %3")
                              .arg(i)
                              .arg(fitted.trace[i].loss, 0, 'f', 6)
                              .arg(fitted.trace[i - 1].loss, 0, 'f', 6)));
    for (const auto& site : model::layout(model)) {
      const auto& found = fitted.posterior.site(site.name);
      QCOMPARE(found.components, site.by_component ? std::int64_t{2} : std::int64_t{0});
      const std::size_t one = site.extent == model::Extent::Gene ? 8 : site.extent == model::Extent::Cell ? 45 : 1;
      QCOMPARE(found.arg1.size(), site.by_component ? 2 * one : one);
    }
    if (which % 7 != 0) return;
    options.threads = 3;
    const auto again = fit({model, &summary, &counts}, options, nullptr, {});
    for (std::size_t s = 0; s < fitted.posterior.sites.size(); ++s)
      QCOMPARE(again.posterior.sites[s].arg1, fitted.posterior.sites[s].arg1);
  }

  /// Gates and dispersions that both kinds share are found, from all cells.
  void whatIsSharedIsFound() {
    std::vector<double> gate(16, 0.02), dispersion(16, 4.0);
    for (std::size_t g = 0; g < 16; g += 2) gate[g] = 0.3;
    for (std::size_t g = 0; g < 16; g += 3) dispersion[g] = 10;
    const auto counts = two_kinds(900, 16, 4, dispersion, gate, false);
    const auto summary = summary::summarise(counts, 1, {}, {});
    const auto model = mixture_of("zinb", "mean_disp", 2, {"mu"});
    const auto fitted = fit({model, &summary, &counts}, {}, nullptr, {});
    const auto &open = fitted.posterior.site("gate"), &r = fitted.posterior.site("r"),
               &mu = fitted.posterior.site("mu");
    QVERIFY(std::fabs(fitted.posterior.site("mixing_weights").arg1[0] - 601) < 15);
    for (std::size_t g = 0; g < 16; ++g) {
      const double a = open.arg1[g], b = open.arg2[g], mean = a / (a + b);
      QVERIFY2(std::fabs(mean - gate[g]) < 0.06, qPrintable(QString("gate %1: %2").arg(g).arg(mean)));
      QVERIFY(std::sqrt(mean * (1 - mean) / (a + b + 1)) < 0.02);
      QVERIFY2(std::fabs(r.arg1[g] - std::log(dispersion[g])) < 4 * r.arg2[g] + 0.2,
               qPrintable(QString("r %1: %2").arg(g).arg(std::exp(r.arg1[g]))));
      for (std::size_t k = 0; k < 2; ++k) {  // the larger kind first: genes 1, 5, … are high in it
        const double high = g % 4 == (k == 0 ? 1 : 0) ? 12 : 3;
        QVERIFY2(std::fabs(mu.arg1[k * 16 + g] - std::log(high)) < 4 * mu.arg2[k * 16 + g] + 0.05,
                 qPrintable(QString("mu %1 of %2: %3").arg(g).arg(k).arg(std::exp(mu.arg1[k * 16 + g]))));
      }
    }
  }
};

QTEST_GUILESS_MAIN(TestMixtureShared)
#include "tst_mixture_shared.moc"
