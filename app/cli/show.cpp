#include <cstdio>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {
namespace {

bool is_blank(const nlohmann::json& value) {
  return value.is_string() && value.get_ref<const std::string&>().empty();
}

void print_block(const nlohmann::json& block, const std::string& indent) {
  for (const auto& [key, value] : block.items()) {
    if (value.is_object() && !value.empty()) {
      std::printf("%s%s:\n", indent.c_str(), key.c_str());
      print_block(value, indent + "  ");
    } else if (key != "sites" && !(value.is_structured() && value.empty()) && !is_blank(value)) {
      std::printf("%s%s: %s\n", indent.c_str(), key.c_str(),
                  value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
    }
  }
}

}  // namespace

void add_show(CLI::App& app) {
  struct Options {
    std::string fit;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command =
      app.add_subcommand("show", "What a fit or a count summary is: model, data, loss, convergence, timing");
  command->add_option("fit", options->fit, "a fit, a summary or a file of parameters")->required();
  command->add_flag("--json", options->json, "as JSON");
  command->callback([options] {
    const auto description = summary::is_summary_file(options->fit)
                                 ? report::describe_summary(summary::load_summary(options->fit))
                                 : report::describe_fit(result::load_fit_or_point(options->fit));
    if (options->json)
      print_json(description);
    else
      print_block(description, "");
  });
}

}  // namespace scriptorium::cli
