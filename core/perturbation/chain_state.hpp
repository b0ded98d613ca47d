#pragma once
#include <optional>
#include <string>

#include "core/perturbation/chain.hpp"

/// The state file of a chain: what finished steps made, so that a second run goes on behind them.
namespace scriptorium::perturbation {

struct ChainState {
  std::string fingerprint;
  std::optional<std::vector<std::int32_t>> neighbours;  ///< cells × k
  std::vector<std::string> signature_notes;
  std::optional<Scores> scores;  ///< without leave-one-out projections
  std::optional<Calls> calls;    ///< without iterations
  std::optional<Discriminant> discriminant;
};

/// Written aside and renamed, sealed. @throws Error(Io)
void save_state(const ChainState& state, const std::string& path);
/// Whether there is a file that looks like one.
bool is_state(const std::string& path);
/// @throws UnusableState when `path` is no such file, or is damaged
ChainState load_state(const std::string& path);

}  // namespace scriptorium::perturbation
