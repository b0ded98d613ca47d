#include "command.hpp"
#include "core/error.hpp"
#include "core/report/fit_tables.hpp"
#include "core/result/point_file.hpp"

namespace scriptorium::cli {

void add_loss(CLI::App& app) {
  struct Options {
    std::string fit, out;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("loss", "Iteration, time and loss");
  command->add_option("fit", options->fit, "a fit")->required();
  add_table_output(*command, options->out);
  command->callback([options] {
    keep_inputs(options->out, {options->fit});
    const auto fit = result::load_fit_or_point(options->fit);
    if (fit.point_only) throw Error(ErrorCode::BadInput, "A file of parameters has no loss.", "Give a fit.");
    write(report::loss_table(fit), options->out);
  });
}

}  // namespace scriptorium::cli
