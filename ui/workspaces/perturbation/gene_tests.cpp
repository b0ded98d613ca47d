#include "ui/workspaces/perturbation/gene_tests.hpp"

namespace scriptorium::ui {

using namespace perturbation;

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
  } catch (const UnusableState&) {  // nothing of it is used
    return made(false);
  }
}

}  // namespace scriptorium::ui
