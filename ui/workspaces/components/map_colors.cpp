#include "ui/workspaces/components/map_colors.hpp"

#include <QObject>
#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace scriptorium::ui {

MapColors colorsFor(const ColorRequest& request, const RunControl& control) {
  const QString &key = request.key, &gene = request.gene, &set_name = request.set_name;
  const auto& data = request.data;
  const auto& of = request.of;
  const auto& at = request.at;
  const auto& members = request.members;
  const data::Dataset& dataset = *data->dataset;
  const std::size_t n = dataset.cells.size();
  if (key == "total")
    return colorsOfNumbers(QObject::tr("log10 counts"), [&] {
      std::vector<double> out;
      for (const double total : data->cells->columns[1].numbers) out.push_back(std::log10(1 + total));
      return out;
    }());
  if (key == "genes") return colorsOfNumbers(QObject::tr("genes seen"), data->cells->columns[2].numbers);
  if (request.column) return colorsOfColumn(*request.column);
  if (members) {
    std::vector<std::int32_t> codes(n, 0);
    for (const std::int64_t i : *members) codes[static_cast<std::size_t>(i)] = 1;
    return colorsOfGroups(set_name, codes, {QObject::tr("not in it"), set_name}, {0xffa6adb5, 0xffe69f00});
  }
  if (key == "gene") {
    const auto& names = dataset.genes.names;
    const auto found = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
      return QString::fromStdString(name).compare(gene, Qt::CaseInsensitive) == 0;
    });
    if (gene.isEmpty()) throw Error(ErrorCode::BadInput, "No gene was named.", "Type the name of a gene.");
    if (found == names.end())
      throw Error(ErrorCode::BadInput, "The data have no gene " + gene.toStdString() + ".",
                  "Type a name of the gene table.");
    std::vector<double> values(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      if (i % 4096 == 0) control.check();
      const double total = data->cells->columns[1].numbers[i];
      if (total > 0)
        values[i] = std::log1p(1e4 / total * dataset.counts.at(static_cast<std::int64_t>(i), found - names.begin()));
    }
    return colorsOfNumbers(QString::fromStdString(*found), std::move(values));
  }
  if (!of) throw Error(ErrorCode::BadInput, "There are no assignments.", "Choose another colour.");
  if (key == "assignment") {
    std::vector<std::int32_t> codes(n, -1);
    for (std::size_t i = 0; i < n; ++i)
      if (at[i] >= 0) codes[i] = of->assigned[static_cast<std::size_t>(at[i])];
    QStringList names;
    for (const QString& name : of->names) names << name;
    return colorsOfGroups(QObject::tr("component"), codes, names, of->colors);
  }
  std::vector<double> values(n, std::nan(""));
  const int k = key.startsWith("p:") ? std::min(key.mid(2).toInt(), of->components - 1) : -1;
  for (std::size_t i = 0; i < n; ++i)
    if (at[i] >= 0)
      values[i] =
          k >= 0 ? of->at(static_cast<std::size_t>(at[i]), k) : of->entropyShare(static_cast<std::size_t>(at[i]));
  auto made = colorsOfNumbers(k >= 0 ? QObject::tr("p of %1").arg(of->names[static_cast<std::size_t>(k)])
                                     : QObject::tr("entropy / log %1").arg(of->components),
                              std::move(values));
  made.shares = true;  // else a fit that is sure of every cell shows what rounding left as if it were doubt
  return made;
}

}  // namespace scriptorium::ui
