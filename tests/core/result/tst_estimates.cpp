#include <QtTest>

#include "core/error.hpp"
#include "small_model.hpp"

using namespace scriptorium;
using namespace scriptorium::result;

class TestEstimates : public QObject {
  Q_OBJECT
  static bool close(double a, double b, double relative) {
    return std::fabs(a - b) <= relative * (std::fabs(a) + std::fabs(b)) + 1e-12;
  }

 private slots:
  void marginalsAreLaws_data() {
    QTest::addColumn<int>("law");
    QTest::addColumn<int>("transform");
    QTest::addColumn<double>("a");
    QTest::addColumn<double>("b");
    const auto row = [](const char* name, model::Law law, model::Transform transform, double a, double b) {
      QTest::newRow(name) << static_cast<int>(law) << static_cast<int>(transform) << a << b;
    };
    using model::Law, model::Transform;
    row("beta", Law::Beta, Transform::Sigmoid, 3, 5);
    row("beta prime", Law::BetaPrime, Transform::Exp, 7, 4);
    row("gamma", Law::Gamma, Transform::Exp, 2.5, 0.7);
    row("log normal", Law::LogNormal, Transform::Exp, 0.4, 0.6);
    row("sigmoid normal", Law::TransformedNormal, Transform::Sigmoid, -0.7, 1.3);
    row("softplus normal", Law::TransformedNormal, Transform::Softplus, 0.5, 0.8);
    row("truncated normal", Law::TruncatedNormal, Transform::Exp, 0.5, 0.8);
  }
  // Moments, quantiles and mode from the density alone, by a fine sum.
  void marginalsAreLaws() {
    QFETCH(int, law);
    QFETCH(int, transform);
    QFETCH(double, a);
    QFETCH(double, b);
    const Marginal m{static_cast<model::Law>(law), static_cast<model::Transform>(transform), a, b};
    const double top = m.quantile(1 - 1e-10);
    const int n = 400'000;
    double mass = 0, mean = 0, square = 0, best = 0, mode = 0;
    for (int i = 0; i < n; ++i) {
      const double x = top * (i + 0.5) / n, weight = m.density(x) * top / n;
      mass += weight;
      mean += weight * x;
      square += weight * x * x;
      if (weight > best) best = weight, mode = x;
    }
    QVERIFY(close(mass, 1, 1e-6));
    QVERIFY(close(m.mean(), mean, 1e-5));
    QVERIFY(close(m.sd(), std::sqrt(square - mean * mean), 1e-4));
    QVERIFY(std::fabs(m.mode() - mode) <= 3 * top / n + 1e-4);
    for (double q : {0.001, 0.025, 0.3, 0.5, 0.975}) QVERIFY(close(m.cdf(m.quantile(q)), q, 1e-9));
  }

  void modesAtTheEdgeFollowTheRules() {
    const auto beta = [](double a, double b) { return Marginal{model::Law::Beta, model::Transform::Sigmoid, a, b}; };
    QVERIFY(std::isnan(beta(1, 1).mode()));
    QCOMPARE(beta(0.5, 2).mode(), 0.0);
    QCOMPARE(beta(2, 0.5).mode(), 1.0);
    QCOMPARE(point(beta(0.6, 0.8), {.use_mean = true}), 0.6 / 1.4);
    QVERIFY(std::isnan(point(beta(0.6, 0.8), {})));
    const Marginal odds{model::Law::BetaPrime, model::Transform::Exp, 0.5, 2};
    QVERIFY(std::isinf(odds.mean()));
    QCOMPARE(point(odds, {.mean_everywhere = true}), 4.0);
  }

  void drawsFollowTheMarginals() {
    const auto s = small_model::make("zinbvcp", "mean_odds");
    const int n = 4000;
    const auto draws = sample(s.fit, n, 5, true, 0, {});
    for (const auto& site : s.fit.result.posterior.sites) {
      const auto& array = draws.at(site.name);
      QCOMPARE(array.dims.front(), std::string("draw"));
      for (std::size_t i = 0; i < site.arg1.size(); i += 5) {
        double sum = 0, square = 0;
        for (std::size_t d = 0; d < static_cast<std::size_t>(n); ++d) {
          const double x = array.values[d * site.arg1.size() + i];
          sum += x;
          square += x * x;
        }
        const auto m = marginal(site, i);
        QVERIFY(std::fabs(sum / n - m.mean()) < 5 * m.sd() / std::sqrt(n));
        QVERIFY(close(std::sqrt(square / n - sum * sum / n / n), m.sd(), 0.06));
      }
    }
    QCOMPARE(draws.at("r").values[3], draws.at("mu").values[3] * draws.at("phi").values[0]);
    const auto fewer = sample(s.fit, 10, 5, false, 0, {});
    QVERIFY(std::equal(fewer.at("mu").values.begin(), fewer.at("mu").values.end(), draws.at("mu").values.begin()));
    QVERIFY(sample(s.fit, 10, 6, false, 0, {}).at("mu").values != fewer.at("mu").values);
    QVERIFY_EXCEPTION_THROWN(sample(s.fit, 0, 5, false, 0, {}), Error);
  }

  void coupledDrawsFollowTheGrid() {
    auto s = small_model::make("nbdm", "canonical");
    auto& conditional = s.fit.result.posterior.conditional.emplace();
    conditional.scalar = "p";
    const double centre = 0.3, sd = 0.25;
    for (int k = 0; k < 21; ++k) {
      const double z = centre + sd * 0.45 * (k - 10);
      conditional.node.push_back(z);
      conditional.log_density.push_back(-0.5 * std::pow((z - centre) / sd, 2));
      auto r = s.fit.result.posterior.sites[1];
      for (double& loc : r.arg1) loc -= 2 * (z - centre);
      for (double& scale : r.arg2) scale = 0.01;
      conditional.sites.push_back({r});
    }
    const int n = 20'000;
    const auto draws = sample(s.fit, n, 1, false, 0, {});
    double mean = 0, square = 0, worst = 0;
    for (std::size_t d = 0; d < static_cast<std::size_t>(n); ++d) {
      const double p = draws.at("p").values[d], z = std::log(p / (1 - p));
      mean += z / n;
      square += z * z / n;
      const double r = std::log(draws.at("r").values[d * 12]),
                   expected = s.fit.result.posterior.sites[1].arg1[0] - 2 * (z - centre);
      worst = std::max(worst, std::fabs(r - expected));
    }
    QVERIFY(std::fabs(mean - centre) < 5 * sd / std::sqrt(n));
    QVERIFY(close(std::sqrt(square - mean * mean), sd, 0.02));
    QVERIFY(worst < 0.06);  // r follows p, six of its own sds at most
  }

  void derivedParametersAgree() {
    for (const char* kind : {"canonical", "mean_prob", "mean_odds", "mean_disp"}) {
      const auto s = small_model::make("nbvcp", kind);
      auto values = s.truth;
      add_derived(s.fit.model, values);
      const auto& p = values.at("p").values;
      for (std::size_t g = 0; g < 12; ++g) {
        const double one = p[p.size() > 1 ? g : 0];
        QVERIFY(close(values.at("mu").values[g], values.at("r").values[g] * one / (1 - one), 1e-12));
      }
      QCOMPARE(values.count("p_hat"), std::size_t{p.size() > 1 ? 0u : 1u});
      QCOMPARE(captured_probability(values.at("p"), values.at("p_capture")).dims.size(),
               std::size_t{p.size() > 1 ? 2u : 1u});
    }
  }

  void subsetsKeepTheCells() {
    const auto s = small_model::make("nbvcp", "canonical");
    const auto two = subset_genes(s.fit, {7, 2});
    QCOMPARE(two.genes, (std::vector<std::string>{"gene7", "gene2"}));
    QCOMPARE(two.result.posterior.sites[1].arg1[0], s.fit.result.posterior.sites[1].arg1[7]);
    QCOMPARE(two.result.posterior.sites[2].arg1, s.fit.result.posterior.sites[2].arg1);
    QCOMPARE(two.summary.gene_total[1], s.fit.summary.gene_total[2]);
    QCOMPARE(two.summary.classes.size(), s.fit.summary.classes.size());
    const auto full = map_estimate(s.fit, {}).at("p_hat").values, part = map_estimate(two, {}).at("p_hat").values;
    QVERIFY(full == part);
    QVERIFY_EXCEPTION_THROWN(subset_genes(s.fit, {}), Error);
    QVERIFY_EXCEPTION_THROWN(subset_genes(s.fit, {12}), Error);
    QVERIFY_EXCEPTION_THROWN(subset_genes(s.fit, {1, 1}), Error);
  }

  void unknownGenesGetNeighbours() {
    const std::vector<std::string> names{"LYZ", "CD3D", "CD3E", "MALAT1"};
    QCOMPARE(find_genes(names, {"MALAT1", "LYZ"}), (std::vector<std::int64_t>{3, 0}));
    try {
      find_genes(names, {"LYZ", "cd3f"});
      QFAIL("cd3f is not a gene");
    } catch (const Error& error) {
      QVERIFY(QString(error.what()).contains("cd3f"));
      QVERIFY(QString::fromStdString(error.remedy()).contains("CD3D"));
    }
  }
};

QTEST_APPLESS_MAIN(TestEstimates)
#include "tst_estimates.moc"
