#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/perturbation/markers.hpp"
#include "core/perturbation/signature.hpp"

/// Mixscape (Papalexi et al. 2021): which cells of a target are perturbed, which escaped.
namespace scriptorium::perturbation {

/// Weights of controls and target before the first step of a mixture fit; nothing: the default, shares of cells.
using InitialWeights =
    std::function<std::optional<std::array<double, 2>>(std::int32_t target, std::int32_t split, int iteration)>;

struct CallOptions {
  Rule rule = Rule::Py;
  MarkerOptions markers = {};  ///< within each group; max_de_genes plays no part
  bool scale = true;           ///< columns of the signature to mean 0, sd 1 (Rule::R: at most 10)
  int iterations = 10;
  std::int64_t min_cells = 5;            ///< fewer cells called perturbed are none
  std::string perturbation_type = "KO";  ///< word behind the target's name
  InitialWeights initial_weights = {};   ///< not part of the stored options
  bool trace = false;                    ///< keep GroupCall::iterations
  int threads = 0;                       ///< 0: all cores; the result is the same at any number
};
void to_json(nlohmann::json& json, const CallOptions& options);
void from_json(const nlohmann::json& json, CallOptions& options);
CallOptions call_defaults(Rule rule);

/// Two normal distributions on a line, the first with mean and sd held.
struct TwoNormals {
  std::array<double, 2> weight{}, mean{}, sd{};
  double log_likelihood = 0;  ///< before the last step: mean over values; of the close fit after it: sum
  int steps = 0;
  bool converged = true;
};
/// Fits weights and the second component to x by expectation and maximisation, as scikit-learn with one component
/// held does: stops when the mean log-likelihood moves by less than 1e-3, at most 100 steps.
/// @param steps  every step's state is appended there if given
TwoNormals fit_two_normals(std::span<const double> x, TwoNormals start, std::vector<TwoNormals>* steps = nullptr);
/// The same to a gain of 1e-8 in the total log-likelihood, at most 5,000 steps, as mixtools does. `converged` is false
/// where the free sd fell below 1e-8.
TwoNormals fit_two_normals_closely(std::span<const double> x, TwoNormals start);
/// Probability of the second component, with the weights or as ratio of densities alone.
double posterior_of_second(const TwoNormals& fit, double x, bool weighted);

/// One round of calls of a target in a group.
struct CallIteration {
  std::int64_t n_direction = 0;    ///< cells of the target that gave the direction
  std::vector<double> projection;  ///< of GroupCall::cells
  TwoNormals start, fit;
  std::vector<double> posterior;  ///< of the target's cells
  std::int64_t n_called = 0;
};

struct GroupCall {
  std::int32_t target = -1, split = -1;
  std::vector<std::int64_t> cells;  ///< the target's first, then controls, each ascending
  std::size_t n_target = 0;
  std::vector<std::int64_t> markers;  ///< ascending; empty: all cells are not perturbed
  std::vector<double> projection;     ///< of the first round: what the density plot shows; empty without markers
  int rounds = 0;
  bool converged = true;                  ///< the mixture fits and the calls settled
  std::vector<CallIteration> iterations;  ///< where the options ask for them
};

enum class CellState : std::uint8_t {
  Unknown,  ///< no target or no group known
  Control,
  Perturbed,       ///< "<target> KO"
  NotPerturbed,    ///< "<target> NP"
  TooFewPerturbed  ///< the bare "NP": the target had too few perturbed cells
};

struct Calls {
  std::vector<CellState> state;   ///< of each cell
  std::vector<double> posterior;  ///< that it is perturbed; 0 for controls and targets without markers, NaN unknown
  std::vector<GroupCall> groups;  ///< by target, then group
  std::string perturbation_type = "KO";
  std::vector<std::string> notes;

  /// Mixscape's class: "<target> KO", "<target> NP", "NP", the control label; code −1 where unknown.
  analysis::Labels classes(const Screen& screen) const;
  /// KO, NP or the control label.
  analysis::Labels global_classes(const Screen& screen) const;
};

/// @throws Error(BadInput) when there is no signature, or options cannot be; Cancelled
Calls mixscape(const Expression& x, const Signature& signature, const Screen& screen, const CallOptions& options,
               const RunControl& control = {});

}  // namespace scriptorium::perturbation
