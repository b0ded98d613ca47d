#pragma once
#include "core/perturbation/program_search.hpp"
#include "ui/charts/figure.hpp"
#include "ui/tables/table_data.hpp"

/// Programs: targets that go together and the genes that answer them, drawn.
namespace scriptorium::ui {

/// The genes farthest out on each component, at most 12 a side, a panel a component of the first six; a panel is titled
/// by the targets that load on it.
charts::Figure programFigure(const perturbation::ProgramSearch& found);
/// Genes of all components; with the targets that load on each.
std::shared_ptr<const TableData> programTable(const perturbation::ProgramSearch& found);

/// Correlations of targets, clusters first with a line behind each, a panel a matrix.
charts::Figure clusterFigure(const std::vector<perturbation::ZMatrix>& z,
                             const std::vector<perturbation::TargetClusters>& clusters);
std::shared_ptr<const TableData> clusterTable(const std::vector<perturbation::ZMatrix>& z,
                                              const std::vector<perturbation::TargetClusters>& clusters);

}  // namespace scriptorium::ui
