#pragma once
#include "core/analysis/entropy_map.hpp"
#include "ui/project/data_state.hpp"
#include "ui/workspaces/components/component_figures.hpp"

namespace scriptorium::ui {

/// A mixture that can be asked gene by gene, and the cells in the order of the map.
struct EntropyGround {
  std::shared_ptr<const Assignments> of;
  std::shared_ptr<const PreparedData> data;
  analysis::GeneEvidence evidence;
  std::vector<std::int64_t> cells;  ///< by component, the surest first: as assignmentBars() has them
};
/// @pre `of` has a fit, of these data. @throws Error as analysis::gene_evidence()
EntropyGround entropyGround(std::shared_ptr<const Assignments> of, std::shared_ptr<const PreparedData> data,
                            const RunControl& control);

/// A part of the map: cells [edges.front(), edges.back()) of the order, genes [first_gene, last_gene) by separation.
struct EntropyPiece {
  std::vector<std::int64_t> edges;
  std::int64_t first_gene = 0, last_gene = 0;
  analysis::EntropyMap map;
  charts::Mark bars;  ///< probabilities of the same cells
  std::size_t blocks() const { return edges.size() - 1; }
  bool single() const { return edges.back() - edges.front() == static_cast<std::int64_t>(blocks()); }
};
/// In at most kEntropyColumns blocks, each looked into by at most kEntropyCells cells.
EntropyPiece entropyPiece(const EntropyGround& ground, std::int64_t first_cell, std::int64_t last_cell,
                          std::int64_t first_gene, std::int64_t last_gene, const RunControl& control);
inline constexpr std::int64_t kEntropyColumns = 600, kEntropyCells = 40;

enum class EntropyMeasure { Entropy, Evidence };

/// Cells × genes as an image under the bars of the assignments, on one axis of cells. Marks of the map: the whole, then
/// the detail where there is one, then where components end.
/// @param selected  one byte a cell of the assignments, or null
charts::Figure entropyMapFigure(const EntropyGround& ground, const Assignments& names, const EntropyPiece& whole,
                                const EntropyPiece* detail, EntropyMeasure measure,
                                const std::vector<std::uint8_t>* selected);
/// What the map shows, in words: genes, and what a column is.
QString entropyCaption(const EntropyGround& ground, const EntropyPiece& whole, const EntropyPiece* detail);

/// A pixel of a piece: its cells, as places in the order, and its gene, as a rank by separation.
struct EntropyPixel {
  std::int64_t first_cell = 0, last_cell = 0, gene = 0;
};
EntropyPixel pixelOf(const EntropyPiece& piece, std::size_t index);
/// Cell (or cells), gene, count, entropy, evidence and probabilities of a pixel.
QStringList entropyWords(const EntropyGround& ground, const Assignments& names, const EntropyPiece& piece,
                         std::size_t index);

}  // namespace scriptorium::ui
