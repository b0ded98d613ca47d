#include "command.hpp"

namespace scriptorium::cli {

void add_later(CLI::App& app) {
  for (const char* name : {"denoise", "gof", "compare", "de", "qc", "regress", "report", "run"}) {
    auto* command = app.add_subcommand(name, "not built yet")->group("")->allow_extras();
    command->callback([name] { throw UsageError("not built yet: " + std::string(name)); });
  }
}

}  // namespace scriptorium::cli
