#include <QObject>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ui/workspaces/components/component_figures.hpp"

namespace scriptorium::ui {

ComponentMeans componentMeans(const data::CountMatrix& counts, std::vector<std::string> genes, const Assignments& of,
                              const std::vector<std::int64_t>& row_of_cell, const RunControl& control) {
  ComponentMeans out;
  out.genes = std::move(genes);
  out.components = of.components;
  const auto k = static_cast<std::size_t>(of.components);
  out.mean.assign(out.genes.size() * k, 0);
  std::vector<double> weight(k, 0);
  for (std::size_t i = 0; i < of.assigned.size(); ++i) {
    if (i % 256 == 0) control.check();
    if (of.assigned[i] < 0 || row_of_cell[i] < 0) continue;
    const auto row = static_cast<std::size_t>(row_of_cell[i]);
    for (std::size_t c = 0; c < k; ++c) {
      const double p = of.probability[i * k + c];
      weight[c] += p;
      if (p < 1e-12) continue;
      for (auto j = static_cast<std::size_t>(counts.row_start[row]);
           j < static_cast<std::size_t>(counts.row_start[row + 1]); ++j)
        out.mean[counts.gene[j] * k + c] += p * counts.count[j];
    }
  }
  constexpr double least = 0.01;
  for (std::size_t g = 0; g < out.genes.size(); ++g) {
    double separation = 0;
    for (std::size_t c = 0; c < k; ++c) out.mean[g * k + c] /= std::max(1e-12, weight[c]);
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t b = a + 1; b < k; ++b)
        if (weight[a] >= 1 && weight[b] >= 1)  // a component without cells tells nothing
          separation +=
              std::fabs(std::log(std::max(least, out.mean[g * k + a]) / std::max(least, out.mean[g * k + b])));
    out.separation.push_back(separation);
  }
  out.order.resize(out.genes.size());
  std::iota(out.order.begin(), out.order.end(), std::int64_t{0});
  std::stable_sort(out.order.begin(), out.order.end(), [&](std::int64_t a, std::int64_t b) {
    return out.separation[static_cast<std::size_t>(a)] > out.separation[static_cast<std::size_t>(b)];
  });
  return out;
}

charts::Figure meansFigure(const ComponentMeans& means, const Assignments& of, int genes) {
  charts::Figure figure{"component_means", {}, 1, false, {}};
  const auto n = std::min(means.order.size(), static_cast<std::size_t>(std::max(0, genes)));
  if (n == 0) return figure;
  charts::Panel panel;
  panel.name = QObject::tr("Means of the genes that separate the components most");
  panel.x.title = QObject::tr("mean count per cell");
  panel.x.scale = charts::Scale::Log1p;
  panel.y.low = -0.6;
  panel.y.high = static_cast<double>(n) - 0.4;
  for (std::size_t i = n; i-- > 0;)
    panel.y.categories << QString::fromStdString(means.genes[static_cast<std::size_t>(means.order[i])]);
  const auto k = static_cast<std::size_t>(means.components);
  for (std::size_t c = 0; c < k; ++c) {
    charts::Mark mark;
    mark.kind = charts::MarkKind::Points;
    mark.name = of.names[c];
    mark.color = of.colors[c];
    mark.width = 4;
    for (std::size_t i = 0; i < n; ++i) {
      const auto g = static_cast<std::size_t>(means.order[n - 1 - i]);
      mark.x.push_back(means.mean[g * k + c]);
      mark.y.push_back(static_cast<double>(i));
      mark.labels << QString::fromStdString(means.genes[g]);
    }
    panel.marks.push_back(std::move(mark));
  }
  figure.panels.push_back(std::move(panel));
  return figure;
}

std::shared_ptr<const TableData> meansTable(const ComponentMeans& means, const Assignments& of) {
  auto table = std::make_shared<TableData>();
  table->name = "component_means";
  TableColumn gene{"gene", QObject::tr("Name of the gene."), {}, {}};
  for (const std::string& name : means.genes) gene.texts.push_back(QString::fromStdString(name));
  table->columns.push_back(std::move(gene));
  table->columns.push_back({"separation",
                            QObject::tr("Sum over pairs of components of |log of the ratio of their means|."),
                            means.separation,
                            {}});
  const auto k = static_cast<std::size_t>(means.components);
  for (std::size_t c = 0; c < k; ++c) {
    TableColumn mean{"mean " + of.names[c], QObject::tr("Mean count per cell of the component."), {}, {}};
    for (std::size_t g = 0; g < means.genes.size(); ++g) mean.numbers.push_back(means.mean[g * k + c]);
    table->columns.push_back(std::move(mean));
  }
  return table;
}

}  // namespace scriptorium::ui
