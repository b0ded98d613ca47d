#include "ui/workspaces/components/component_figures.hpp"

#include <QLocale>
#include <QObject>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/analysis/entropy_map.hpp"
#include "ui/charts/colors.hpp"

namespace scriptorium::ui {
namespace {

constexpr int kEntropyBins = 50;

QString whole(std::int64_t n) {
  return QLocale(QLocale::English).toString(static_cast<qlonglong>(n));
}

QStringList namesOf(const Assignments& of) {
  QStringList names;
  for (const QString& name : of.names) names << name;
  return names;
}

/// A mark of stacked shares: a row of `columns` pixels for each bar along x (or a column of `rows` pixels along y).
charts::Mark stackOf(const Assignments& of, const QString& name) {
  charts::Mark mark;
  mark.kind = charts::MarkKind::Image;
  mark.name = name;
  mark.palette.assign(of.colors.begin(), of.colors.end());
  mark.groups = namesOf(of);
  return mark;
}

/// What the column of entropies holds.
QString entropyWords(const Assignments& of) {
  if (of.draws == 0) return QObject::tr("−Σ p log p, in nats: 0 is sure.");
  return of.merged ? QObject::tr(
                         "−Σ p log p of the mean probabilities, in nats: 0 is sure. Components were merged, "
                         "and the entropies of single draws are not known for merged ones.")
                   : QObject::tr("Mean over the draws of −Σ p log p, in nats: 0 is sure.");
}

/// The component at share `at` of a stack.
int componentAt(const double* shares, int components, double at) {
  double sum = 0;
  for (int c = 0; c < components; ++c) {
    sum += shares[c];
    if (at < sum) return c;
  }
  return components - 1;
}

}  // namespace

MapColors colorsOfNumbers(const QString& title, std::vector<double> values) {
  return {title, std::move(values), {}, {}, false};
}

MapColors colorsOfGroups(const QString& title, const std::vector<std::int32_t>& codes, const QStringList& names,
                         const std::vector<QRgb>& colors) {
  MapColors made{title, {}, {}, names, false};
  for (const std::int32_t code : codes) made.values.push_back(code < 0 ? std::nan("") : code);
  for (qsizetype i = 0; i < names.size(); ++i)
    made.palette.push_back(colors.empty() ? charts::groupColor(static_cast<int>(i))
                                          : colors[static_cast<std::size_t>(i) % colors.size()]);
  return made;
}

MapColors colorsOfColumn(const data::Column& column) {
  const QString title = QString::fromStdString(column.name);
  const bool numbers = column.type() == "number" || column.type() == "integer";
  try {
    if (column.type() != "number") {
      const analysis::Labels labels = analysis::labels_of(column, numbers ? 12 : 40);
      QStringList names;
      for (const std::string& name : labels.names) names << QString::fromStdString(name);
      return colorsOfGroups(title, labels.code, names);
    }
  } catch (const Error&) {
    if (!numbers) throw;  // integers of many values are numbers
  }
  std::vector<double> values(column.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = column.number(i);
  return colorsOfNumbers(title, std::move(values));
}

charts::Figure cellMap(const MapPlaces& places, const MapColors& colors,
                       std::shared_ptr<const std::vector<std::uint8_t>> emphasis) {
  charts::Figure figure{"cell_map", {}, 1, false, {}};
  charts::Panel panel;
  panel.name = QObject::tr("%1 of the cells by %2").arg(places.title, colors.title);
  panel.x.title = places.axis + " 1";
  panel.y.title = places.axis + " 2";
  charts::Mark mark;
  mark.kind = charts::MarkKind::Points;
  mark.name = colors.title;
  mark.x = places.x;
  mark.y = places.y;
  mark.values = colors.values;
  mark.palette = colors.palette;
  mark.groups = colors.groups;
  mark.emphasis = std::move(emphasis);
  const auto n = static_cast<double>(std::max<std::size_t>(1, places.x.size()));
  mark.width = std::clamp(120 / std::sqrt(n), 1.1, 4.0);  // smaller where there are many
  mark.opacity = 0.9;
  if (places.without > 0) panel.note = QObject::tr("%1 cells have no place").arg(whole(places.without));
  if (colors.palette.empty()) {
    std::vector<double> finite;
    for (const double v : colors.values)
      if (std::isfinite(v)) finite.push_back(v);
    charts::ColorBar bar{colors.title, 0, 1};
    if (!finite.empty() && !colors.shares) {
      const auto top = finite.begin() + static_cast<std::ptrdiff_t>(0.995 * static_cast<double>(finite.size() - 1));
      bar.low = *std::min_element(finite.begin(), finite.end());
      std::nth_element(finite.begin(), top, finite.end());
      bar.high = *top > bar.low ? *top : *std::max_element(finite.begin(), finite.end());
    }
    panel.bar = bar;
  }
  panel.marks.push_back(std::move(mark));
  figure.panels.push_back(std::move(panel));
  return figure;
}

charts::Figure entropyHistogram(const Assignments& of, const std::vector<std::uint8_t>* selected) {
  charts::Figure figure{"entropy_histogram", {}, 1, false, {}};
  constexpr int bins = kEntropyBins;
  charts::Mark all{charts::MarkKind::Bars, QObject::tr("cells"), charts::Tone::Blue, {}, {}, {}, 0.85, 1, false, {}};
  for (int b = 0; b <= bins; ++b) all.x.push_back(static_cast<double>(b) / bins);
  all.y.assign(bins, 0);
  charts::Mark chosen = all;
  chosen.name = QObject::tr("selected");
  chosen.tone = charts::Tone::Orange;
  chosen.opacity = 1;
  chosen.in_legend = true;
  for (std::size_t i = 0; i < of.entropy.size(); ++i) {
    const double share = of.entropyShare(i);
    if (!std::isfinite(share)) continue;
    const auto bin = static_cast<std::size_t>(std::clamp(share * bins, 0.0, bins - 1.0));
    all.y[bin] += 1;
    if (selected && (*selected)[i] != 0) chosen.y[bin] += 1;
  }
  charts::Panel panel;
  panel.name = QObject::tr("How unsure the cells are");
  panel.x.title = of.components > 1 ? QObject::tr("entropy / log %1").arg(of.components)
                                    : QObject::tr("entropy (of one component: none)");
  panel.x.low = 0;
  panel.x.high = 1;
  panel.y.title = QObject::tr("cells, log1p");
  panel.y.scale = charts::Scale::Log1p;
  panel.marks.push_back(std::move(all));
  if (selected) panel.marks.push_back(std::move(chosen));
  figure.panels.push_back(std::move(panel));
  return figure;
}

bool entropyBetween(const Assignments& of, std::size_t cell, double low, double high) {
  constexpr double bar = 1.0 / kEntropyBins;
  const double share = of.entropyShare(cell);
  return std::isfinite(share) && (share >= low || low < bar) && (share <= high || high > 1 - bar);
}

charts::Mark assignmentStack(const Assignments& of, const std::vector<std::int64_t>& order, std::int64_t first,
                             std::int64_t last) {
  constexpr std::size_t rows = 100;
  const auto edges = analysis::even_blocks(last - first, 1000);
  const std::size_t columns = edges.size() - 1;
  charts::Mark mark = stackOf(of, QObject::tr("component"));
  mark.image_columns = static_cast<int>(columns);
  mark.values.resize(rows * columns);
  std::vector<double> shares(static_cast<std::size_t>(of.components));
  for (std::size_t c = 0; c < columns; ++c) {
    std::fill(shares.begin(), shares.end(), 0);
    for (std::int64_t i = first + edges[c]; i < first + edges[c + 1]; ++i)
      for (int k = 0; k < of.components; ++k)
        shares[static_cast<std::size_t>(k)] += of.at(static_cast<std::size_t>(order[static_cast<std::size_t>(i)]), k) /
                                               static_cast<double>(edges[c + 1] - edges[c]);
    for (std::size_t r = 0; r < rows; ++r)
      mark.values[r * columns + c] =
          componentAt(shares.data(), of.components, (static_cast<double>(r) + 0.5) / static_cast<double>(rows));
  }
  mark.x = {static_cast<double>(first), static_cast<double>(last)};
  mark.y = {0, 1};
  return mark;
}

charts::Figure assignmentBars(const Assignments& of) {
  charts::Figure figure{"assignment_bars", {}, 1, false, {}};
  const auto order = analysis::cells_by_component(of.probability, of.components, of.assigned);
  if (order.empty()) return figure;
  charts::Panel panel;
  panel.name = QObject::tr("Cells by assignment");
  panel.x.title = QObject::tr("cells, sorted");
  panel.x.low = 0;
  panel.x.high = static_cast<double>(order.size());
  panel.y.title = QObject::tr("probability");
  panel.y.low = 0;
  panel.y.high = 1;
  panel.marks.push_back(assignmentStack(of, order, 0, static_cast<std::int64_t>(order.size())));
  figure.panels.push_back(std::move(panel));
  return figure;
}

charts::Figure compositionBars(const Assignments& of, const analysis::Composition& composition,
                               const QStringList& labels, const QString& column) {
  charts::Figure figure{"composition", {}, 1, false, {}};
  const auto n_labels = static_cast<std::size_t>(labels.size());
  if (n_labels == 0) return figure;
  constexpr std::size_t columns = 400, rows_each = 8;
  charts::Mark mark = stackOf(of, QObject::tr("component"));
  mark.image_columns = static_cast<int>(columns);
  mark.values.assign(columns * rows_each * n_labels, std::nan(""));
  std::vector<double> shares(static_cast<std::size_t>(of.components));
  for (std::size_t l = 0; l < n_labels; ++l) {
    double sum = 0;
    for (std::size_t k = 0; k < shares.size(); ++k) {
      shares[k] = static_cast<double>(composition.assigned.cells[k * n_labels + l]);
      sum += shares[k];
    }
    if (sum == 0) continue;
    for (double& share : shares) share /= sum;
    for (std::size_t r = 1; r + 1 < rows_each; ++r)  // first and last row are the gap between bars
      for (std::size_t c = 0; c < columns; ++c)
        mark.values[(l * rows_each + r) * columns + c] =
            componentAt(shares.data(), of.components, (static_cast<double>(c) + 0.5) / static_cast<double>(columns));
  }
  mark.x = {0, 1};
  mark.y = {-0.5, static_cast<double>(n_labels) - 0.5};
  charts::Panel panel;
  panel.name = QObject::tr("Components of each %1").arg(column);
  panel.x.title = QObject::tr("share of the cells");
  panel.x.low = 0;
  panel.x.high = 1;
  panel.y.categories = labels;
  panel.y.low = mark.y[0];
  panel.y.high = mark.y[1];
  panel.marks.push_back(std::move(mark));
  figure.panels.push_back(std::move(panel));
  return figure;
}

std::shared_ptr<const TableData> compositionTable(const Assignments& of, const analysis::Composition& composition,
                                                  const QStringList& labels) {
  auto table = std::make_shared<TableData>();
  table->name = "composition";
  const auto n_labels = static_cast<std::size_t>(labels.size());
  TableColumn component{"component", QObject::tr("Name of the component."), {}, {}};
  component.texts.assign(of.names.begin(), of.names.end());
  table->columns.push_back(std::move(component));
  for (std::size_t l = 0; l < n_labels; ++l) {
    TableColumn counted{labels[static_cast<qsizetype>(l)],
                        QObject::tr("Cells of %1 assigned to the component.").arg(labels[static_cast<qsizetype>(l)]),
                        {},
                        {}};
    TableColumn expected{labels[static_cast<qsizetype>(l)] + " expected",
                         QObject::tr("Sum of the probabilities of those cells."),
                         {},
                         {}};
    for (std::size_t k = 0; k < of.names.size(); ++k) {
      counted.numbers.push_back(static_cast<double>(composition.assigned.cells[k * n_labels + l]));
      expected.numbers.push_back(composition.expected[k * n_labels + l]);
    }
    table->columns.push_back(std::move(counted));
    table->columns.push_back(std::move(expected));
  }
  return table;
}

std::shared_ptr<const TableData> componentTable(const Assignments& of) {
  auto table = std::make_shared<TableData>();
  table->name = "components";
  TableColumn name{"component", QObject::tr("Name of the component."), {}, {}},
      weight{"weight", QObject::tr("Mean probability over the cells, 0 to 1."), of.weight, {}},
      cells{"cells", QObject::tr("Cells that most probably belong to it."), {}, {}},
      sure{"sure_0.9", QObject::tr("Share of these with a probability above 0.9."), {}, {}};
  for (std::size_t k = 0; k < of.names.size(); ++k) {
    name.texts.push_back(of.names[k]);
    cells.numbers.push_back(static_cast<double>(of.size[k]));
    sure.numbers.push_back(of.size[k] > 0 ? static_cast<double>(of.sure[k]) / static_cast<double>(of.size[k])
                                          : std::nan(""));
  }
  table->columns = {std::move(name), std::move(weight), std::move(cells), std::move(sure)};
  return table;
}

std::shared_ptr<const TableData> cellTable(const Assignments& of) {
  auto table = std::make_shared<TableData>();
  table->name = "assignments";
  TableColumn cell{"cell", QObject::tr("Name of the cell."), {}, {}},
      assigned{"assignment", QObject::tr("Most probable component."), {}, {}};
  for (std::size_t i = 0; i < of.cells.size(); ++i) {
    cell.texts.push_back(QString::fromStdString(of.cells[i]));
    assigned.texts.push_back(of.assigned[i] < 0 ? QString() : of.names[static_cast<std::size_t>(of.assigned[i])]);
  }
  table->columns = {std::move(cell), std::move(assigned)};
  for (int k = 0; k < of.components; ++k) {
    TableColumn p{QString("p_%1").arg(k + 1),
                  QObject::tr("Probability of %1.").arg(of.names[static_cast<std::size_t>(k)]),
                  {},
                  {}};
    for (std::size_t i = 0; i < of.cells.size(); ++i) p.numbers.push_back(of.at(i, k));
    table->columns.push_back(std::move(p));
  }
  table->columns.push_back({"entropy", entropyWords(of), of.entropy, {}});
  TableColumn share{"entropy_normalized", QObject::tr("The entropy over log K: 0 is sure, 1 is anything."), {}, {}};
  for (std::size_t i = 0; i < of.cells.size(); ++i) share.numbers.push_back(of.entropyShare(i));
  table->columns.push_back(std::move(share));
  const auto components = static_cast<std::size_t>(of.components);
  for (std::size_t k = 0; k < components && !of.concentration.empty(); ++k) {
    TableColumn one{QString("concentration_%1").arg(k + 1),
                    QObject::tr("Concentration of %1 in the Dirichlet fitted to the cell's probabilities over the "
                                "draws: the larger all of a cell, the less they vary.")
                        .arg(of.names[k]),
                    {},
                    {}};
    for (std::size_t i = 0; i < of.cells.size(); ++i) one.numbers.push_back(of.concentration[i * components + k]);
    table->columns.push_back(std::move(one));
  }
  return table;
}

}  // namespace scriptorium::ui
