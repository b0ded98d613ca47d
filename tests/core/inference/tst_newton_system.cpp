#include <Eigen/Dense>
#include <QTest>
#include <cmath>

#include "core/inference/newton_system.hpp"
#include "simulated.hpp"

using namespace scriptorium;
using namespace scriptorium::inference;

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

/// A system of random numbers on a problem with three patterns of measured genes, and its Hessian written out.
struct Example {
  Example(int rank, bool has_scalar, double pull)
      : counts(testing::simulated_counts(12, 9)),
        missing(testing::take_out(counts)),
        summary(summary::summarise(counts, 1, {}, missing)),
        problem(model_of(), summary, &counts) {
    math::Random random(11, math::Purpose::Test, static_cast<std::uint64_t>(rank));
    const auto fill = [&](std::vector<double>& values, std::size_t n, double size) {
      for (std::size_t i = 0; i < n; ++i) values.push_back(size * random.normal());
    };
    const auto pairs = static_cast<std::size_t>(rank), genes = static_cast<std::size_t>(problem.n_genes()),
               units = problem.units.size(), size = std::size_t{4}, s = std::size_t{has_scalar ? 2U : 0U};
    system.problem = &problem;
    system.gene_size = static_cast<int>(size);
    system.rank = rank;
    system.coupled = true;
    system.has_scalar = has_scalar;
    const auto gene_at = [&](std::size_t g, std::size_t a) { return static_cast<Eigen::Index>(s + g * size + a); };
    const auto unit_at = [&](std::size_t u, std::size_t b) {
      return static_cast<Eigen::Index>(s + genes * size + 2 * u + b);
    };
    alone = Matrix::Zero(unit_at(units, 0), unit_at(units, 0));
    for (std::size_t g = 0; g < genes; ++g) {
      Matrix root(size, size);
      for (auto& entry : root.reshaped()) entry = random.normal();
      const Matrix block = root * root.transpose() + 3 * Matrix::Identity(size, size);
      system.gene_block.insert(system.gene_block.end(), block.data(), block.data() + block.size());
      alone.block(gene_at(g, 0), gene_at(g, 0), size, size) = block;
    }
    for (std::size_t u = 0; u < units; ++u) {
      const double a = 4 + random.uniform(), b = random.normal(), c = 3 + random.uniform();
      system.cell_block.insert(system.cell_block.end(), {a, b, c});
      alone.block<2, 2>(unit_at(u, 0), unit_at(u, 0)) << a, b, b, c;
    }
    fill(system.gene_mean, genes * size * pairs, pull);
    fill(system.cell_rate, units * 2 * pairs, pull);
    fill(system.gene_scalar, genes * size * 2, 0.1);
    fill(system.cell_scalar, units * 4, 0.1);
    fill(system.scalar_rate, problem.n_patterns() * pairs * 2, 0.1);
    system.scalar_block[0] = 40, system.scalar_block[1] = 3, system.scalar_block[2] = 30;

    hessian = alone;
    const auto both = [&](Eigen::Index i, Eigen::Index j, double value) {
      hessian(i, j) += value;
      hessian(j, i) += value;
    };
    if (has_scalar) hessian.topLeftCorner<2, 2>() << 40, 3, 3, 30;
    for (std::size_t g = 0; g < genes; ++g)
      for (std::size_t a = 0; a < size; ++a) {
        const double* mean = &system.gene_mean[(g * size + a) * pairs];
        for (std::size_t u = 0; u < units; ++u)
          for (std::size_t b = 0; b < 2; ++b)
            for (std::size_t m = 0; m < pairs; ++m)
              if (problem.measured(g, problem.units[u].pattern))
                both(gene_at(g, a), unit_at(u, b), -mean[m] * system.cell_rate[(u * 2 + b) * pairs + m]);
        for (std::size_t b = 0; b < s; ++b) {
          double value = system.gene_scalar[(g * size + a) * 2 + b];
          for (std::uint32_t k = 0; k < problem.n_patterns(); ++k)
            for (std::size_t m = 0; m < pairs; ++m)
              if (problem.measured(g, k)) value -= mean[m] * system.scalar_rate[(k * pairs + m) * 2 + b];
          both(gene_at(g, a), static_cast<Eigen::Index>(b), value);
        }
      }
    for (std::size_t u = 0; u < units; ++u)
      for (std::size_t a = 0; a < 2; ++a)
        for (std::size_t b = 0; b < s; ++b)
          both(unit_at(u, a), static_cast<Eigen::Index>(b), system.cell_scalar[u * 4 + a * 2 + b]);
  }
  static model::Model model_of() {
    model::Model model;
    model.likelihood = "zinbvcp";
    return model;
  }

  data::CountMatrix counts;
  data::Missing missing;
  summary::CountSummary summary;
  Problem problem;
  NewtonSystem system;
  Matrix hessian, alone;  ///< whole, and without coupling (no scalar)
};

}  // namespace

class TestNewtonSystem : public QObject {
  Q_OBJECT
 private slots:
  void stepsSolveTheWholeSystem() {
    for (const int rank : {1, 3})
      for (const bool has_scalar : {false, true}) {
        const Example example(rank, has_scalar, 0.2);
        QVERIFY(example.hessian.selfadjointView<Eigen::Lower>().eigenvalues().minCoeff() > 0);
        std::vector<double> gradient;
        math::Random random(5, math::Purpose::Test, 0);
        for (Eigen::Index i = 0; i < example.hessian.rows(); ++i) gradient.push_back(random.normal());
        const auto direction = example.system.solve(gradient, 2);
        QVERIFY(direction.whole);
        const Vector expected =
            -example.hessian.ldlt().solve(Eigen::Map<const Vector>(gradient.data(), example.hessian.rows()));
        for (std::size_t i = 0; i < gradient.size(); ++i)
          QVERIFY(std::fabs(direction.own[i] + direction.pulled[i] - expected(static_cast<Eigen::Index>(i))) < 1e-3);
      }
  }
  void responseIsTheCovarianceOfTheWholeSystem() {
    for (const int rank : {1, 2, 4}) {
      const Example example(rank, false, 0.2);
      const auto response = example.system.response(2);
      QVERIFY(response.proper);
      const Matrix covariance = example.hessian.inverse(), apart = example.alone.inverse();
      const double log_determinant = std::log(example.hessian.determinant() / example.alone.determinant());
      QVERIFY(std::fabs(response.log_determinant - log_determinant) < 1e-10);
      const auto extra = [&](std::size_t at) {
        const auto i = static_cast<Eigen::Index>(at);
        return covariance(i, i) - apart(i, i);
      };
      for (std::size_t g = 0; g < response.gene_variance.size(); ++g)
        QVERIFY(std::fabs(response.gene_variance[g] - extra(4 * g)) < 1e-12);
      for (std::size_t u = 0; u < response.unit_variance.size(); ++u)
        QVERIFY(std::fabs(response.unit_variance[u] - extra(4 * response.gene_variance.size() + 2 * u)) < 1e-12);
    }
  }
  void genesAndCellsThatRunAwayTogetherAreNoMinimum() {
    const Example example(2, false, 3);
    QVERIFY(example.hessian.selfadjointView<Eigen::Lower>().eigenvalues().minCoeff() < 0);
    QVERIFY(!example.system.response(1).proper);
    std::vector<double> gradient(static_cast<std::size_t>(example.hessian.rows()), 1.0);
    const auto direction = example.system.solve(gradient, 1);
    QVERIFY(!direction.whole);
    double slope = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i) slope += direction.own[i] + direction.pulled[i];
    QVERIFY(slope < 0);
  }
};

QTEST_APPLESS_MAIN(TestNewtonSystem)
#include "tst_newton_system.moc"
