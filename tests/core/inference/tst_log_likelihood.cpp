#include <QtTest>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include "../compute/fake_device.hpp"
#include "core/compute/device_backend.hpp"
#include "core/inference/log_likelihood.hpp"
#include "simulated.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

namespace {

/// The same log likelihood cell by cell and gene by gene, with lnΓ and ψ of Boost: what the collapsed form must equal.
double dense(const Problem& p, const Point& z, const data::Missing& missing, PointGradient& gradient) {
  const auto& m = *p.counts;
  const std::size_t sites = p.gene_sites.size();
  gradient.genes.assign(z.genes.size(), 0.0);
  gradient.units.assign(z.units.size(), 0.0);
  gradient.scalar = 0;
  double sum = 0;
  for (std::int64_t c = 0; c < m.n_cells; ++c)
    for (std::int64_t g = 0; g < m.n_genes; ++g) {
      const auto& lacking = missing.genes[missing.pattern(static_cast<std::size_t>(c))];
      if (std::find(lacking.begin(), lacking.end(), static_cast<std::uint32_t>(g)) != lacking.end()) continue;
      const std::size_t gi = static_cast<std::size_t>(g) * sites,
                        u = p.capture ? p.unit_of_cell[static_cast<std::size_t>(c)] : 0;
      const double count = m.at(c, g), first = p.gene_sites[0].read(z.genes[gi]);
      double log_r = first, log_phi = p.scalar ? p.scalar->read(z.scalar) : 0;
      if (p.mean == Mean::MeanTimesOdds) log_r += log_phi;
      if (p.mean == Mean::MeanAndDispersion) log_phi = (log_r = p.gene_sites[1].read(z.genes[gi + 1])) - first;
      const double log_nu = p.capture ? p.cell->read(z.units[u]) : 0, d = log_nu - log_phi, r = std::exp(log_r);
      const double log_1mp = -math::softplus(d), log_p = d + log_1mp, prob = math::sigmoid(d);
      // d/d ln r, d/dd (d = ln ν − ln φ), d/d logit gate.
      double value, by_r, by_d, by_gate = 0;
      const double nb = boost::math::lgamma(r + count) - boost::math::lgamma(r) - boost::math::lgamma(count + 1) +
                        r * log_1mp + count * log_p;
      const double nb_r = r * (boost::math::digamma(r + count) - boost::math::digamma(r) + log_1mp),
                   nb_d = -r * prob + count * (1 - prob);
      if (p.gate_at < 0) {
        value = nb;
        by_r = nb_r;
        by_d = nb_d;
      } else {
        const double zg = z.genes[gi + static_cast<std::size_t>(p.gate_at)], gate = math::sigmoid(zg);
        if (count > 0) {
          value = nb + std::log1p(-gate);
          by_r = nb_r;
          by_d = nb_d;
          by_gate = -gate;
        } else {
          const double open = (1 - gate) * std::exp(nb), total = gate + open, w = open / total;
          value = std::log(total);
          by_r = w * nb_r;
          by_d = w * nb_d;
          by_gate = (gate * (1 - gate) - open * gate) / total;
        }
      }
      sum += value;
      double by_first = by_r, by_phi = -by_d;
      if (p.mean == Mean::MeanAndDispersion) {
        by_first = -by_phi;
        gradient.genes[gi + 1] += (by_r + by_phi) * p.gene_sites[1].read_slope(z.genes[gi + 1]);
      } else {
        if (p.mean == Mean::MeanTimesOdds) by_phi += by_r;
        gradient.scalar += by_phi * p.scalar->read_slope(z.scalar);
      }
      gradient.genes[gi] += by_first * p.gene_sites[0].read_slope(z.genes[gi]);
      if (p.gate_at >= 0) gradient.genes[gi + static_cast<std::size_t>(p.gate_at)] += by_gate;
      if (p.capture) gradient.units[u] += by_d * p.cell->read_slope(z.units[u]);
    }
  return sum;
}

Point some_point(const Problem& p, double size) {
  math::Random random(11, math::Purpose::Test);
  Point z;
  z.scalar = 0.4 * random.normal();
  for (std::size_t i = 0; i < static_cast<std::size_t>(p.n_genes()) * p.gene_sites.size(); ++i) {
    const bool gate = static_cast<int>(i % p.gene_sites.size()) == p.gate_at;
    z.genes.push_back(gate ? -2 + size * 2 * random.normal() : size * random.normal());
  }
  for (std::size_t u = 0; u < p.units.size(); ++u)
    z.units.push_back(size * random.normal() - (p.cell->site().name == "eta_capture" ? -3 : 1));
  return z;
}

}  // namespace

class TestLogLikelihood : public QObject {
  Q_OBJECT

 private slots:
  void collapsedEqualsDense_data() {
    QTest::addColumn<int>("model");
    QTest::addColumn<double>("size");
    QTest::addColumn<bool>("some_missing");
    QTest::addColumn<bool>("wide");
    const auto models = testing::all_models();
    for (std::size_t i = 0; i < models.size(); ++i)
      for (const double size : {0.5, 2.0})
        for (const auto& [name, some_missing, wide] :
             {std::tuple{"", false, false}, std::tuple{" missing", true, false}, std::tuple{" wide", false, true}})
          QTest::newRow((testing::name_of(models[i]) + " " + std::to_string(size) + name).c_str())
              << static_cast<int>(i) << size << some_missing << wide;
  }
  void collapsedEqualsDense() {
    QFETCH(int, model);
    QFETCH(double, size);
    QFETCH(bool, some_missing);
    QFETCH(bool, wide);
    auto counts = testing::simulated_counts(40, 17, 1, wide);
    if (wide) QVERIFY(*std::max_element(counts.count.begin(), counts.count.end()) > 500'000);
    const auto missing = some_missing ? testing::take_out(counts) : data::Missing{};
    const auto summary = summary::summarise(counts, 1, {}, missing);
    const Problem p(testing::all_models()[static_cast<std::size_t>(model)], summary, &counts, true);
    const auto z = some_point(p, size);
    PointGradient ours, expected;
    LogLikelihood likelihood(p, 2);
    const double value = likelihood.evaluate(z, {}, 1, ours, {}), reference = dense(p, z, missing, expected);
    const auto close = [](double a, double b, double scale) {
      return std::fabs(a - b) <= 1e-10 * std::max(scale, std::fabs(b));
    };
    QVERIFY2(close(value, reference, 1),
             qPrintable(QString("%1 against %2").arg(value, 0, 'g', 17).arg(reference, 0, 'g', 17)));
    // An element's slope is a sum of terms of either sign: 1e-10 of their size, which is about count or r.
    const double scale = std::fabs(reference) / static_cast<double>(p.n_cells());
    QVERIFY(close(ours.scalar, expected.scalar, scale));
    for (std::size_t i = 0; i < ours.genes.size(); ++i)
      QVERIFY2(close(ours.genes[i], expected.genes[i], scale), qPrintable(QString("gene site %1: %2 against %3")
                                                                              .arg(i)
                                                                              .arg(ours.genes[i], 0, 'g', 17)
                                                                              .arg(expected.genes[i], 0, 'g', 17)));
    for (std::size_t i = 0; i < ours.units.size(); ++i)
      QVERIFY2(close(ours.units[i], expected.units[i], scale), qPrintable(QString("cell %1: %2 against %3")
                                                                              .arg(i)
                                                                              .arg(ours.units[i], 0, 'g', 17)
                                                                              .arg(expected.units[i], 0, 'g', 17)));
  }
  void batchesAddUp_data() {
    QTest::addColumn<int>("model");
    const auto models = testing::all_models();
    for (std::size_t i = 0; i < models.size(); ++i)
      QTest::newRow(testing::name_of(models[i]).c_str()) << static_cast<int>(i);
  }
  void batchesAddUp() {
    QFETCH(int, model);
    auto counts = testing::simulated_counts();
    const auto missing = testing::take_out(counts);
    const auto summary = summary::summarise(counts, 1, {}, missing);
    const Problem p(testing::all_models()[static_cast<std::size_t>(model)], summary, &counts, true);
    const auto z = some_point(p, 0.7);
    LogLikelihood likelihood(p, 1);
    PointGradient all, part;
    const double whole = likelihood.evaluate(z, {}, 1, all, {});
    fake_device::state() = {};
    const auto device = compute::device_backend(fake_device::api(), 0, "fake", 1);
    LogLikelihood there(p, 1, device.get());
    double sum = 0;
    std::vector<double> genes(all.genes.size(), 0.0);
    for (const auto& [first, last] : {std::pair{0, 13}, std::pair{13, 40}}) {
      std::vector<std::int64_t> batch;
      for (std::int64_t c = first; c < last; ++c) batch.push_back(c);
      sum += likelihood.evaluate(z, batch, 1, part, {});
      for (std::size_t i = 0; i < genes.size(); ++i) genes[i] += part.genes[i];
      PointGradient same;
      const double value = there.evaluate(z, batch, 1, same, {}), again = likelihood.evaluate(z, batch, 1, part, {});
      QVERIFY(std::fabs(value - again) <= 1e-12 * std::fabs(again));
      for (std::size_t i = 0; i < genes.size(); ++i)
        QVERIFY(std::fabs(same.genes[i] - part.genes[i]) <= 1e-10 * (1 + std::fabs(part.genes[i])));
    }
    QVERIFY(fake_device::state().launches > 0);
    QVERIFY(std::fabs(sum - whole) <= 1e-10 * std::fabs(whole));
    for (std::size_t i = 0; i < genes.size(); ++i)
      QVERIFY(std::fabs(genes[i] - all.genes[i]) <= 1e-9 * (1 + std::fabs(all.genes[i])));
  }
  void sharpGateIsSummedCellByCell() {
    // A gate of 1e-7 makes a step that no interpolation holds to 1e-10.
    const auto counts = testing::simulated_counts();
    const auto summary = summary::summarise(counts, 1, {});
    model::Model m;
    m.likelihood = "zinbvcp";
    const Problem p(m, summary, &counts, true);
    auto z = some_point(p, 1.0);
    for (std::size_t g = 0; g < static_cast<std::size_t>(p.n_genes()); ++g) {
      z.genes[2 * g] = 3;
      z.genes[2 * g + 1] = -16;
    }
    PointGradient ours, expected;
    LogLikelihood likelihood(p, 1);
    const double value = likelihood.evaluate(z, {}, 1, ours, {}), reference = dense(p, z, {}, expected);
    QVERIFY(std::fabs(value - reference) <= 1e-10 * std::fabs(reference));
    for (std::size_t i = 0; i < ours.units.size(); ++i)
      QVERIFY(std::fabs(ours.units[i] - expected.units[i]) <= 1e-8 * (1 + std::fabs(expected.units[i])));
  }
  void priorSlopes() {
    const auto counts = testing::simulated_counts();
    const auto summary = summary::summarise(counts, 1, {});
    for (const auto& m : testing::all_models()) {
      const Problem p(m, summary, &counts, true);
      auto z = some_point(p, 0.6);
      PointGradient slope;
      slope.genes.assign(z.genes.size(), 0.0);
      slope.units.assign(z.units.size(), 0.0);
      log_prior(p, z, slope);
      const auto check = [&](double& at, double expected) {
        const double x = at, h = 1e-5;
        PointGradient unused = slope;
        at = x + h;
        const double up = log_prior(p, z, unused);
        at = x - h;
        const double down = log_prior(p, z, unused);
        at = x;
        QVERIFY2(std::fabs((up - down) / (2 * h) - expected) < 1e-5 * (1 + std::fabs(expected)),
                 testing::name_of(m).c_str());
      };
      if (p.scalar) check(z.scalar, slope.scalar);
      for (const std::size_t i : {std::size_t{0}, z.genes.size() - 1}) check(z.genes[i], slope.genes[i]);
      if (p.cell) check(z.units[1], slope.units[1]);
    }
  }
};

QTEST_GUILESS_MAIN(TestLogLikelihood)
#include "tst_log_likelihood.moc"
