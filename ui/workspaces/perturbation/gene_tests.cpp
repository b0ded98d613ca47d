#include "ui/workspaces/perturbation/gene_tests.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace scriptorium::ui {

using namespace perturbation;

namespace {

bool canBeRead(const DeState& state, std::int32_t target) {
  try {
    state.find(target);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::vector<WeightedDe> testGenes(const Screening& of, const data::Dataset& dataset,
                                  const std::vector<std::int32_t>& targets, const DeOptions& options,
                                  const std::string& folder, const RunControl& control) {
  control.tell(-1, "looking at the data");
  const std::string print = fingerprint(dataset, of.options, options, control);
  const auto made = [&](bool resume) {
    const DeState state(folder, print, resume);
    std::vector<WeightedDe> tables;
    for_each_weighted_de(of, dataset.counts, targets, options, state, control,
                         [&](std::int32_t, WeightedDe de) { tables.push_back(std::move(de)); });
    state.remove();
    return tables;
  };
  try {
    return made(true);
  } catch (const Error&) {
    const DeState kept(folder, print, true);
    if (std::all_of(targets.begin(), targets.end(), [&](std::int32_t target) { return canBeRead(kept, target); }))
      throw;
    return made(false);
  }
}

}  // namespace scriptorium::ui
