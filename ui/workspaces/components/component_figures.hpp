#pragma once
#include "core/analysis/agreement.hpp"
#include "core/progress.hpp"
#include "ui/charts/figure.hpp"
#include "ui/project/assignments.hpp"
#include "ui/tables/table_data.hpp"

namespace scriptorium::ui {

/// Where the cells of a data set lie; cells without a place have NaN.
struct MapPlaces {
  QString title, axis;  ///< "UMAP", for the axes "UMAP 1" and "UMAP 2"
  std::vector<double> x, y;
  std::int64_t without = 0;  ///< cells that have no place
};

/// What the cells of a map are coloured by.
struct MapColors {
  QString title;
  std::vector<double> values;  ///< numbers, or numbers of groups where there is a palette
  std::vector<unsigned> palette;
  QStringList groups;
  bool shares = false;  ///< the bar goes from 0 to 1, whatever the values are
};
MapColors colorsOfNumbers(const QString& title, std::vector<double> values);
/// Groups of cells; −1 has none. `colors`: empty for those of groupColor().
MapColors colorsOfGroups(const QString& title, const std::vector<std::int32_t>& codes, const QStringList& names,
                         const std::vector<QRgb>& colors = {});
/// Of a column of the cell table: labels as groups where there are up to 40, else numbers.
MapColors colorsOfColumn(const data::Column& column);

/// @param emphasis  one byte a cell, or null: the selected ones are drawn strong
charts::Figure cellMap(const MapPlaces& places, const MapColors& colors,
                       std::shared_ptr<const std::vector<std::uint8_t>> emphasis);

/// Histogram of the cells' entropies over log K, 0 … 1; the selected ones before all.
charts::Figure entropyHistogram(const Assignments& of, const std::vector<std::uint8_t>* selected);
/// Whether a brush from `low` to `high` over the histogram takes a cell in. One that reaches into the first bar or the
/// last takes all of it: most cells are at its very edge.
bool entropyBetween(const Assignments& of, std::size_t cell, double low, double high);
/// The places [first, last) of an order of cells, each a column of its probabilities stacked; averages where there are
/// more cells than columns.
charts::Mark assignmentStack(const Assignments& of, const std::vector<std::int64_t>& order, std::int64_t first,
                             std::int64_t last);
/// Cells sorted by component and sureness, each a column of its probabilities stacked; averages where there are more
/// cells than columns.
charts::Figure assignmentBars(const Assignments& of);
/// Each label as a bar of the components that its cells are assigned to.
charts::Figure compositionBars(const Assignments& of, const analysis::Composition& composition,
                               const QStringList& labels, const QString& column);
std::shared_ptr<const TableData> compositionTable(const Assignments& of, const analysis::Composition& composition,
                                                  const QStringList& labels);
std::shared_ptr<const TableData> componentTable(const Assignments& of);
std::shared_ptr<const TableData> cellTable(const Assignments& of);

/// Mean counts of each gene in each component, cells weighted by their probabilities.
struct ComponentMeans {
  std::vector<std::string> genes;
  int components = 0;
  std::vector<double> mean;         ///< genes × components, counts per cell
  std::vector<double> separation;   ///< Σ over pairs of components |log of the ratio|, means at least 0.01
  std::vector<std::int64_t> order;  ///< genes by falling separation
};
/// @param row_of_cell  row of the counts for each cell of `of`, −1 where there is none
ComponentMeans componentMeans(const data::CountMatrix& counts, std::vector<std::string> genes, const Assignments& of,
                              const std::vector<std::int64_t>& row_of_cell, const RunControl& control);
charts::Figure meansFigure(const ComponentMeans& means, const Assignments& of, int genes);
std::shared_ptr<const TableData> meansTable(const ComponentMeans& means, const Assignments& of);

}  // namespace scriptorium::ui
