#include <QtTest>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include "core/inference/mixture_log_likelihood.hpp"
#include "simulated.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

namespace {

constexpr std::size_t K = 3;

std::vector<model::Model> all_mixtures() {
  auto out = testing::all_models();
  for (auto& m : out) m.components = K;
  // Sites that components share.
  const auto add = [&](const char* likelihood, const char* parameterization, std::vector<std::string> own) {
    model::Model m;
    m.likelihood = likelihood;
    m.parameterization = parameterization;
    m.components = K;
    m.mixture_params = std::move(own);
    out.push_back(m);
  };
  add("nbvcp", "canonical", {"r"});
  add("nbvcp", "mean_odds", {"phi"});
  add("zinbvcp", "mean_odds", {"mu", "phi"});
  add("zinb", "canonical", {"p", "r"});
  add("zinb", "mean_prob", {"gate"});
  add("nbvcp", "mean_disp", {"mu"});
  add("zinbvcp", "mean_disp", {"r", "gate"});
  return out;
}
std::string name_of(const model::Model& m) {
  std::string name = testing::name_of(m);
  for (const auto& own : m.mixture_params) name += " " + own;
  return name;
}

/// A cell's ln f by components, entry by entry, with Boost's lnΓ and ψ, and its derivatives in ln r_g, d_g = ln ν − ln
/// φ_g and the gates' logits.
struct Dense {
  double value = 0;
  std::vector<double> by_r, by_d, by_gate;
};
Dense dense_cell(const Problem& p, const PointTerms& at, std::int64_t c, const std::vector<std::uint32_t>& lacking) {
  const auto genes = static_cast<std::size_t>(p.n_genes());
  Dense out{0, std::vector<double>(genes), std::vector<double>(genes), std::vector<double>(genes)};
  for (std::size_t g = 0; g < genes; ++g) {
    if (std::find(lacking.begin(), lacking.end(), static_cast<std::uint32_t>(g)) != lacking.end()) continue;
    const double count = p.counts->at(c, static_cast<std::int64_t>(g)), r = std::exp(at.log_r[g]),
                 d = (p.capture ? at.log_nu[static_cast<std::size_t>(c)] : 0) - at.log_phi_of(g),
                 log_1mp = -math::softplus(d), prob = math::sigmoid(d);
    const double nb = boost::math::lgamma(r + count) - boost::math::lgamma(r) - boost::math::lgamma(count + 1) +
                      r * log_1mp + count * (d + log_1mp);
    double w = 1, gate = 0;
    if (p.gate_at < 0) {
      out.value += nb;
    } else {
      gate = math::sigmoid(at.gate[g]);
      if (count > 0) {
        out.value += nb + std::log1p(-gate);
        out.by_gate[g] = -gate;
      } else {
        const double open = (1 - gate) * std::exp(nb), total = gate + open;
        w = open / total;
        out.value += std::log(total);
        out.by_gate[g] = (gate * (1 - gate) - open * gate) / total;
      }
    }
    out.by_r[g] = w * r * (boost::math::digamma(r + count) - boost::math::digamma(r) + log_1mp);
    out.by_d[g] = w * (-r * prob + count * (1 - prob));
  }
  return out;
}

struct Place {
  std::vector<double> z, log_weight;
};
Place some_place(const Problem& p, const MixturePlaces& places, double size) {
  math::Random random(11, math::Purpose::Test);
  Place out{std::vector<double>(places.size()), {}};
  for (std::size_t k = 0; k < K; ++k) {
    out.log_weight.push_back(random.normal());
    if (places.n_scalars() > 0) out.z[places.scalar(k)] = 0.4 * random.normal();
    for (std::size_t g = 0; g < places.n_genes(); ++g)
      for (std::size_t s = 0; s < places.n_sites(); ++s)
        out.z[places.gene(k, g, s)] =
            static_cast<int>(s) == p.gate_at ? -2 + 2 * size * random.normal() : size * random.normal();
  }
  for (std::size_t u = 0; u < places.n_units(); ++u)
    out.z[places.unit(u)] = size * random.normal() - (p.cell->site().name == "eta_capture" ? -3 : 1);
  return out;
}

std::vector<double> some_logits(std::int64_t cells) {
  std::vector<double> logits(static_cast<std::size_t>(cells) * K, 0.0);
  for (std::size_t c = 0; c < logits.size() / K; c += 2) logits[c * K + c % K] = 3;
  return logits;
}

/// Σ_c log Σ_k w_ck Π_g f_k over `cells`, written out.
double dense(const Problem& p, const MixturePlaces& places, const Place& at, std::span<const double> logits,
             const std::vector<std::int64_t>& cells, const data::Missing& missing, std::vector<double>& slope,
             std::vector<double>& weight_slope) {
  slope.assign(places.size(), 0.0);
  weight_slope.assign(K, 0.0);
  double all = 0, value = 0;
  for (const double l : at.log_weight) all += std::exp(l);
  std::vector<double> pi;
  for (const double l : at.log_weight) pi.push_back(std::exp(l) / all);
  std::vector<Point> points(K);
  std::vector<PointTerms> terms;
  std::vector<TermSlopes> slopes(K);
  for (std::size_t k = 0; k < K; ++k) {
    places.read(at.z, k, points[k]);
    terms.push_back(terms_at(p, points[k]));
    slopes[k].clear(terms[k]);
  }
  for (const auto c : cells) {
    std::vector<Dense> of;
    std::vector<double> weight(K), share(K);
    double norm = 0;
    for (std::size_t k = 0; k < K; ++k) {
      of.push_back(dense_cell(p, terms[k], c, missing.genes[missing.pattern(static_cast<std::size_t>(c))]));
      weight[k] = logits.empty() ? pi[k] : (pi[k] + 1e-8) * std::exp(logits[static_cast<std::size_t>(c) * K + k]);
      norm += weight[k];
    }
    for (std::size_t k = 0; k < K; ++k) share[k] = std::log(weight[k] / norm) + of[k].value;
    value += math::softmax(share.data(), K);
    for (std::size_t k = 0; k < K; ++k) {
      auto& s = slopes[k];
      // By π_k of log w_ck summed with responsibilities, then by the logs whose shares π are.
      double by_pi = share[k] / (pi[k] + (logits.empty() ? 0 : 1e-8));
      if (!logits.empty()) by_pi -= std::exp(logits[static_cast<std::size_t>(c) * K + k]) / norm;
      for (std::size_t j = 0; j < K; ++j) weight_slope[j] += by_pi * pi[k] * ((j == k) - pi[j]);
      for (std::size_t g = 0; g < of[k].by_r.size(); ++g) {
        s.log_r[g] += share[k] * of[k].by_r[g];
        s.log_phi[terms[k].own_p ? g : 0] -= share[k] * of[k].by_d[g];
        if (p.gate_at >= 0) s.gate[g] += share[k] * of[k].by_gate[g];
        if (p.capture) s.log_nu[static_cast<std::size_t>(c)] += share[k] * of[k].by_d[g];
      }
    }
  }
  PointGradient gradient;
  for (std::size_t k = 0; k < K; ++k) {
    to_axes(p, points[k], slopes[k], 1, gradient);
    places.add(gradient, k, slope);
    for (std::size_t u = 0; u < gradient.units.size(); ++u) slope[places.unit(u)] += gradient.units[u];
  }
  return value;
}

}  // namespace

class TestMixtureLogLikelihood : public QObject {
  Q_OBJECT

  static void every_mixture() {
    QTest::addColumn<int>("model");
    const auto models = all_mixtures();
    for (std::size_t i = 0; i < models.size(); ++i) QTest::newRow(name_of(models[i]).c_str()) << static_cast<int>(i);
  }

 private slots:
  void collapsedEqualsDense_data() { every_mixture(); }
  /// Value and gradient, with and without labels, with and without what was not measured, for all cells and batches.
  void collapsedEqualsDense() {
    QFETCH(int, model);
    const auto mixture = all_mixtures()[static_cast<std::size_t>(model)];
    for (const bool some_missing : {false, true})
      for (const bool labelled : {false, true})
        for (const bool batched : {false, true})
          for (const double size : {0.5, 2.0}) {
            auto counts = testing::simulated_counts(24, 17);
            QVERIFY(*std::max_element(counts.count.begin(), counts.count.end()) > 10'000);
            const auto missing = some_missing ? testing::take_out(counts) : data::Missing{};
            const auto summary = summary::summarise(counts, 1, {}, missing);
            const Problem one(model::component_model(mixture), summary, &counts, true);
            const auto logits = labelled ? some_logits(24) : std::vector<double>{};
            MixtureLogLikelihood likelihood(mixture, one, logits, 2);
            const auto at = some_place(one, likelihood.places(), size);
            std::vector<std::int64_t> batch, cells;
            for (std::int64_t c = 0; c < 24; ++c)
              if (!batched || c % 3 != 1) cells.push_back(c);
            if (batched) batch = cells;
            const double scale = batched ? 1.5 : 1;
            std::vector<double> slope, weight_slope, expected, expected_weight;
            const double value = likelihood.evaluate(at.z, at.log_weight, batch, scale, slope, weight_slope, {});
            const double reference =
                scale * dense(one, likelihood.places(), at, logits, cells, missing, expected, expected_weight);
            QVERIFY2(std::fabs(value - reference) <= 1e-10 * std::fabs(reference),
                     qPrintable(QString("%1 against %2").arg(value, 0, 'g', 17).arg(reference, 0, 'g', 17)));
            // A slope is a sum of terms of either sign: 1e-10 of their size.
            const double unit = std::fabs(reference) / 24;
            const auto close = [&](double a, double b) {
              return std::fabs(a - scale * b) <= 1e-10 * (unit + std::fabs(b));
            };
            for (std::size_t i = 0; i < slope.size(); ++i)
              QVERIFY2(close(slope[i], expected[i]), qPrintable(QString("element %1 of %2: %3 against %4")
                                                                    .arg(i)
                                                                    .arg(slope.size())
                                                                    .arg(slope[i], 0, 'g', 17)
                                                                    .arg(scale * expected[i], 0, 'g', 17)));
            for (std::size_t k = 0; k < K; ++k) QVERIFY(close(weight_slope[k], expected_weight[k]));
          }
  }

  void gradientIsThatOfDifferences_data() { every_mixture(); }
  void gradientIsThatOfDifferences() {
    QFETCH(int, model);
    const auto mixture = all_mixtures()[static_cast<std::size_t>(model)];
    const auto counts = testing::simulated_counts(24, 17);
    const auto summary = summary::summarise(counts, 1, {});
    const Problem one(model::component_model(mixture), summary, &counts, true);
    const auto logits = some_logits(24);
    MixtureLogLikelihood likelihood(mixture, one, logits, 1);
    auto at = some_place(one, likelihood.places(), 0.3);
    std::vector<double> slope, weight_slope, unused, unused_too;
    likelihood.evaluate(at.z, at.log_weight, {}, 1, slope, weight_slope, {});
    const auto check = [&](double& x, double expected, double scale) {
      const double was = x, h = 2e-4;
      const auto value_at = [&](double step) {
        x = was + step * h;
        return likelihood.evaluate(at.z, at.log_weight, {}, 1, unused, unused_too, {});
      };
      const double difference = (8 * (value_at(1) - value_at(-1)) - (value_at(2) - value_at(-2))) / (12 * h);
      x = was;
      QVERIFY2(std::fabs(difference - expected) < 1e-6 * (scale + std::fabs(expected)),
               qPrintable(QString("%1 against %2").arg(expected).arg(difference)));
    };
    for (std::size_t i = 0; i < slope.size(); i += i < 4 ? 1 : 3) check(at.z[i], slope[i], 30);
    for (std::size_t k = 0; k < K; ++k) check(at.log_weight[k], weight_slope[k], 30);
  }

  void sharpGatesAreSummedCellByCell() {
    const auto counts = testing::simulated_counts();
    const auto summary = summary::summarise(counts, 1, {});
    auto mixture = all_mixtures().front();
    mixture.likelihood = "zinbvcp";
    const Problem one(model::component_model(mixture), summary, &counts, true);
    MixtureLogLikelihood likelihood(mixture, one, {}, 2);
    auto at = some_place(one, likelihood.places(), 1);
    for (std::size_t k = 0; k < K; ++k)
      for (std::size_t g = 0; g < likelihood.places().n_genes(); g += k + 1) {
        at.z[likelihood.places().gene(k, g, 0)] = 3;
        at.z[likelihood.places().gene(k, g, 1)] = -16;
      }
    std::vector<std::int64_t> cells;
    for (std::int64_t c = 0; c < counts.n_cells; ++c) cells.push_back(c);
    std::vector<double> slope, weight_slope, expected, expected_weight;
    const double value = likelihood.evaluate(at.z, at.log_weight, {}, 1, slope, weight_slope, {}),
                 reference = dense(one, likelihood.places(), at, {}, cells, {}, expected, expected_weight);
    QVERIFY(std::fabs(value - reference) <= 1e-10 * std::fabs(reference));
    for (std::size_t i = 0; i < slope.size(); ++i)
      QVERIFY(std::fabs(slope[i] - expected[i]) <= 1e-8 * (1 + std::fabs(expected[i])));
  }

  /// The bits do not depend on the threads, and responsibilities sum to one.
  void threadsChangeNothing() {
    for (const char* likelihood_name : {"nbdm", "zinb", "nbvcp", "zinbvcp"}) {
      model::Model mixture;
      mixture.likelihood = likelihood_name;
      mixture.components = K;
      const auto counts = testing::simulated_counts(150, 40);
      const auto summary = summary::summarise(counts, 1, {});
      const Problem one(model::component_model(mixture), summary, &counts, true);
      MixtureLogLikelihood first(mixture, one, {}, 1), second(mixture, one, {}, 2);
      const auto at = some_place(one, first.places(), 0.7);
      std::vector<double> slope, weight_slope, again, weight_again;
      const double value = first.evaluate(at.z, at.log_weight, {}, 1, slope, weight_slope, {});
      QCOMPARE(second.evaluate(at.z, at.log_weight, {}, 1, again, weight_again, {}), value);
      QCOMPARE(again, slope);
      QCOMPARE(weight_again, weight_slope);
      for (std::size_t c = 0; c < first.by_cell().size(); ++c) {
        double sum = 0;
        for (std::size_t k = 0; k < K; ++k) sum += first.responsibilities()[c * K + k];
        QVERIFY(std::fabs(sum - 1) < 1e-12);
      }
    }
  }
};

QTEST_GUILESS_MAIN(TestMixtureLogLikelihood)
#include "tst_mixture_log_likelihood.moc"
