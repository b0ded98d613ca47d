#pragma once
#include "core/perturbation/plots.hpp"
#include "ui/charts/figure.hpp"
#include "ui/tables/table_data.hpp"

/// Figures and tables of a screen, from the numbers that core makes.
namespace scriptorium::ui {

/// How a kind of cells is drawn and called: "NT", "STAT1 NP", "STAT1 KO", "STAT1".
unsigned colorOf(perturbation::CellKind kind);
QString nameOf(perturbation::CellKind kind, const perturbation::Screening& of, std::int32_t target);
QString targetName(const perturbation::Screening& of, std::int32_t target);

/// A panel a facet. @param selected  one byte a cell of the result, or null: the selected ones are drawn strong
charts::Figure scoreFigure(const perturbation::Screening& of, std::int32_t target,
                           const std::vector<perturbation::ScoreFacet>& facets,
                           const std::vector<std::uint8_t>* selected);
/// The standardised scores of all targets under each other.
charts::Figure ridgeFigure(const perturbation::Screening& of, const std::vector<perturbation::Ridge>& ridges);
/// Probabilities of being perturbed by class, as violins over their points.
charts::Figure posteriorFigure(const perturbation::Screening& of, std::int32_t target,
                               const std::vector<perturbation::KindCurve>& curves);
/// Expression of a gene by class, likewise.
charts::Figure expressionFigure(const perturbation::Screening& of, std::int32_t target, const QString& gene,
                                const std::vector<perturbation::KindCurve>& curves);
charts::Figure knockDownFigure(const perturbation::Screening& of, std::int32_t target,
                               const std::vector<perturbation::KnockDown>& found);
charts::Figure heatMapFigure(const perturbation::Screening& of, std::int32_t target,
                             const perturbation::MarkerHeatMap& map);
/// Shares of KO and NP of each guide, a panel a target.
charts::Figure guideFigure(const perturbation::Screening& of, const std::vector<perturbation::TargetSummary>& targets);
/// Cells along two axes. @param x, y  of Discriminant::cells
charts::Figure discriminantFigure(const perturbation::Screening& of, const std::vector<double>& x,
                                  const std::vector<double>& y, const QString& axis,
                                  const std::vector<std::uint8_t>* selected);

/// A table for the eye: the columns named, in that order, then the rest, and `last` behind all.
report::Table ordered(report::Table table, std::initializer_list<const char*> first, const char* last);
std::shared_ptr<const TableData> targetTable(const perturbation::Screening& of);
std::shared_ptr<const TableData> guideTable(const perturbation::Screening& of);
/// Every cell: target, guide, score, class, probability.
std::shared_ptr<const TableData> screenCellTable(const perturbation::Screening& of,
                                                 const std::vector<std::string>& cells);
/// Genes of one target against controls, by rising p. @param genes  receives the gene of each row
std::shared_ptr<const TableData> markerTable(const perturbation::Screening& of, std::int32_t target,
                                             std::vector<std::int64_t>& genes, const RunControl& control);
/// The result in one paragraph: what was found, and of how many targets.
QString resultInWords(const perturbation::Screening& of);

}  // namespace scriptorium::ui
