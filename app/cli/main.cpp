// scriptorium-cli: every job of the window from a terminal. Exit status 0 done, 1 failed, 2 wrong usage.
#include <cstdio>
#include <new>

#include "command.hpp"
#include "core/error.hpp"

using namespace scriptorium;

namespace {

/// One line: what, where, what to do.
int failed(int status, std::string what, const std::string& remedy) {
  for (std::string* text : {&what})
    for (char& c : *text)
      if (c == '\n' || c == '\r') c = ' ';
  if (!what.empty() && std::string(".!?").find(what.back()) == std::string::npos) what += '.';
  std::fprintf(stderr, "error: %s%s%s\n", what.c_str(), remedy.empty() ? "" : " ", remedy.c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  cli::watch_for_interrupts();
  CLI::App app("Bayesian models of single-cell counts.", "scriptorium-cli");
  app.set_version_flag("--version", "scriptorium-cli " SCRIPTORIUM_VERSION);
  app.require_subcommand(1);
  app.fallthrough(false);
  for (auto* add : {cli::add_inspect, cli::add_convert,  cli::add_models,    cli::add_summarise,     cli::add_fit,
                    cli::add_show,    cli::add_loss,     cli::add_map,       cli::add_distributions, cli::add_sample,
                    cli::add_ppc,     cli::add_diagnose, cli::add_loglik,    cli::add_density,       cli::add_subset,
                    cli::add_assign,  cli::add_entropy,  cli::add_component, cli::add_composition,   cli::add_mixing,
                    cli::add_export,  cli::add_embed,    cli::add_devices,   cli::add_perturb,       cli::add_later})
    add(app);
  const auto known = app.get_subcommands([&](CLI::App* one) { return argc > 1 && one->get_name() == argv[1]; });
  const std::string command = known.empty() ? "" : known.front()->get_name();
  try {
    const bool has_variant =
        command == "loglik" || command == "assign" || command == "entropy" || command == "composition";
    for (int i = 1; i < argc && !has_variant; ++i)
      if (const std::string word = argv[i]; word == "--compat" || word.starts_with("--compat="))
        throw cli::UsageError(
            "not built yet: --compat for this command (loglik, assign, entropy and composition have it, and fit has "
            "--svi-mode "
            "scribe)");
    if (argc > 1 && argv[1][0] != '-' && known.empty())
      throw cli::UsageError("there is no command \"" + std::string(argv[1]) + "\". See `scriptorium-cli --help`.");
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return failed(2, error.what(),
                  command.empty() ? "See `scriptorium-cli --help`." : "See `scriptorium-cli " + command + " --help`.");
  } catch (const cli::UsageError& error) {
    return failed(2, error.what(), "");
  } catch (const Error& error) {
    return failed(1, error.what(), error.remedy());
  } catch (const Cancelled&) {
    return failed(1, "stopped", "");
  } catch (const std::bad_alloc&) {
    return failed(1, "There is not enough memory for this.",
                  "Take a subset of the cells or genes, or another machine.");
  } catch (const std::exception& error) {
    return failed(1, error.what(), "This should not happen; please report it.");
  }
}
