// conformance [DIR] [--only PATTERN]: runs every golden file under DIR and compares.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/error.hpp"
#include "golden.hpp"

namespace fs = std::filesystem;
using conformance::Case;
using conformance::json;

namespace {

struct Totals {
  int passed = 0, failed = 0, skipped = 0;
  std::vector<int> skipped_by;  // cases per line of the list of things not built yet
};

void run_case(Case& test, const std::string& kind) {
  const auto handler = conformance::handler_of(kind);
  if (!handler) {
    test.check("no handler for the kind \"" + kind + "\"", false);
    return;
  }
  try {
    handler(test);
    if (test.values() == 0) test.check("nothing was compared", false);
  } catch (const scriptorium::Error& error) {
    test.check(std::string(error.what()) + " " + error.remedy(), false);
  } catch (const std::exception& error) {
    test.check(error.what(), false);
  }
}

void run_file(const fs::path& path, const std::string& shown, const std::string& only, Totals& totals) {
  json file;
  try {
    std::ifstream stream(path);
    file = json::parse(stream);
  } catch (const json::exception& error) {
    std::printf("%s: not JSON: %s\n", shown.c_str(), error.what());
    ++totals.failed;
    return;
  }
  const std::string kind = file.is_object() ? file.value("kind", "") : "";
  if (kind.empty()) return;  // not a golden file
  // A file holds a list of cases, or is one case itself.
  json one;
  if (!file.contains("cases"))
    one = {{"name", file.value("case", kind)},
           {"inputs", file.value("inputs", json::object())},
           {"expected", file.value("expected", json::object())}};
  const json cases = file.contains("cases") ? file["cases"] : json::array({one});
  int ran = 0, failed = 0, skipped = 0;
  std::size_t values = 0;
  double worst = 0;
  std::string worst_case;
  std::vector<std::string> messages;
  for (const auto& entry : cases) {
    const std::string name = entry.value("name", "unnamed");
    if (!only.empty() && (shown + ":" + name).find(only) == std::string::npos) continue;
    const int missing = conformance::missing_capability(kind, entry.at("inputs"));
    if (missing >= 0) {
      ++skipped;
      ++totals.skipped_by[static_cast<std::size_t>(missing)];
      continue;
    }
    Case test(name, entry.at("inputs"), entry.at("expected"), file, path.parent_path().string());
    run_case(test, kind);
    ++ran;
    values += test.values();
    if (test.worst() > worst) {
      worst = test.worst();
      worst_case = name;
    }
    if (!test.failures().empty()) {
      ++failed;
      messages.push_back("  FAILED " + name + ": " + std::to_string(test.failures().size()) + " of " +
                         std::to_string(test.values()) + " values; " + test.failures().front());
    }
  }
  if (ran + skipped == 0) return;
  std::printf("%-44s %3d cases, %6zu values, worst error %.2g of its tolerance%s%s", shown.c_str(), ran, values, worst,
              worst_case.empty() ? "" : " in ", worst_case.c_str());
  if (skipped) std::printf(", %d skipped", skipped);
  std::printf("\n");
  for (const auto& message : messages) std::printf("%s\n", message.c_str());
  std::fflush(stdout);
  totals.passed += ran - failed;
  totals.failed += failed;
  totals.skipped += skipped;
}

}  // namespace

int main(int argc, char** argv) {
  fs::path directory = SCRIPTORIUM_GOLDEN;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else if (!word.empty() && word[0] == '-') {
      std::fprintf(stderr, "usage: conformance [DIR] [--only PATTERN]\n");
      return 2;
    } else {
      directory = word;
    }
  }
  std::error_code problem;
  std::set<fs::path> files;  // in order of their names
  if (fs::is_regular_file(directory, problem)) {
    files.insert(directory);
    directory = directory.parent_path();
  } else {
    for (const auto& entry : fs::recursive_directory_iterator(directory, problem))
      if (entry.path().extension() == ".json") files.insert(entry.path());
  }
  if (files.empty()) {
    std::fprintf(stderr, "no golden files under %s\n", directory.c_str());
    return 1;
  }
  Totals totals;
  totals.skipped_by.resize(conformance::missing_capabilities().size());
  for (const auto& path : files) run_file(path, fs::relative(path, directory, problem).string(), only, totals);
  std::printf("\nNot built yet (cases skipped):\n");
  for (std::size_t i = 0; i < totals.skipped_by.size(); ++i) {
    const auto& entry = conformance::missing_capabilities()[i];
    std::printf("  %s: %s (%d)\n", entry.name.c_str(), entry.reason.c_str(), totals.skipped_by[i]);
  }
  std::printf("%d passed, %d failed, %d skipped\n", totals.passed, totals.failed, totals.skipped);
  return totals.failed == 0 && totals.passed > 0 ? 0 : 1;
}
