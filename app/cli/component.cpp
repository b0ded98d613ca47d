#include "command.hpp"
#include "core/analysis/assignments.hpp"
#include "core/analysis/cell_groups.hpp"
#include "core/error.hpp"
#include "core/result/components.hpp"
#include "core/result/estimates.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_component(CLI::App& app) {
  struct Words {
    std::string fit, component, out;
    double least = 0;
    DataOptions data;
    Common common;
  };
  auto words = std::make_shared<Words>();
  auto* command = app.add_subcommand("component", "One component as a fit of its own, or several as a smaller mixture");
  command->add_option("fit", words->fit, "a fit of a mixture")->required();
  command->add_option("component", words->component, "names or numbers (from 1), separated by commas");
  words->data.add_to(*command, false);
  command
      ->add_option("--min-weight", words->least,
                   "instead: those with at least this mixing weight; the largest if none has")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--out", words->out, "fit to write")->required();
  words->common.add_to(*command);
  command->footer("With DATA the fit keeps only the cells that are most probably of these components.");
  command->callback([words, command] {
    keep_inputs(words->out, {words->fit, words->data.path});
    const auto control = words->common.control();
    auto fit = result::load_fit_or_point(words->fit);
    if (fit.point_only)
      throw Error(ErrorCode::BadInput, "A file of parameters is no fit to take a component from.", "Give a fit.");
    std::vector<std::int64_t> chosen;
    if (words->component.empty() == (command->get_option("--min-weight")->count() == 0))
      throw UsageError("component needs names or numbers of components, or --min-weight W");
    if (words->component.empty())
      chosen =
          analysis::live_components(result::mixing_weights(fit.model, result::map_estimate(fit, {.use_mean = true})),
                                    fit.model.components, words->least);
    else
      for (const auto& name : names_of("component", "components", words->component))
        chosen.push_back(result::find_component(fit, name));
    if (const auto dataset = data_of_fit(fit, words->data, false, control)) {
      result::save_fit(analysis::cells_of_components(fit, chosen, *dataset, control).fit, words->out);
      return;
    }
    result::save_fit(chosen.size() == 1 ? result::get_component(fit, chosen[0]) : result::get_components(fit, chosen),
                     words->out);
    std::fprintf(stderr,
                 "note: this fit has all cells of the mixture. To check it against counts give DATA, and it keeps the "
                 "cells that are most probably of it\n");
  });
}

void ComponentOption::add_to(CLI::App& command) {
  command.add_option("--component", component, "of a mixture: one component, by its name or number (from 1)");
}

void ComponentOption::apply(result::Fit& fit) const {
  if (!component.empty()) fit = result::get_component(fit, result::find_component(fit, component));
}

void ComponentOption::apply_with_cells(result::Fit& fit, std::optional<data::Dataset>& dataset,
                                       const RunControl& control) const {
  if (component.empty()) return;
  if (!dataset) throw UsageError("--component needs DATA here: a component is checked against the counts of its cells");
  const std::int64_t its[] = {result::find_component(fit, component)};
  auto group = analysis::cells_of_components(fit, its, *dataset, control);
  fit = std::move(group.fit);
  dataset = std::move(group.dataset);
}

void GroupOption::add_to(CLI::App& command) {
  command.add_option("--group", group,
                     "COLUMN=LABEL: only the cells with this label in the cell table, which DATA must have. Of a "
                     "mixture each replicate draws the component of a cell from the cell's own probabilities, given "
                     "its counts, not from the mixing weights of all cells");
}

std::vector<double> GroupOption::apply(result::Fit& fit, std::optional<data::Dataset>& dataset,
                                       const RunControl& control) const {
  if (group.empty()) return {};
  const auto equals = group.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError("--group takes COLUMN=LABEL, such as cell_type=B; \"" + group + "\" is not.");
  if (!dataset) throw UsageError("--group needs the data: give DATA after the fit.");
  auto cells = analysis::cells_of_label(fit, group.substr(0, equals), group.substr(equals + 1), *dataset, control);
  fit = std::move(cells.fit);
  dataset = std::move(cells.dataset);
  return std::move(cells.shares);
}

}  // namespace scriptorium::cli
