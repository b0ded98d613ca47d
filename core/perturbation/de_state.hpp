#pragma once
#include <optional>
#include <string>

#include "core/perturbation/chain.hpp"
#include "core/perturbation/weighted_de.hpp"

namespace scriptorium::perturbation {

/// What a run of weighted tests has finished, so that a second run goes on behind it: a folder with a sealed file for
/// each target, and one for the scores (chain_state.hpp). Nothing is written where `folder` is empty.
class DeState {
 public:
  DeState() = default;
  /// @param fingerprint  of data and options: files of other ones count for nothing
  /// @param resume       keep what is there; else it is removed
  /// @throws Error(Io) for a folder that cannot be made
  DeState(std::string folder, std::string fingerprint, bool resume);

  /// What was kept of a target (its code), the same bits. @throws UnusableState
  std::optional<WeightedDe> find(std::int32_t target) const;
  /// Written aside and renamed. @throws Error(Io)
  void keep(std::int32_t target, const WeightedDe& de) const;
  /// Removes the files that this wrote, and the folder if it is empty then.
  void remove() const;
  /// For run_chain().
  std::string chain_file() const { return folder_.empty() ? std::string() : folder_ + "/scores"; }

 private:
  std::string file_of(std::int32_t target) const;
  std::string print_of(std::int32_t target) const;  ///< a file under another target's name counts for nothing
  std::optional<WeightedDe> load(std::int32_t target) const;
  std::string folder_, fingerprint_;
};

/// Identity of everything that decides the numbers of a target.
std::string fingerprint(const data::Dataset& dataset, const ChainOptions& chain, const DeOptions& options,
                        const RunControl& control = {});

}  // namespace scriptorium::perturbation
