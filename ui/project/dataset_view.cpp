#include "ui/project/dataset_view.hpp"

#include <QLocale>
#include <QObject>
#include <algorithm>
#include <cmath>

namespace scriptorium::ui {
namespace {

QString whole(std::int64_t n) {
  return QLocale(QLocale::English).toString(static_cast<qlonglong>(n));
}

/// What one pass over the counts gives for the page.
struct Pass {
  std::vector<double> cell_total, cell_genes, gene_mean, gene_variance, gene_cells, gene_total;
  std::vector<double> gene_lacking, cell_lacking;  ///< entries that were not measured; in no mean and no share
  double total = 0;
  std::uint32_t largest = 0;
};

Pass passOver(const data::Dataset& dataset, const RunControl& control) {
  const data::CountMatrix& counts = dataset.counts;
  const auto cells = static_cast<std::size_t>(counts.n_cells), genes = static_cast<std::size_t>(counts.n_genes);
  Pass pass{std::vector<double>(cells), std::vector<double>(cells), std::vector<double>(genes),
            std::vector<double>(genes), std::vector<double>(genes), std::vector<double>(genes),
            std::vector<double>(genes), std::vector<double>(cells)};
  for (std::size_t c = 0; c < cells; ++c) {
    if (c % 1024 == 0) control.check();
    for (auto i = static_cast<std::size_t>(counts.row_start[c]); i < static_cast<std::size_t>(counts.row_start[c + 1]);
         ++i) {
      const double u = counts.count[i];
      const std::size_t g = counts.gene[i];
      pass.cell_total[c] += u;
      pass.cell_genes[c] += 1;
      pass.gene_total[g] += u;
      pass.gene_variance[g] += u * u;
      pass.gene_cells[g] += 1;
      pass.largest = std::max(pass.largest, counts.count[i]);
    }
    pass.total += pass.cell_total[c];
  }
  std::vector<double> cells_of(dataset.missing.genes.size(), 0.0);
  for (std::size_t c = 0; c < cells && !dataset.missing.none(); ++c) {
    const std::uint32_t pattern = dataset.missing.pattern(c);
    cells_of[pattern] += 1;
    pass.cell_lacking[c] = static_cast<double>(dataset.missing.genes[pattern].size());
  }
  for (std::size_t p = 0; p < cells_of.size(); ++p)
    for (const std::uint32_t g : dataset.missing.genes[p]) pass.gene_lacking[g] += cells_of[p];
  for (std::size_t g = 0; g < genes; ++g) {
    const double n = std::max(1.0, static_cast<double>(cells) - pass.gene_lacking[g]);
    pass.gene_mean[g] = pass.gene_total[g] / n;
    pass.gene_variance[g] = (pass.gene_variance[g] - n * pass.gene_mean[g] * pass.gene_mean[g]) / std::max(1.0, n - 1);
  }
  return pass;
}

std::vector<QString> words(const std::vector<std::string>& names) {
  std::vector<QString> out;
  out.reserve(names.size());
  for (const std::string& name : names) out.push_back(QString::fromStdString(name));
  return out;
}

void addColumns(TableData& table, const data::Table& from, const RunControl& control) {
  for (const data::Column& column : from.columns) {
    control.check();
    TableColumn made;
    made.name = QString::fromStdString(column.name);
    made.help = QObject::tr("%1, a column of the file (%2).").arg(made.name, QString::fromStdString(column.type()));
    const bool numbers = column.type() == "number" || column.type() == "integer";
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (numbers)
        made.numbers.push_back(column.number(row));
      else
        made.texts.push_back(QString::fromStdString(column.text(row)));
    }
    if (made.size() == from.size()) table.columns.push_back(std::move(made));
  }
}

charts::Figure meanVariance(const Pass& pass, const std::vector<QString>& names,
                            std::vector<std::int64_t>& gene_of_point) {
  charts::Mark genes{
      charts::MarkKind::Points, QObject::tr("gene"), charts::Tone::Blue, {}, {}, {}, 0.45, 1.6, true, {}};
  double low = 1e300, high = 0;
  std::vector<double> ratios;  // what each gene says of 1/r
  for (std::size_t g = 0; g < pass.gene_mean.size(); ++g) {
    if (!(pass.gene_mean[g] > 0 && pass.gene_variance[g] > 0)) continue;
    genes.x.push_back(pass.gene_mean[g]);
    genes.y.push_back(pass.gene_variance[g]);
    genes.labels << names[g];
    gene_of_point.push_back(static_cast<std::int64_t>(g));
    low = std::min(low, pass.gene_mean[g]);
    high = std::max(high, pass.gene_mean[g]);
    const double mean = pass.gene_mean[g];
    if (mean > 0.1) ratios.push_back((pass.gene_variance[g] - mean) / (mean * mean));
  }
  charts::Figure figure{"mean_variance", QObject::tr("Mean and variance of each gene"), 1, false, {}};
  if (genes.x.empty()) return figure;
  charts::Mark poisson{
      charts::MarkKind::Line, QObject::tr("Poisson: variance = mean"), charts::Tone::Ink, {}, {}, {}, 1, 1.4, true, {}};
  charts::Mark nb{charts::MarkKind::Line, {}, charts::Tone::Vermillion, {}, {}, {}, 1, 1.8, true, {}};
  double inverse_r = 0;  // of the middle gene, so that a few that differ by cell type do not rule
  if (!ratios.empty()) {
    const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
    std::nth_element(ratios.begin(), middle, ratios.end());
    inverse_r = std::max(0.0, *middle);
  }
  nb.name = QObject::tr("NB: mean + mean²/%1").arg(charts::shortNumber(inverse_r > 0 ? 1 / inverse_r : INFINITY));
  for (int i = 0; i <= 100; ++i) {
    const double m = low * std::pow(high / low, i / 100.0);
    poisson.x.push_back(m);
    poisson.y.push_back(m);
    nb.x.push_back(m);
    nb.y.push_back(m + inverse_r * m * m);
  }
  charts::Panel panel;
  panel.x = {QObject::tr("mean count per cell"), charts::Scale::Log, {}, {}};
  panel.y = {QObject::tr("variance"), charts::Scale::Log, {}, {}};
  panel.marks = {std::move(genes), std::move(poisson)};
  if (inverse_r > 0) panel.marks.push_back(std::move(nb));
  figure.panels.push_back(std::move(panel));
  return figure;
}

QString factsInWords(const data::Dataset& dataset, const Pass& pass) {
  const double entries = static_cast<double>(dataset.counts.n_cells) * static_cast<double>(dataset.counts.n_genes) -
                         static_cast<double>(dataset.missing.entries());
  std::vector<double> totals = pass.cell_total;
  double median = 0;
  if (!totals.empty()) {
    std::nth_element(totals.begin(), totals.begin() + static_cast<std::ptrdiff_t>(totals.size() / 2), totals.end());
    median = totals[totals.size() / 2];
  }
  const auto empty_cells = std::count(pass.cell_total.begin(), pass.cell_total.end(), 0.0);
  const auto empty_genes = std::count(pass.gene_total.begin(), pass.gene_total.end(), 0.0);
  QString text = QObject::tr(
                     "<b>%1 cells × %2 genes</b>, %3 % of the %9 are zero. Counts from <b>%4</b> (%5): whole "
                     "numbers up to %6, %7 in all, %8 in the median cell.")
                     .arg(whole(dataset.counts.n_cells), whole(dataset.counts.n_genes))
                     .arg(entries > 0 ? 100 * (1 - static_cast<double>(dataset.counts.nnz()) / entries) : 0, 0, 'f', 1)
                     .arg(layerName(QString::fromStdString(dataset.layer)).toHtmlEscaped(),
                          QString::fromStdString(dataset.format).toHtmlEscaped(), whole(pass.largest),
                          whole(static_cast<std::int64_t>(pass.total)), whole(static_cast<std::int64_t>(median)),
                          dataset.missing.none() ? QObject::tr("entries") : QObject::tr("entries that were measured"));
  if (empty_cells || empty_genes)
    text += QObject::tr(" %1 cells and %2 genes have no count at all.").arg(whole(empty_cells), whole(empty_genes));
  for (const std::string& note : dataset.notes) text += "<br>• " + QString::fromStdString(note).toHtmlEscaped();
  return text;
}

}  // namespace

QString missingInWords(const data::Dataset& dataset) {
  if (dataset.missing.none()) return {};
  const auto entries = dataset.missing.entries(), cells = dataset.missing.n_cells();
  const double all = static_cast<double>(dataset.counts.n_cells) * static_cast<double>(dataset.counts.n_genes);
  return QObject::tr(
             "<b>%1 entries (%2 %) were not measured</b>: %3 of %4 cells lack genes, %5 of %6 genes are lacking in "
             "some cell. Not measured is not zero. The columns not_measured of the tables say which.")
      .arg(whole(entries))
      .arg(100 * static_cast<double>(entries) / std::max(1.0, all), 0, 'g', 3)
      .arg(whole(cells), whole(dataset.counts.n_cells),
           whole(static_cast<std::int64_t>(dataset.missing.any_gene().size())), whole(dataset.counts.n_genes));
}

QString layerName(const QString& path) {
  return path.isEmpty() ? QObject::tr("the table") : path;
}

charts::Figure histogramOfCounts(const QString& name, const QString& title, const QString& axis,
                                 const std::vector<double>& values) {
  charts::Figure figure{name, title, 1, false, {}};
  if (values.empty()) return figure;
  const double least = *std::min_element(values.begin(), values.end()),
               most = *std::max_element(values.begin(), values.end());
  std::vector<double> edges;
  constexpr int bins = 60;
  if (most - least < bins) {
    for (double edge = least - 0.5; edge < most + 1; ++edge) edges.push_back(edge);
  } else {
    const double bottom = charts::toAxis(charts::Scale::Log1p, least), top = charts::toAxis(charts::Scale::Log1p, most);
    for (int b = 0; b <= bins; ++b)
      edges.push_back(charts::fromAxis(charts::Scale::Log1p, bottom + (top - bottom) * b / bins));
  }
  charts::Mark bars{charts::MarkKind::Bars, QObject::tr("cells"), charts::Tone::Blue, {}, {}, {}, 0.85, 1, false, {}};
  bars.y.assign(edges.size() - 1, 0.0);
  for (const double value : values) {
    const auto above = std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
    const auto last = static_cast<std::ptrdiff_t>(bars.y.size()) - 1;
    bars.y[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, last))] += 1;
  }
  bars.x = std::move(edges);
  charts::Panel panel;
  panel.x = {axis, charts::Scale::Log1p, {}, {}};
  panel.y = {QObject::tr("cells"), charts::Scale::Linear, {}, {}};
  panel.marks.push_back(std::move(bars));
  figure.panels.push_back(std::move(panel));
  return figure;
}

std::shared_ptr<const OpenedData> describe(std::shared_ptr<const data::Dataset> dataset, const RunControl& control) {
  control.tell(0.9, QObject::tr("looking at the counts").toStdString());
  const Pass pass = passOver(*dataset, control);
  auto made = std::make_shared<OpenedData>();
  made->facts = factsInWords(*dataset, pass);
  made->missing = missingInWords(*dataset);
  made->counts_per_cell = histogramOfCounts("counts_per_cell", QObject::tr("Counts per cell"),
                                            QObject::tr("counts per cell"), pass.cell_total);
  made->genes_per_cell = histogramOfCounts("genes_per_cell", QObject::tr("Genes seen per cell"),
                                           QObject::tr("genes per cell"), pass.cell_genes);

  auto cells = std::make_shared<TableData>();
  cells->name = "cells";
  cells->columns = {{"cell", QObject::tr("Name of the cell."), {}, words(dataset->cells.names)},
                    {"total_counts", QObject::tr("Counts in this cell."), pass.cell_total, {}},
                    {"genes_seen", QObject::tr("Genes with at least one count in this cell."), pass.cell_genes, {}}};
  const bool lacking = !dataset->missing.none();
  if (lacking)
    cells->columns.push_back(
        {"not_measured", QObject::tr("Genes that were not measured in this cell."), pass.cell_lacking, {}});
  addColumns(*cells, dataset->cells, control);
  made->cells = cells;

  auto genes = std::make_shared<TableData>();
  genes->name = "genes";
  std::vector<double> zeros(pass.gene_mean.size()), ratio(pass.gene_mean.size());
  for (std::size_t g = 0; g < zeros.size(); ++g) {
    const double n = std::max(1.0, static_cast<double>(dataset->counts.n_cells) - pass.gene_lacking[g]);
    zeros[g] = 1 - pass.gene_cells[g] / n;
    ratio[g] = pass.gene_mean[g] > 0 ? pass.gene_variance[g] / pass.gene_mean[g] : std::nan("");
  }
  std::vector<QString> names = words(dataset->genes.names);
  made->mean_variance = meanVariance(pass, names, made->gene_of_point);
  genes->columns = {
      {"gene", QObject::tr("Name of the gene."), {}, std::move(names)},
      {"mean", QObject::tr("Mean count per cell."), pass.gene_mean, {}},
      {"zeros", QObject::tr("Share of the cells that measured it without a count, 0 to 1."), std::move(zeros), {}},
      {"var_over_mean",
       QObject::tr("Variance over mean: 1 for a Poisson, above it for a negative binomial."),
       std::move(ratio),
       {}},
      {"cells_seen", QObject::tr("Cells with at least one count of this gene."), pass.gene_cells, {}}};
  if (lacking)
    genes->columns.push_back(
        {"not_measured", QObject::tr("Cells in which this gene was not measured."), pass.gene_lacking, {}});
  addColumns(*genes, dataset->genes, control);
  made->genes = genes;
  made->dataset = std::move(dataset);
  return made;
}

}  // namespace scriptorium::ui
