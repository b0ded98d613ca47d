#include <QtTest>

#include "../compute/fake_device.hpp"
#include "core/compute/device_backend.hpp"
#include "core/error.hpp"
#include "core/math/distributions.hpp"
#include "core/result/density.hpp"
#include "core/result/likelihood_terms.hpp"
#include "core/result/transform.hpp"
#include "small_model.hpp"

using namespace scriptorium;
using namespace scriptorium::result;

namespace {

/// The model written down entry by entry, without any sharing of terms.
Likelihood dense(const model::Model& model, const model::Values& given, const data::CountMatrix& counts) {
  auto all = given;
  add_derived(model, all);
  Likelihood sum;
  sum.by_cell.assign(static_cast<std::size_t>(counts.n_cells), 0.0);
  sum.by_gene.assign(static_cast<std::size_t>(counts.n_genes), 0.0);
  for (std::size_t c = 0; c < sum.by_cell.size(); ++c)
    for (std::size_t g = 0; g < sum.by_gene.size(); ++g) {
      const auto& p = all.at("p").values;
      const long double one = p[p.size() > 1 ? g : 0], nu = all.count("p_capture") ? all.at("p_capture").values[c] : 1;
      const long double p_hat = one * nu / (1 - one * (1 - nu));
      const double r = all.at("r").values[g];
      const auto u = counts.at(static_cast<std::int64_t>(c), static_cast<std::int64_t>(g));
      long double mass = 0;
      for (std::uint32_t k = 0; k < u; ++k) mass += std::log((static_cast<long double>(r) + k) / (k + 1));
      mass += r * std::log(1 - p_hat) + u * std::log(p_hat);
      if (all.count("gate")) {
        const long double gate = all.at("gate").values[g];
        mass = u == 0 ? std::log(gate + (1 - gate) * std::exp(mass)) : std::log(1 - gate) + mass;
      }
      sum.by_cell[c] += static_cast<double>(mass);
      sum.by_gene[g] += static_cast<double>(mass);
    }
  return sum;
}

void every_model() {
  QTest::addColumn<QString>("likelihood");
  QTest::addColumn<QString>("parameterization");
  QTest::addColumn<bool>("organism");
  QTest::addColumn<bool>("unconstrained");
  for (const auto& likelihood : model::likelihoods())
    for (const auto& kind : model::parameterizations())
      for (bool organism : {false, true})
        for (bool unconstrained : {false, true})
          if (!organism || likelihood.variable_capture)
            QTest::addRow("%s %s%s%s", likelihood.key.c_str(), kind.key.c_str(), organism ? " organism" : "",
                          unconstrained ? " unconstrained" : "")
                << QString::fromStdString(likelihood.key) << QString::fromStdString(kind.key) << organism
                << unconstrained;
}

}  // namespace

class TestLikelihood : public QObject {
  Q_OBJECT
 private slots:
  void collapsedIsDense_data() { every_model(); }
  void collapsedIsDense() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    QFETCH(bool, organism);
    QFETCH(bool, unconstrained);
    auto s = small_model::make(likelihood.toStdString(), parameterization.toStdString(), organism, unconstrained);
    // Large counts, an empty gene and an empty cell.
    data::CountMatrix counts;
    counts.n_cells = small_model::cells;
    counts.n_genes = small_model::genes;
    for (std::int64_t c = 0; c < counts.n_cells; ++c) {
      for (auto i = s.counts.row_start[static_cast<std::size_t>(c)];
           i < s.counts.row_start[static_cast<std::size_t>(c) + 1]; ++i)
        if (c != 5 && s.counts.gene[static_cast<std::size_t>(i)] != 4) {
          counts.gene.push_back(s.counts.gene[static_cast<std::size_t>(i)]);
          counts.count.push_back(s.counts.count[static_cast<std::size_t>(i)] + (c == 7 ? 20'000u : 0u));
        }
      counts.row_start.push_back(counts.nnz());
    }
    LikelihoodOptions options;
    options.guards = Guards::None;
    options.threads = 1;
    const auto found = log_likelihood(s.fit.model, s.truth, counts, options, {});
    const auto wanted = dense(s.fit.model, s.truth, counts);
    for (std::size_t c = 0; c < wanted.by_cell.size(); ++c)
      QVERIFY2(std::fabs(found.by_cell[c] - wanted.by_cell[c]) <= 1e-10 * std::fabs(wanted.by_cell[c]) + 1e-11,
               qPrintable(QString("cell %1").arg(c)));
    for (std::size_t g = 0; g < wanted.by_gene.size(); ++g)
      QVERIFY2(std::fabs(found.by_gene[g] - wanted.by_gene[g]) <= 1e-10 * std::fabs(wanted.by_gene[g]) + 1e-11,
               qPrintable(QString("gene %1").arg(g)));
    options.threads = 3;
    const auto again = log_likelihood(s.fit.model, s.truth, counts, options, {});
    QVERIFY(again.by_cell == found.by_cell && again.by_gene == found.by_gene);
  }

  /// By a backend, the CPU or a device, with all entries measured and with some missing.
  void onBackends_data() { every_model(); }
  void onBackends() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    QFETCH(bool, organism);
    QFETCH(bool, unconstrained);
    const auto s = small_model::make(likelihood.toStdString(), parameterization.toStdString(), organism, unconstrained);
    data::Missing missing;
    missing.genes = {{}, {1, 5}};
    for (std::int64_t c = 0; c < s.counts.n_cells; ++c) missing.pattern_of_cell.push_back(0);
    for (std::size_t c = 0; c < missing.pattern_of_cell.size(); ++c)
      missing.pattern_of_cell[c] =
          s.counts.at(static_cast<std::int64_t>(c), 1) == 0 && s.counts.at(static_cast<std::int64_t>(c), 5) == 0;
    QVERIFY(!missing.none() && missing.n_cells() > 0);
    fake_device::state() = {};
    for (const auto& backend : {compute::cpu_backend(2), compute::device_backend(fake_device::api(), 0, "fake", 1)})
      for (const data::Missing* lacking :
           {static_cast<const data::Missing*>(nullptr), static_cast<const data::Missing*>(&missing)}) {
        LikelihoodOptions options;
        options.threads = 1;
        options.missing = lacking;
        const auto terms = resolve_terms(s.fit.model, s.truth, s.counts.n_cells, s.counts.n_genes, options);
        const auto wanted = evaluate_terms(terms, s.counts, options, {}, nullptr);
        const auto found = evaluate_on(*backend, terms, s.counts, options, {});
        const auto agree = [](const std::vector<double>& a, const std::vector<double>& b) {
          QCOMPARE(a.size(), b.size());
          for (std::size_t i = 0; i < a.size(); ++i)
            QVERIFY2(std::fabs(a[i] - b[i]) <= 1e-10 * std::fabs(b[i]) + 1e-11, qPrintable(QString::number(i)));
        };
        agree(found.by_cell, wanted.by_cell);
        agree(found.by_gene, wanted.by_gene);
        options.by_gene = false;
        QVERIFY(evaluate_on(*backend, terms, s.counts, options, {}).by_gene.empty());
        // A GPU is taken by itself, with the same numbers.
        options.backend = backend.get();
        agree(log_likelihood(s.fit.model, s.truth, s.counts, options, {}).by_cell, wanted.by_cell);
      }
    QVERIFY(fake_device::state().launches > 0);
  }

  void gradientIsTheSlope_data() { every_model(); }
  void gradientIsTheSlope() {
    QFETCH(QString, likelihood);
    QFETCH(QString, parameterization);
    QFETCH(bool, organism);
    QFETCH(bool, unconstrained);
    const auto s = small_model::make(likelihood.toStdString(), parameterization.toStdString(), organism, unconstrained);
    LikelihoodOptions options;
    options.guards = Guards::None;
    const auto at = [&](const model::Values& point) {
      return -density(s.fit.model, point, s.counts, options, {}).potential();
    };
    const auto found = density(s.fit.model, s.truth, s.counts, options, {});
    for (const auto& site : model::layout(s.fit.model)) {
      const std::size_t i = s.truth.at(site.name).values.size() / 2;
      const double z = to_real(site.bijection, s.truth.at(site.name).values[i]), h = 1e-4;
      double side[2];
      for (int k = 0; k < 2; ++k) {
        auto moved = s.truth;
        moved.at(site.name).values[i] = to_natural(site.bijection, z + (k ? h : -h));
        side[k] = at(moved);
      }
      const double slope = (side[1] - side[0]) / (2 * h), claimed = found.gradient_unconstrained.at(site.name)[i];
      QVERIFY2(std::fabs(slope - claimed) <= 2e-5 * (1 + std::fabs(claimed)) + 1e-4,
               qPrintable(QString("%1: %2 %3").arg(site.name.c_str()).arg(slope).arg(claimed)));
    }
  }

  void guardsKeepExtremesFinite() {
    auto s = small_model::make("nbvcp", "canonical");
    s.truth["p"].values = {1.0};
    s.truth["r"].values[0] = 0;
    s.truth["p_capture"].values[3] = 0;
    const auto found = log_likelihood(s.fit.model, s.truth, s.counts, {}, {});
    for (double cell : found.by_cell) QVERIFY(std::isfinite(cell));
  }

  void wrongParametersAreNamed() {
    const auto s = small_model::make("zinbvcp", "mean_odds");
    const auto message = [&](model::Values point) {
      try {
        log_likelihood(s.fit.model, point, s.counts, {}, {});
      } catch (const Error& error) {
        return QString(error.what());
      }
      return QString();
    };
    auto point = s.truth;
    point.erase("gate");
    QVERIFY(message(point).contains("gate is missing"));
    point = s.truth;
    point["mu"].values.pop_back();
    QVERIFY(message(point).contains("mu has 11 values; the data have 12 genes"));
    point = s.truth;
    point["gate"].values[1] = 1.5;
    QVERIFY(message(point).contains("gate holds 1.5"));
    point = s.truth;
    point["phi"].values[0] = std::nan("");
    QVERIFY(message(point).contains("phi holds"));
  }
};

QTEST_APPLESS_MAIN(TestLikelihood)
#include "tst_likelihood.moc"
