#include <cstdio>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "core/data/inspect.hpp"
#include "core/report/fit_tables.hpp"

namespace scriptorium::cli {
namespace {

/// The facts as lines "name: value"; lists of records below their name.
void print_facts(const nlohmann::json& facts) {
  const auto word = [](const nlohmann::json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  for (const auto& [key, value] : facts.items()) {
    if (!value.is_array() || value.empty()) {
      std::printf("%s: %s\n", key.c_str(), value.is_array() ? "none" : word(value).c_str());
      continue;
    }
    std::printf("%s:\n", key.c_str());
    for (const auto& entry : value) {
      std::string line;
      if (entry.is_object())
        for (const auto& [name, part] : entry.items()) line += (line.empty() ? "" : ", ") + name + " " + word(part);
      std::printf("  %s\n", entry.is_object() ? line.c_str() : word(entry).c_str());
    }
  }
}

}  // namespace

void add_inspect(CLI::App& app) {
  struct Options {
    DataOptions data;
    Common common;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("inspect", "What a data set holds, and whether it is counts");
  options->data.add_to(*command, true);
  options->common.add_to(*command);
  command->add_flag("--json", options->json, "as JSON");
  command->callback([options] {
    const auto facts = summary::is_summary_file(options->data.path)
                           ? report::describe_summary(summary::load_summary(options->data.path))
                           : data::inspect_json(options->data.read(options->common.control()));
    if (options->json)
      print_json(facts);
    else
      print_facts(facts);
  });
}

}  // namespace scriptorium::cli
