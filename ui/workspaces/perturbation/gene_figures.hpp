#pragma once
#include "core/perturbation/screening_de.hpp"
#include "core/perturbation/set_tests.hpp"
#include "ui/charts/figure.hpp"
#include "ui/tables/table_data.hpp"

/// What perturbations do to genes, drawn.
namespace scriptorium::ui {

/// log2 fold change against −log10 p, a panel a group of cells; points are the rows of the table.
/// @param selected  one byte a gene of the result, or null
charts::Figure volcanoFigure(const perturbation::WeightedDe& de, const std::vector<std::string>& genes,
                             const std::vector<std::uint8_t>* selected);
/// Targets × genes, |z| cut at 15, a panel a group.
charts::Figure zFigure(const std::vector<perturbation::ZMatrix>& matrices);
/// A row a gene and, of several, group; a column a target.
std::shared_ptr<const TableData> zTable(const std::vector<perturbation::ZMatrix>& matrices);
/// Why Z matrices as z_matrices() gives them hold too little to be looked at, and what to do.
QString whyNoZ(const std::vector<perturbation::ZMatrix>& matrices, const perturbation::ZOptions& options);
QString whatHelpsZ();

/// A list of genes against sets, by Fisher's test or by rank.
struct SetResults {
  perturbation::DeList list;
  std::vector<perturbation::FisherResult> fisher;
  std::vector<perturbation::RankResult> ranks;
};
/// The 20 sets of smallest p as dots, a panel a list: −log10 adjusted p cut at 10, coloured by the odds ratio cut
/// at 20.
charts::Figure setFigure(const std::vector<SetResults>& tested);
std::shared_ptr<const TableData> setTable(const std::vector<SetResults>& tested);
/// The same for rank tests: the rank-biased overlap, coloured by −log10 adjusted p cut at 10.
charts::Figure rankFigure(const std::vector<SetResults>& tested);
std::shared_ptr<const TableData> rankTable(const std::vector<SetResults>& tested);

}  // namespace scriptorium::ui
