#include <QLocale>
#include <algorithm>
#include <cmath>

#include "ui/charts/figure.hpp"

namespace scriptorium::charts {
namespace {

/// Round values (1, 2, 5 times a power of ten apart) between low and high.
std::vector<double> roundValues(double low, double high, int most, double least_step) {
  const double rough = std::max((high - low) / std::max(1, most), least_step);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> values;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step && values.size() < 100; ++k)
    values.push_back(k == 0 ? 0.0 : k * step);
  return values;
}

/// A label with as many digits as tell neighbours `step` apart; powers of ten as such where the axis is made of them.
QString tickLabel(double value, double step) {
  const double size = std::fabs(value);
  if (step > 0 && size < 1e8 && step >= 1e-4) {
    const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
    return QLocale(QLocale::English).toString(value, 'f', decimals).replace('-', QChar(0x2212));
  }
  if (size >= 1e5 || (size > 0 && size < 1e-3)) {
    const int power = static_cast<int>(std::floor(std::log10(size) + 1e-9));
    const double lead = value / std::pow(10.0, power);
    static const QString digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    QString exponent = power < 0 ? "⁻" : "";
    for (const QChar c : QString::number(std::abs(power))) exponent += digits[c.digitValue()];
    if (std::fabs(lead - 1) < 1e-9) return "10" + exponent;
    return shortNumber(std::round(lead * 1e6) / 1e6) + "×10" + exponent;
  }
  return shortNumber(std::round(value * 1e9) / 1e9);
}

/// Values factor × 10^k whose positions lie in the range.
std::vector<double> decades(Scale scale, double low, double high, std::initializer_list<double> factors) {
  std::vector<double> values;
  const double last = fromAxis(scale, high);
  const double first = std::max(fromAxis(scale, low), scale == Scale::Log1p ? 1.0 : 1e-300);
  for (double k = std::floor(std::log10(first)); k <= std::log10(last) && values.size() < 200; ++k) {
    for (const double factor : factors) {
      const double value = factor * std::pow(10.0, k), at = toAxis(scale, value);
      if (at >= low - 1e-9 && at <= high + 1e-9) values.push_back(value);
    }
  }
  return values;
}

}  // namespace

std::vector<Tick> ticks(Scale scale, double low, double high, int most, double least_step) {
  most = std::max(2, most);
  std::vector<double> values;
  if (scale == Scale::Linear) {
    values = roundValues(low, high, most, least_step);
  } else {
    for (const auto& factors :
         std::initializer_list<std::initializer_list<double>>{{1.0, 2.0, 5.0}, {1.0, 3.0}, {1.0}}) {
      values = decades(scale, low, high, factors);
      if (static_cast<int>(values.size()) <= most) break;
    }
    if (static_cast<int>(values.size()) > most) {
      std::vector<double> fewer;
      const int every = (static_cast<int>(values.size()) + most - 1) / most;
      for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(every)) fewer.push_back(values[i]);
      values = fewer;
    }
    if (values.size() < 2) values = roundValues(fromAxis(scale, low), fromAxis(scale, high), most, least_step);
    if (scale == Scale::Log1p && low <= 1e-9 && (values.empty() || values.front() > 0))
      values.insert(values.begin(), 0.0);
  }
  std::vector<Tick> result;
  for (const double value : values) {
    const double at = toAxis(scale, value);
    if (std::isfinite(at) && at >= low - 1e-9 * (high - low) && at <= high + 1e-9 * (high - low))
      result.push_back({at, tickLabel(value, scale == Scale::Linear && values.size() > 1 ? values[1] - values[0] : 0)});
  }
  return result;
}

std::vector<Tick> axisTicks(const Axis& axis, double low, double high, int most) {
  if (!axis.categories.isEmpty()) {
    std::vector<Tick> labels;
    const auto first = std::max(0, static_cast<int>(std::ceil(low - 1e-9)));
    const auto last = std::min(static_cast<int>(axis.categories.size()) - 1, static_cast<int>(std::floor(high + 1e-9)));
    const int every = std::max(1, (last - first + most) / std::max(1, most));
    for (int i = first; i <= last; i += every) labels.push_back({static_cast<double>(i), axis.categories[i]});
    return labels;
  }
  std::vector<Tick> result = ticks(axis.scale, low, high, most, axis.whole ? 1 : 0);
  if (axis.scale != Scale::Log || !axis.zero_below || !axis.low) return result;
  const double first = toAxis(axis.scale, *axis.zero_below), middle = 0.5 * (toAxis(axis.scale, *axis.low) + first);
  std::erase_if(result, [&](const Tick& tick) { return tick.position < first - 1e-9; });
  if (middle >= low && middle <= high) result.insert(result.begin(), {middle, "0"});
  return result;
}

}  // namespace scriptorium::charts
