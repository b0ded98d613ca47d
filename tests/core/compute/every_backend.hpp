#pragma once
#include <QtTest>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/compute/device_backend.hpp"
#include "core/compute/devices.hpp"
#include "fake_device.hpp"

/// What tests of backends share: the backends that there are, and something to feed them.
namespace scriptorium::compute {

/// A matrix with rows of very different lengths: none, a few, more than a piece of any kernel.
struct Matrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<std::int64_t> start{0};
  std::vector<std::uint32_t> column, count;
  CsrView view() const { return {rows, columns, start.data(), column.data(), count.data()}; }
};
inline Matrix make_matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Matrix m{rows, columns, {0}, {}, {}};
  for (std::int64_t i = 0; i < rows; ++i) {
    math::Random random(seed, math::Purpose::Test, static_cast<std::uint64_t>(i));
    const double density = i % 7 == 3 ? 0 : i % 11 == 5 ? 0.95 : 0.2 * random.uniform();
    for (std::int64_t j = 0; j < columns; ++j) {
      if (random.uniform() > density) continue;
      m.column.push_back(static_cast<std::uint32_t>(j));
      m.count.push_back(static_cast<std::uint32_t>(1 + (j % 97 == 0 ? 1'000'000 : random.poisson(2))));
    }
    m.start.push_back(static_cast<std::int64_t>(m.column.size()));
  }
  return m;
}
inline std::vector<double> normals(std::int64_t n, double mean, double sd, std::uint64_t stream) {
  math::Random random(5, math::Purpose::Test, stream);
  std::vector<double> x;
  for (std::int64_t i = 0; i < n; ++i) x.push_back(mean + sd * random.normal());
  return x;
}

struct Candidate {
  std::string name, missing;
  std::function<std::shared_ptr<const Backend>()> make;
};
/// The CPU, the fake device with much and little memory, and every GPU there is (or one that says why there is none).
inline std::vector<Candidate> candidates() {
  const auto fake = [](std::uint64_t capacity, std::uint64_t promised) {
    return [=] {
      fake_device::state() = {};
      fake_device::state().capacity = capacity;
      fake_device::state().promised = promised;
      return device_backend(fake_device::api(), 0, "fake", 2);
    };
  };
  std::vector<Candidate> all{{"cpu, 1 thread", "", [] { return cpu_backend(1); }},
                             {"cpu, 3 threads", "", [] { return cpu_backend(3); }},
                             {"fake device", "", fake(1 << 30, 0)},
                             {"fake device, small", "", fake(60'000, 0)},
                             {"fake device, less than it says", "", fake(100'000, 1 << 30)},
                             {"fake device, hardly any", "", fake(3'000, 0)}};
  const auto list = list_gpus();
  for (const auto& gpu : list.gpus) {
    const std::string device = "cuda:" + std::to_string(gpu.index);
    all.push_back({device, "", [device] { return choose_backend(device, 2).backend; }});
  }
  if (list.gpus.empty()) all.push_back({"cuda", list.why_none, {}});
  return all;
}

/// A test of every backend: a function without arguments is run for each by `NAME_data() { rows(); }`.
class EveryBackend {
 protected:
  std::vector<Candidate> candidates_ = candidates();
  void rows() {
    QTest::addColumn<int>("candidate");
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      QTest::newRow(candidates_[i].name.c_str()) << static_cast<int>(i);
  }
  const Candidate& candidate() const {
    QFETCH(int, candidate);
    return candidates_[static_cast<std::size_t>(candidate)];
  }
  static void near(double got, double expected) {
    QVERIFY2(std::fabs(got - expected) <= 1e-10 * std::max(1.0, std::fabs(expected)),
             qPrintable(QString("%1 for %2").arg(got, 0, 'g', 17).arg(expected, 0, 'g', 17)));
  }
  /// No memory of the fake device is lost.
  static void verify_released() { QVERIFY(fake_device::state().blocks.empty()); }
};

}  // namespace scriptorium::compute
