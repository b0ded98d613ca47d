#include <QtTest>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "core/compute/kernels.hpp"
#include "core/compute/parallel.hpp"
#include "core/compute/wide_rows.hpp"
#include "core/error.hpp"
#include "core/math/special.hpp"

using namespace scriptorium;

class TestKernels : public QObject {
  Q_OBJECT

 private slots:
  void softplus() {
    std::vector<double> x, y;
    for (double v = -700; v < 800; v += 0.0731) x.push_back(v);
    y.resize(x.size());
    compute::softplus(x.data(), y.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = math::softplus(std::max(x[i], -200.0));
      QVERIFY2(std::fabs(y[i] - expected) <= 1e-15 * expected, qPrintable(QString::number(x[i])));
    }
  }
  void addLog() {
    std::vector<double> x, y;
    for (double v = 1e-280; v < 1e280; v *= 1.7) x.push_back(v);
    for (double v = 0.6; v < 1.6; v += 1e-3) x.push_back(v);
    y.assign(x.size(), 1.0);
    compute::add_log(x.data(), 0.25, 3, y.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      QVERIFY(std::fabs(y[i] - (1 + 3 * std::log(x[i] + 0.25))) <= 4e-15 * (1 + std::fabs(y[i])));
  }
  void log() {
    std::vector<double> x, y;
    for (double v = 1e-280; v < 1e280; v *= 1.7) x.push_back(v);
    for (double v = 0.6; v < 1.6; v += 1e-3) x.push_back(v);
    y.resize(x.size());
    compute::log(x.data(), y.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      QVERIFY2(std::fabs(y[i] - std::log(x[i])) <= 4e-16 * std::max(1.0, std::fabs(y[i])),
               qPrintable(QString::number(x[i])));
  }
  void negativeBinomialTerms() {
    std::vector<double> eta, y;
    for (double v = -320; v < 320; v += 0.37) {
      eta.push_back(v);
      y.push_back(std::floor(std::fabs(v) * 3));
    }
    const std::size_t n = eta.size();
    std::vector<double> mean(n), expected(n), observed(n), score(n), slope(n), again(n);
    for (const double a : {0.0, 1e-9, 1e-3, 0.4, 70.0}) {
      compute::nb_terms(eta.data(), y.data(), a, n, mean.data(), expected.data(), observed.data(), score.data());
      const auto near = [](double found, double wanted) {
        return std::fabs(found - wanted) <= 1e-14 * std::fabs(wanted);
      };
      for (std::size_t i = 0; i < n; ++i) {
        const double mu = std::exp(std::clamp(eta[i], -300.0, 300.0)), one = 1 + a * mu;
        QVERIFY(near(mean[i], mu) && near(expected[i], mu / one));
        QVERIFY(near(observed[i], mu / one * ((1 + a * y[i]) / one)));
        QVERIFY(std::fabs(score[i] - (y[i] - mu) / one) <= 1e-14 * (y[i] + mu) / one);
      }
      if (a == 0) continue;
      compute::nb_dispersion_terms(mean.data(), y.data(), a, n, slope.data(), again.data());
      for (std::size_t i = 0; i < n; ++i) {
        const long double z = static_cast<long double>(a) * mean[i], t = z / (1 + z);
        const long double head = z < 1e-6L ? z * z * (0.5L - z * (2.0L / 3 - z * 0.75L)) : std::log1p(z) - t;
        const auto wanted = static_cast<double>(head / a - y[i] * t), size = static_cast<double>(head / a + y[i] * t);
        QVERIFY2(std::fabs(slope[i] - wanted) <= 1e-11 * size, qPrintable(QString::number(mean[i] * a)));
        QVERIFY(near(again[i], expected[i]));
      }
    }
  }
  void sparseRowsTimesTables() {
    // Three rows of eight; windows of four of them.
    std::vector<double> table(24), out(8, 1.0), expected(8, 1.0);
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = 0.5 * static_cast<double>(i * i) - 3;
    const std::vector<std::uint32_t> rows{2, 0, 2}, scale{5, 7, 1};
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t k = 0; k < 8; ++k) expected[k] += scale[i] * table[rows[i] * 8 + k];
    compute::add_rows(rows.data(), scale.data(), rows.size(), table.data(), 8, out.data(), 8);
    QVERIFY(out == expected);
    const std::vector<compute::Window> windows{{0, 4, 4}, {4, 0, 8}, {12, 2, 4}};
    out.assign(8, 0.0);
    expected.assign(8, 0.0);
    for (const auto row : rows)
      for (std::size_t k = 0; k < static_cast<std::size_t>(windows[row].width); ++k)
        expected[static_cast<std::size_t>(windows[row].first) + k] += table[windows[row].at + k];
    compute::add_windows(rows.data(), nullptr, rows.size(), windows.data(), table.data(), out.data());
    QVERIFY(out == expected);
  }
  /// Every width up to three stretches of the loops, rows that share a window and rows that do not, with and without a
  /// scale.
  void windowsOfAllWidths() {
    std::vector<double> pool(4096);
    for (std::size_t i = 0; i < pool.size(); ++i) pool[i] = static_cast<double>((i * 7919) % 1013) - 500;
    for (std::int32_t width = 4; width <= 60; width += 4) {
      std::vector<compute::Window> windows;
      for (std::size_t i = 0; i < 9; ++i)
        windows.push_back({i * 61, static_cast<std::int32_t>(i < 5 ? 3 : i), i == 7 ? 4 : width});
      const std::vector<std::uint32_t> rows{0, 3, 4, 6, 6, 1, 2, 7, 8, 5, 0, 4},
          scale{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
      for (const bool scaled : {false, true}) {
        std::vector<double> out(80, 2.0), expected(80, 2.0);
        for (std::size_t i = 0; i < rows.size(); ++i)
          for (std::size_t k = 0; k < static_cast<std::size_t>(windows[rows[i]].width); ++k)
            expected[static_cast<std::size_t>(windows[rows[i]].first) + k] +=
                (scaled ? scale[i] : 1) * pool[windows[rows[i]].at + k];
        compute::add_windows(rows.data(), scaled ? scale.data() : nullptr, rows.size(), windows.data(), pool.data(),
                             out.data());
        QVERIFY2(out == expected, qPrintable(QString::number(width)));
      }
    }
  }
  void sparseRowsTimesWideOnes() {
    for (const Eigen::Index width : {1, 8, 13, 16, 24, 37}) {
      compute::WideRows right(30, width), sum(30, width), row(1, width);
      QCOMPARE(right.stride() % 8, std::size_t{0});
      QCOMPARE(reinterpret_cast<std::uintptr_t>(right.row(3)) % 64, std::uintptr_t{0});
      for (Eigen::Index i = 0; i < 30; ++i)
        for (Eigen::Index k = 0; k < width; ++k)
          right.matrix()(i, k) = static_cast<double>((i * 7919 + k * 104729) % 1013);
      for (std::size_t n = 0; n < 9; ++n) {
        const std::vector<std::uint32_t> columns{0, 3, 4, 9, 11, 17, 20, 28, 29};
        const std::vector<double> value{1, -2, 3, 0.5, 7, 11, -4, 2, 6};
        Eigen::RowVectorXd expected = Eigen::RowVectorXd::Zero(width);
        for (std::size_t e = 0; e < n; ++e) expected += value[e] * right.matrix().row(columns[e]);
        compute::gather_rows(columns.data(), value.data(), n, right.data(), right.stride(), row.data(), row.stride());
        QVERIFY(row.matrix() == expected);
        Eigen::MatrixXd before = sum.matrix();
        for (std::size_t e = 0; e < n; ++e) before.row(columns[e]) += value[e] * expected;
        compute::scatter_rows(columns.data(), value.data(), n, row.data(), sum.data(), sum.stride(), sum.stride());
        QVERIFY(sum.matrix() == before);
      }
      // Columns that are alike have the same sums, whatever stands beside them.
      const std::vector<std::uint32_t> columns{0, 2, 3, 5, 8, 13, 21, 22, 29};
      std::vector<double> value;
      for (std::size_t e = 0; e < columns.size(); ++e) value.push_back(1 / (1.0 + static_cast<double>(e)));
      for (Eigen::Index i = 0; i < 30; ++i) right.matrix().row(i).setConstant(0.1 + static_cast<double>(i) / 7);
      compute::gather_rows(columns.data(), value.data(), columns.size(), right.data(), right.stride(), row.data(),
                           row.stride());
      for (Eigen::Index k = 1; k < width; ++k) QCOMPARE(row.matrix()(0, k), row.matrix()(0, 0));
    }
  }
  void piecesDoNotDependOnThreads() {
    for (const int threads : {1, 2, 7}) {
      std::vector<int> seen(1000, 0);
      compute::parallel_for(1000, 64, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
        QCOMPARE(first, piece * 64);
        for (auto i = first; i < last; ++i) ++seen[static_cast<std::size_t>(i)];
      });
      for (const int n : seen) QCOMPARE(n, 1);
    }
  }
  void errorsComeThrough() {
    QVERIFY_EXCEPTION_THROWN(compute::parallel_for(100, 1, 2,
                                                   [](std::int64_t piece, std::int64_t, std::int64_t) {
                                                     if (piece == 50) throw Error(ErrorCode::BadInput, "here");
                                                   }),
                             Error);
  }
};

QTEST_GUILESS_MAIN(TestKernels)
#include "tst_kernels.moc"
