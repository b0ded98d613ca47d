#include <QObject>
#include <algorithm>

#include "ui/charts/colors.hpp"
#include "ui/workspaces/components/component_figures.hpp"
#include "ui/workspaces/perturbation/perturbation_figures.hpp"

namespace scriptorium::ui {

using namespace perturbation;

charts::Figure discriminantFigure(const Screening& of, const std::vector<double>& x, const std::vector<double>& y,
                                  const QString& axis, const std::vector<std::uint8_t>* selected) {
  const Discriminant& found = *of.discriminant;
  QStringList names;
  std::vector<QRgb> colors;
  std::vector<std::int32_t> group(of.screen.target.names.size(), -1);
  std::vector<std::int32_t> present = found.label;
  std::sort(present.begin(), present.end());
  present.erase(std::unique(present.begin(), present.end()), present.end());
  int next = 0;
  for (const std::int32_t label : present) {
    const bool control = label == of.screen.control;
    group[static_cast<std::size_t>(label)] = static_cast<std::int32_t>(names.size());
    names << nameOf(control ? CellKind::Control : CellKind::Perturbed, of, label);
    colors.push_back(control ? colorOf(CellKind::Control) : charts::groupColor(next++));
  }
  std::vector<std::int32_t> codes;
  auto emphasis = std::make_shared<std::vector<std::uint8_t>>();
  for (std::size_t i = 0; i < found.cells.size(); ++i) {
    codes.push_back(group[static_cast<std::size_t>(found.label[i])]);
    if (selected) emphasis->push_back((*selected)[static_cast<std::size_t>(found.cells[i])]);
  }
  charts::Figure figure = cellMap({axis, axis, x, y, 0}, colorsOfGroups(QObject::tr("class"), codes, names, colors),
                                  selected ? std::move(emphasis) : nullptr);
  figure.name = "discriminant";
  return figure;
}

}  // namespace scriptorium::ui
