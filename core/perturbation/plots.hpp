#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/perturbation/chain.hpp"

/// The numbers behind the figures of a screen: what is drawn can be tested and written without drawing.
namespace scriptorium::perturbation {

/// A density by a Gaussian kernel at evenly spaced places.
struct Density {
  double bandwidth = 0;
  std::vector<double> x, y;  ///< empty where there are no two different values
};
/// Silverman (1986), equation 3.31: 0.9 · min(sd, interquartile range / 1.34) · n^(−1/5); the sd alone where the
/// quartiles are equal. 0 without two different values.
double kernel_bandwidth(std::span<const double> values);
/// At `points` places from low to high. @param values  finite
/// @param least  the bandwidth is this or more, which then also shows values that are all equal
Density density(std::span<const double> values, double low, double high, int points = 256, double least = 0);

/// What a cell is in a figure of one target.
enum class CellKind : std::uint8_t {
  Control,
  NotPerturbed,  ///< of the target, called so ("NP")
  Perturbed,     ///< called so ("KO")
  Target         ///< of the target, where cells were not called
};

struct KindCurve {
  CellKind kind = CellKind::Control;
  std::vector<std::int64_t> cells;
  std::vector<double> value;   ///< of each cell
  std::vector<double> height;  ///< where it is drawn as a point, see score_densities()
  Density density;
};
struct ScoreFacet {
  std::string name;  ///< of the guide or group; empty: all cells
  std::vector<KindCurve> curves;
};
enum class Facets : std::uint8_t { Together, Guides, Splits };

/// Perturbation scores of a target: projections of the first round of calls, or of Mixscale where nothing was called,
/// as densities of controls, NP and KO. Points of controls lie between 0.001 and a tenth of the highest density, those
/// of the target between minus that and 0, at heights that depend on the cell only. All facets share the places of x.
/// Facets of guides each show all controls. Empty when the target has no projection.
std::vector<ScoreFacet> score_densities(const Screening& of, std::int32_t target, Facets facets);
/// Probabilities of being perturbed of a target's cells, by what they are called; densities from 0 to 1 with a
/// bandwidth of at least 0.02: most probabilities are next to an end.
std::vector<KindCurve> posterior_curves(const Screening& of, std::int32_t target);
/// Log-normalised expression of a gene in a target's cells and in all controls, by what they are called; densities from
/// 0 to the highest value, with a bandwidth of at least a fiftieth of it: most counts are 0.
std::vector<KindCurve> expression_curves(const Screening& of, std::int32_t target, std::int64_t gene);

/// Standardised Mixscale projections as one density each: the controls of all targets, then targets, strongest first.
struct Ridge {
  std::int32_t target = -1;  ///< code; the control's for the first
  std::int64_t cells = 0;    ///< values: a control counts once for every target
  Density density;
};
std::vector<Ridge> score_ridges(const Screening& of, const RunControl& control = {});

/// A target's own expression against its score, in bins of equal numbers of cells.
struct KnockDown {
  std::int32_t split = -1;
  std::vector<double> edge;         ///< bins + 1 quantiles of the projection of the target's cells
  std::vector<double> score;        ///< mean projection in each bin, NaN in an empty one
  std::vector<double> mean;         ///< of x, the log-normalised expression, in each bin
  std::vector<double> error;        ///< its standard error; NaN with fewer than two cells
  std::vector<std::int64_t> cells;  ///< in each bin; both edges belong to it, so that a cell on an edge is in two
  double control_mean = 0;          ///< of x over the group's controls
};
/// One entry a group in which the target was scored; empty when its gene is not among the genes or nothing was scored.
std::vector<KnockDown> knock_down(const Screening& of, std::int32_t target, int bins = 10);

struct HeatMapOptions {
  int genes_per_side = 20;            ///< higher, and lower, in the target's cells
  std::int64_t cells_per_kind = 300;  ///< a sample of controls, of NP and of KO each, where there are more
  double cut = 2;                     ///< z values beyond are drawn as this
  std::uint64_t seed = 42;            ///< of the sample
};
/// Markers of a target, cells by rising score.
struct MarkerHeatMap {
  std::vector<std::int64_t> genes;  ///< higher in the target's cells first, each side in the order of the markers
  std::int64_t n_higher = 0;        ///< how many of them are higher
  std::vector<std::int64_t> cells;
  std::vector<double> score;  ///< standardised projection of each cell
  std::vector<CellKind> kind;
  std::vector<double> z;  ///< genes × cells, row-major: x less its mean over these cells, over their sd (n − 1; 0: 1)
};
/// Empty when the target was not scored.
MarkerHeatMap marker_heat_map(const Screening& of, std::int32_t target, const HeatMapOptions& options = {});

/// Guides of a target by falling share of perturbed cells, then by code.
std::vector<GuideShare> guides_by_share(const TargetSummary& target);

}  // namespace scriptorium::perturbation
