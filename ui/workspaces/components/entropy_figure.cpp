#include "ui/workspaces/components/entropy_figure.hpp"

#include <QLocale>
#include <QObject>
#include <algorithm>
#include <cmath>

#include "core/result/components.hpp"

namespace scriptorium::ui {
namespace {

std::size_t at(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

QString whole(std::int64_t n) {
  return QLocale(QLocale::English).toString(static_cast<qlonglong>(n));
}

QString geneName(const EntropyGround& ground, std::int64_t rank) {
  return QString::fromStdString(ground.of->fit->genes[at(ground.evidence.order[at(rank)])]);
}

/// Entropies over log K, or evidence in nats, rows from the bottom up.
charts::Mark markOf(const EntropyPiece& piece, std::int64_t genes, EntropyMeasure measure, int components) {
  charts::Mark mark;
  mark.kind = charts::MarkKind::Image;
  mark.image_columns = static_cast<int>(piece.blocks());
  mark.x = {static_cast<double>(piece.edges.front()), static_cast<double>(piece.edges.back())};
  mark.y = {static_cast<double>(genes - piece.last_gene) - 0.5, static_cast<double>(genes - piece.first_gene) - 0.5};
  const bool entropy = measure == EntropyMeasure::Entropy;
  mark.name = entropy ? QObject::tr("entropy / log %1").arg(components) : QObject::tr("evidence, nats");
  const auto& values = entropy ? piece.map.entropy : piece.map.evidence;
  const double scale = entropy ? 1 / std::log(static_cast<double>(components)) : 1;
  mark.values.resize(values.size());
  const std::size_t columns = piece.blocks(), rows = values.size() / columns;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      mark.values[(rows - 1 - r) * columns + c] = scale * values[r * columns + c];
  return mark;
}

/// Evidence has both signs: the scale is even about 0, and wide enough for most of it.
charts::ColorBar barOf(const charts::Mark& mark, EntropyMeasure measure) {
  if (measure == EntropyMeasure::Entropy) return {mark.name, 0, 1};
  std::vector<double> sizes;
  for (const double value : mark.values)
    if (std::isfinite(value)) sizes.push_back(std::fabs(value));
  double most = 1;
  if (!sizes.empty()) {
    const auto top = sizes.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(sizes.size() - 1));
    std::nth_element(sizes.begin(), top, sizes.end());
    if (*top > 0) most = *top;
  }
  return {mark.name, -most, most, charts::Ramp::TwoSided};
}

/// A strip over the bars where cells of a piece are selected; coarse, so that one cell among many is seen.
charts::Mark stripOf(const EntropyGround& ground, const EntropyPiece& piece,
                     const std::vector<std::uint8_t>& selected) {
  charts::Mark mark;
  mark.kind = charts::MarkKind::Image;
  mark.name = QObject::tr("selected");
  mark.groups = {QObject::tr("selected")};
  mark.palette = {0xffe3342f};  // of no group
  const std::int64_t first = piece.edges.front();
  const auto edges = analysis::even_blocks(piece.edges.back() - first, 200);
  mark.image_columns = static_cast<int>(edges.size() - 1);
  for (std::size_t b = 0; b + 1 < edges.size(); ++b) {
    const bool any = std::any_of(ground.cells.begin() + first + edges[b], ground.cells.begin() + first + edges[b + 1],
                                 [&](std::int64_t cell) { return selected[at(cell)] != 0; });
    mark.values.push_back(any ? 0 : std::nan(""));
  }
  mark.x = {static_cast<double>(first), static_cast<double>(piece.edges.back())};
  mark.y = {1.06, 1.22};
  return mark;
}

charts::Panel barsPanel(const EntropyGround& ground, const Assignments& names, const EntropyPiece& whole_map,
                        const EntropyPiece* detail, const std::vector<std::uint8_t>* selected) {
  charts::Panel panel;
  panel.name = QObject::tr("Cells by assignment");
  panel.height = 0.28;
  panel.x.title = QObject::tr("cells, sorted");
  panel.x.low = 0;
  panel.x.high = static_cast<double>(ground.cells.size());
  panel.x.show_title = panel.x.show_labels = false;
  panel.y.title = QObject::tr("probability");
  panel.y.show_title = false;
  panel.y.low = 0;
  panel.y.high = selected ? 1.22 : 1;
  for (const EntropyPiece* piece : {&whole_map, detail}) {
    if (!piece) continue;
    charts::Mark mark = piece->bars;
    mark.palette.assign(names.colors.begin(), names.colors.end());
    mark.groups.clear();
    for (const QString& name : names.names) mark.groups << name;
    panel.marks.push_back(std::move(mark));
  }
  if (selected) panel.marks.push_back(stripOf(ground, detail ? *detail : whole_map, *selected));
  return panel;
}

/// Lines where the component of the cells changes.
void addBorders(charts::Panel& panel, const EntropyGround& ground, const Assignments& names, bool dark_line) {
  for (std::size_t i = 1; i < ground.cells.size(); ++i) {
    const auto before = ground.of->assigned[at(ground.cells[i - 1])];
    if (before == ground.of->assigned[at(ground.cells[i])]) continue;
    charts::Mark line;
    line.kind = charts::MarkKind::GuideX;
    line.name = QObject::tr("end of %1").arg(names.names[at(before)]);
    line.x = {static_cast<double>(i)};
    line.width = 1;
    line.in_legend = false;
    line.color = dark_line ? 0xff000000 : 0xffffffff;
    panel.marks.push_back(std::move(line));
  }
}

}  // namespace

EntropyGround entropyGround(std::shared_ptr<const Assignments> of, std::shared_ptr<const PreparedData> data,
                            const RunControl& control) {
  EntropyGround ground;
  ground.evidence = analysis::gene_evidence(*of->fit, *data->dataset, of->assigned, {}, control);
  ground.cells = analysis::cells_by_component(of->probability, of->components, of->assigned);
  ground.of = std::move(of);
  ground.data = std::move(data);
  return ground;
}

EntropyPiece entropyPiece(const EntropyGround& ground, std::int64_t first_cell, std::int64_t last_cell,
                          std::int64_t first_gene, std::int64_t last_gene, const RunControl& control) {
  EntropyPiece piece;
  piece.edges = analysis::even_blocks(last_cell - first_cell, kEntropyColumns);
  for (std::int64_t& edge : piece.edges) edge += first_cell;
  piece.first_gene = first_gene;
  piece.last_gene = last_gene;
  analysis::EntropyMapRequest request{ground.cells, piece.edges, {}, kEntropyCells, 0};
  request.genes.assign(ground.evidence.order.begin() + first_gene, ground.evidence.order.begin() + last_gene);
  piece.map = analysis::entropy_map(ground.evidence, *ground.data->dataset, request, control);
  piece.bars = assignmentStack(*ground.of, ground.cells, first_cell, last_cell);
  return piece;
}

charts::Figure entropyMapFigure(const EntropyGround& ground, const Assignments& names, const EntropyPiece& whole_map,
                                const EntropyPiece* detail, EntropyMeasure measure,
                                const std::vector<std::uint8_t>* selected) {
  charts::Figure figure{"entropy_map", {}, 1, false, {}};
  figure.link_x = true;
  figure.panels.push_back(barsPanel(ground, names, whole_map, detail, selected));
  charts::Panel panel;
  panel.name = measure == EntropyMeasure::Entropy ? QObject::tr("How unsure each gene alone leaves the component")
                                                  : QObject::tr("How each gene speaks for the component of the cell");
  panel.x.title = QObject::tr("cells by component, the surest first");
  panel.x.low = 0;
  panel.x.high = static_cast<double>(ground.cells.size());
  panel.x.whole = true;
  const std::int64_t genes = whole_map.last_gene;
  panel.y.title = QObject::tr("gene");
  panel.y.show_title = false;
  panel.y.low = -0.5;
  panel.y.high = static_cast<double>(genes) - 0.5;
  for (std::int64_t rank = genes; rank-- > 0;) panel.y.categories << geneName(ground, rank);
  panel.marks.push_back(markOf(whole_map, genes, measure, ground.of->components));
  panel.bar = barOf(panel.marks.front(), measure);
  if (detail) panel.marks.push_back(markOf(*detail, genes, measure, ground.of->components));
  addBorders(panel, ground, names, measure == EntropyMeasure::Evidence);
  figure.panels.push_back(std::move(panel));
  return figure;
}

QString entropyCaption(const EntropyGround& ground, const EntropyPiece& whole_map, const EntropyPiece* detail) {
  const EntropyPiece& shown = detail ? *detail : whole_map;
  const auto n = shown.edges.back() - shown.edges.front(), blocks = static_cast<std::int64_t>(shown.blocks());
  QString column = QObject::tr("a column is one cell");
  if (!shown.single()) {
    QString cells = whole(n / blocks);
    if (n % blocks != 0) cells = QObject::tr("%1 or %2").arg(cells, whole(n / blocks + 1));
    column = (shown.map.sampled ? QObject::tr("a column is the mean over %2 of %1 cells, evenly taken")
                                : QObject::tr("a column is the mean over %1 cells"))
                 .arg(cells);
    if (shown.map.sampled) column = column.arg(kEntropyCells);
    column += QObject::tr("; zoom in for single ones");
  }
  return QObject::tr("The %1 of %2 genes that separate the components most, the strongest at the top; %3.")
      .arg(whole(whole_map.last_gene), whole(static_cast<std::int64_t>(ground.evidence.order.size())), column);
}

EntropyPixel pixelOf(const EntropyPiece& piece, std::size_t index) {
  const std::size_t row = index / piece.blocks(), column = index % piece.blocks();
  return {piece.edges[column], piece.edges[column + 1], piece.last_gene - 1 - static_cast<std::int64_t>(row)};
}

QStringList entropyWords(const EntropyGround& ground, const Assignments& names, const EntropyPiece& piece,
                         std::size_t index) {
  const EntropyPixel pixel = pixelOf(piece, index);
  const std::size_t value = at(pixel.gene - piece.first_gene) * piece.blocks() + index % piece.blocks();
  if (pixel.gene < piece.first_gene || value >= piece.map.entropy.size()) return {};
  const std::int64_t gene = ground.evidence.order[at(pixel.gene)], n = pixel.last_cell - pixel.first_cell;
  const std::int64_t first = ground.cells[at(pixel.first_cell)];
  const QString component = names.names[at(ground.of->assigned[at(first)])];
  QStringList lines;
  if (n == 1)
    lines << QObject::tr("%1, component %2").arg(QString::fromStdString(ground.of->cells[at(first)]), component);
  else
    lines << QObject::tr("cells %1 to %2, component %3")
                 .arg(whole(pixel.first_cell + 1), whole(pixel.last_cell), component);
  lines << QObject::tr("gene %1, number %2").arg(geneName(ground, pixel.gene), whole(pixel.gene + 1));
  const auto number = [&](const std::vector<double>& of) { return charts::shortNumber(of[value]); };
  if (std::isnan(piece.map.count[value])) return lines << QObject::tr("not measured");
  lines << (n == 1 ? QObject::tr("count %1") : QObject::tr("mean count %1")).arg(number(piece.map.count));
  lines << (n == 1 ? QObject::tr("entropy %1 nats, %2 of log %3") : QObject::tr("mean entropy %1 nats, %2 of log %3"))
               .arg(number(piece.map.entropy),
                    charts::shortNumber(piece.map.entropy[value] / std::log(static_cast<double>(names.components))))
               .arg(names.components);
  lines << QObject::tr("evidence %1 nats").arg(number(piece.map.evidence));
  // Probabilities by this gene alone: of the cell, or the mean of as many cells as the map looked at.
  std::vector<double> share(ground.evidence.components(), 0.0);
  const data::Dataset& data = *ground.data->dataset;
  const std::int64_t looked = std::min(n, kEntropyCells);
  double measured = 0;
  for (std::int64_t i = 0; i < looked; ++i) {
    const std::int64_t cell = ground.cells[at(pixel.first_cell + (2 * i + 1) * n / (2 * looked))];
    const auto& lacks = data.missing.genes[data.missing.pattern(at(cell))];
    if (std::binary_search(lacks.begin(), lacks.end(), static_cast<std::uint32_t>(gene))) continue;
    const auto one = analysis::responsibilities(ground.evidence, cell, gene, data.counts.at(cell, gene));
    for (std::size_t k = 0; k < share.size(); ++k) share[k] += one[k];
    measured += 1;
  }
  std::vector<std::size_t> order(share.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return share[a] > share[b]; });
  order.resize(std::min<std::size_t>(order.size(), 4));
  for (const std::size_t k : order)
    lines << QObject::tr("p(%1 | this gene) = %2").arg(names.names[k], charts::shortNumber(share[k] / measured));
  return lines;
}

}  // namespace scriptorium::ui
