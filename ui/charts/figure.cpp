#include "ui/charts/figure.hpp"

#include <QLocale>
#include <QTextStream>
#include <algorithm>
#include <cmath>

namespace scriptorium::charts {
namespace {

QString kindName(MarkKind kind) {
  switch (kind) {
    case MarkKind::Line:
      return "line";
    case MarkKind::Steps:
      return "steps";
    case MarkKind::Bars:
      return "bars";
    case MarkKind::Band:
      return "band";
    case MarkKind::StepBand:
      return "step band";
    case MarkKind::Points:
      return "points";
    case MarkKind::GuideX:
      return "guide x";
    case MarkKind::GuideY:
      return "guide y";
    case MarkKind::Spans:
      return "spans";
    case MarkKind::Image:
      return "image";
  }
  return {};
}

/// Smallest and largest finite value; false when there is none.
bool extent(const std::vector<double>& values, double& low, double& high) {
  bool any = false;
  for (const double v : values) {
    if (!std::isfinite(v)) continue;
    low = any ? std::min(low, v) : v;
    high = any ? std::max(high, v) : v;
    any = true;
  }
  return any;
}

/// Gives the zeros of one axis their bin: they move to where it is drawn.
void makeZeroBin(Axis& axis, const std::vector<std::vector<double>*>& values, const std::vector<bool>& edges) {
  double least = INFINITY;
  bool zeros = axis.low && *axis.low <= 0;
  for (const auto* some : values)
    for (const double v : *some) {
      if (v > 0) least = std::min(least, v);
      zeros = zeros || v <= 0;
    }
  if (!zeros || !std::isfinite(least)) return;
  const double low = least / std::sqrt(10.0);
  axis.zero_below = least;
  axis.low = low;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (double& v : *values[i])
      if (v <= 0) v = edges[i] ? low : std::sqrt(low * least);
}

/// Quotes what a table cell cannot hold as it is.
QString cell(QString text, QChar separator) {
  if (separator == '\t') return text.replace('\t', ' ').replace('\n', ' ');
  if (!text.contains(separator) && !text.contains('"') && !text.contains('\n')) return text;
  return '"' + text.replace('"', "\"\"") + '"';
}

QString full(double value) {
  return QString::number(value, 'g', 17);
}

}  // namespace

QString shortNumber(double value) {
  if (std::isnan(value)) return "n/a";
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  const double size = std::fabs(value);
  QString text;
  if (size >= 1e7 || (size > 0 && size < 1e-3)) {
    text = QString::number(value, 'g', 4);
  } else if (size >= 1000) {
    text = QLocale(QLocale::English).toString(value, 'f', 0);
  } else {
    text = QString::number(value, 'g', 4);
  }
  return text.replace('-', QChar(0x2212)).replace("e" + QString(QChar(0x2212)), "e-").replace("e+", "e");
}

QString Figure::summary() const {
  QStringList lines;
  if (!title.isEmpty()) lines << title + '.';
  for (const Panel& panel : panels) {
    QStringList marks;
    for (const Mark& mark : panel.marks) {
      double low = 0, high = 0;
      if (mark.kind == MarkKind::GuideX || mark.kind == MarkKind::GuideY) {
        const auto& at = mark.kind == MarkKind::GuideX ? mark.x : mark.y;
        if (!at.empty()) marks << QString("%1 at %2").arg(mark.name, shortNumber(at.front()));
      } else if (extent(mark.kind == MarkKind::Spans ? mark.values : mark.y, low, high)) {
        marks << QString("%1 (%2) from %3 to %4")
                     .arg(mark.name, kindName(mark.kind), shortNumber(low), shortNumber(high));
      }
    }
    lines << QString("%1%2 against %3: %4.")
                 .arg(panel.shownName().isEmpty() ? QString() : panel.shownName() + ": ", panel.y.title, panel.x.title,
                      marks.isEmpty() ? QString("nothing drawn") : marks.join(", "));
    if (lines.size() > 13) {
      lines << QString("%1 panels in all.").arg(panels.size());
      break;
    }
  }
  return lines.join(' ');
}

QString Figure::toTable(QChar separator) const {
  QString text;
  QTextStream out(&text);
  const auto row = [&](const QStringList& cells) { out << cells.join(separator) << '\n'; };
  const bool colored = std::any_of(panels.begin(), panels.end(), [](const Panel& panel) {
    return std::any_of(panel.marks.begin(), panel.marks.end(), [](const Mark& mark) { return !mark.values.empty(); });
  });
  QStringList header{"panel", "mark", "kind", "x", "x_end", "y", "low", "label"};
  if (colored) header << "value";
  row(header);
  const auto valueOf = [&](const Mark& mark, std::size_t i) {
    if (i >= mark.values.size() || std::isnan(mark.values[i])) return QString();
    if (mark.palette.empty()) return full(mark.values[i]);
    return cell(mark.groups.value(static_cast<qsizetype>(mark.values[i])), separator);
  };
  for (const Panel& panel : panels) {
    for (const Mark& mark : panel.marks) {
      const bool edges = mark.kind == MarkKind::Steps || mark.kind == MarkKind::Bars || mark.kind == MarkKind::StepBand;
      const auto x = [&](std::size_t i) {  // what is drawn in the bin of zeros is zero
        if (i >= mark.x.size()) return QString();
        return full(panel.x.zero_below && mark.x[i] < *panel.x.zero_below ? 0 : mark.x[i]);
      };
      if (mark.kind == MarkKind::Image && mark.image_columns > 0 && mark.x.size() == 2 && mark.y.size() == 2) {
        const auto wide = static_cast<std::size_t>(mark.image_columns), high = mark.values.size() / wide;
        const auto middle = [](const std::vector<double>& ends, std::size_t i, std::size_t of) {
          return ends[0] + (ends[1] - ends[0]) * (static_cast<double>(i) + 0.5) / static_cast<double>(of);
        };
        for (std::size_t i = 0; i < high * wide; ++i)
          row({cell(panel.shownName(), separator), cell(mark.name, separator), kindName(mark.kind),
               full(middle(mark.x, i % wide, wide)), QString(), full(middle(mark.y, i / wide, high)), QString(),
               QString(), valueOf(mark, i)});
        continue;
      }
      const std::size_t n = edges ? mark.y.size() : std::max(mark.x.size(), mark.y.size());
      for (std::size_t i = 0; i < n; ++i) {
        QStringList cells{cell(panel.shownName(), separator),
                          cell(mark.name, separator),
                          kindName(mark.kind),
                          x(i),
                          edges                   ? x(i + 1)
                          : i < mark.x_end.size() ? full(mark.x_end[i])
                                                  : QString(),
                          i < mark.y.size() ? full(mark.y[i]) : QString(),
                          i < mark.low.size() ? full(mark.low[i]) : QString(),
                          cell(mark.labels.value(static_cast<qsizetype>(i)), separator)};
        if (colored) cells << valueOf(mark, i);
        row(cells);
      }
    }
  }
  return text;
}

Figure rescaled(Figure figure, std::optional<Scale> x, std::optional<Scale> y) {
  for (Panel& panel : figure.panels) {
    panel.x.scale = x.value_or(panel.x.scale);
    panel.y.scale = y.value_or(panel.y.scale);
    std::vector<std::vector<double>*> across, up;
    std::vector<bool> edges;
    for (Mark& mark : panel.marks) {
      const bool bins = mark.kind == MarkKind::Steps || mark.kind == MarkKind::Bars || mark.kind == MarkKind::StepBand;
      if (mark.kind != MarkKind::GuideY) {
        across.push_back(&mark.x);
        edges.push_back(bins || mark.kind == MarkKind::Spans);
        across.push_back(&mark.x_end);
        edges.push_back(true);
      }
      if (mark.kind == MarkKind::Points || mark.kind == MarkKind::Line) up.push_back(&mark.y);
    }
    if (x == Scale::Log) makeZeroBin(panel.x, across, edges);
    if (y == Scale::Log) {
      if (panel.y.low && *panel.y.low <= 0) panel.y.low.reset();
      makeZeroBin(panel.y, up, std::vector<bool>(up.size(), false));
    }
  }
  return figure;
}

double toAxis(Scale scale, double value) {
  if (scale == Scale::Log) return value > 0 ? std::log10(value) : std::nan("");
  if (scale == Scale::Log1p) return value > -1 ? std::log1p(value) / std::log(10.0) : std::nan("");
  return value;
}

double fromAxis(Scale scale, double position) {
  if (scale == Scale::Log) return std::pow(10.0, position);
  if (scale == Scale::Log1p) return std::expm1(position * std::log(10.0));
  return position;
}

QRectF naturalRange(const Panel& panel) {
  double x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  bool any_x = false, any_y = false;
  const auto take = [](const Axis& axis, const std::vector<double>& values, double& low, double& high, bool& any) {
    for (const double v : values) {
      const double at = toAxis(axis.scale, v);
      if (!std::isfinite(at)) continue;
      low = any ? std::min(low, at) : at;
      high = any ? std::max(high, at) : at;
      any = true;
    }
  };
  for (const Mark& mark : panel.marks) {
    take(panel.x, mark.x, x0, x1, any_x);
    take(panel.x, mark.x_end, x0, x1, any_x);
    take(panel.y, mark.y, y0, y1, any_y);
    take(panel.y, mark.low, y0, y1, any_y);
    if (mark.kind == MarkKind::Bars || mark.kind == MarkKind::Steps) take(panel.y, {0.0}, y0, y1, any_y);
  }
  const auto finish = [](const Axis& axis, double& low, double& high, double pad) {
    if (high - low < 1e-12 * (1 + std::fabs(low))) {
      low -= 0.5;
      high += 0.5;
    }
    const double room = pad * (high - low);
    const bool from_zero = low == 0 && axis.scale != Scale::Log;
    if (!from_zero) low -= room;
    high += room;
    if (axis.low && std::isfinite(toAxis(axis.scale, *axis.low))) low = toAxis(axis.scale, *axis.low);
    if (axis.high && std::isfinite(toAxis(axis.scale, *axis.high))) high = toAxis(axis.scale, *axis.high);
    if (!(high > low)) high = low + 1;
  };
  finish(panel.x, x0, x1, 0.02);
  finish(panel.y, y0, y1, 0.05);
  return {x0, y0, x1 - x0, y1 - y0};
}

}  // namespace scriptorium::charts
