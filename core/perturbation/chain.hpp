#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/error.hpp"
#include "core/perturbation/discriminant.hpp"
#include "core/perturbation/verdict.hpp"

/// A screen from counts to verdicts, step by step.
namespace scriptorium::perturbation {

/// Everything that decides the numbers, as one plain value.
struct ChainOptions {
  Columns columns;
  SignatureOptions signature;
  ScoreOptions score;
  CallOptions call;
  DiscriminantOptions discriminant;
  bool with_scores = true, with_calls = true;   ///< Mixscale, Mixscape: one of them at least
  bool with_discriminant = true;                ///< of calls
  std::string score_column = "mixscale_score";  ///< of the cell table
  std::string class_column = "mixscape_class";
  int threads = 0;                                       ///< of all steps
  std::shared_ptr<const compute::Backend> backend = {};  ///< that looks for neighbours; none: the CPU
};
void to_json(nlohmann::json& json, const ChainOptions& options);
void from_json(const nlohmann::json& json, ChainOptions& options);

/// A state file that nothing can be taken from: damaged, or no such file. Without it a run begins anew.
struct UnusableState : Error {
  explicit UnusableState(const std::string& what,
                         const std::string& remedy = "Delete it, or run without --resume: nothing else depends on it.")
      : Error(ErrorCode::Io, what, remedy) {}
};

struct Screening {
  ChainOptions options;
  Screen screen;
  std::shared_ptr<const Expression> expression;
  Signature signature;
  Scores scores;
  Calls calls;
  std::optional<Discriminant> discriminant;  ///< nothing where it was not asked for, or no target has an effect
  std::vector<TargetSummary> targets;
  std::vector<std::string> notes;  ///< of all steps, once each
  struct Step {
    std::string name;
    double seconds = 0;
    bool resumed = false;  ///< taken from the state file
  };
  std::vector<Step> steps;
};

/// Runs the steps: expression, signature, score, call, discriminant, verdicts. Stops within 0.1 s of being asked to.
/// @param state   file that finished steps are kept in as they end (sealed; empty: none)
/// @param resume  take from `state` what was made of the same data with the same options; numbers are the same bits
/// @throws Error(BadInput) as the steps do, UnusableState; Cancelled
Screening run_chain(const data::Dataset& dataset, const ChainOptions& options, const std::string& state = {},
                    bool resume = false, const RunControl& control = {});

/// Identity of data and options that decide numbers: what a state file is held against.
std::string fingerprint(const data::Dataset& dataset, const ChainOptions& options, const RunControl& control = {});

/// How the signature is written as a layer.
enum class LayerType : std::uint8_t { None, Float32, Float64 };

/// The data set with what the chain found, as an anndata file in the references' names and forms: obs
/// `mixscale_score`, `mixscape_class`, `mixscape_class_global`, `mixscape_class_p_ko`; obsm `X_mixscape_lda` (NaN for
/// other cells); uns `mixscale` and `mixscape`, by target and group a data frame of its cells: pvec (of the first
/// round), the target or control label, and of Mixscale the projection without each marker; `mixscale_de_genes`;
/// `mixscape_lda` of called cells and controls alone; `scriptorium`; layer `X_pert` on request, streamed.
/// @param leave_one_out  false: without the projections that leave one marker out, which can be the most of the file
/// @returns what the reader of the file should know. @throws Error(Io); Cancelled
std::vector<std::string> write_screening_h5ad(data::Dataset dataset, const Screening& screening, LayerType layer,
                                              const std::string& path, const RunControl& control = {},
                                              bool leave_one_out = true);

}  // namespace scriptorium::perturbation
