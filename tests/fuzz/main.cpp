// fuzz_readers: damaged copies of small files through the readers. Exit status 0 when every copy of every file ended as
// it should, 1 when one did not, 2 for wrong usage.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>

#include "batch.hpp"

// How the sanitizers are to behave in this program; what ASAN_OPTIONS and UBSAN_OPTIONS say goes before.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "symbolize=0:malloc_context_size=10:handle_abort=1:allocator_may_return_null=1:max_allocation_size_mb=4096:"
         "leak_check_at_exit=0:"
         "quarantine_size_mb=4:thread_local_quarantine_size_kb=64:allocator_release_to_os_interval_ms=-1";
}
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() {
  return "symbolize=0:print_stacktrace=1";
}

namespace scriptorium::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_sources = 200;

struct Options {
  std::vector<std::string> data{SCRIPTORIUM_TEST_DATA "/data"};
  std::string only, program, keep = "fuzz-failures", seed = "1";
  std::int64_t first = 0, copies = 10'000, together = 64;
  double seconds = 0;
  std::uint64_t most_bytes = 1 << 20;
  int jobs = 1;
};

/// What became of the copies of one file, in memory that all jobs share.
struct Tally {
  std::array<std::atomic<std::int64_t>, 4> outcomes;  ///< by Outcome
  std::atomic<double> slowest;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A folder in memory where the machine has one.
fs::path make_work_folder() {
  const fs::path memory = "/dev/shm";
  const bool writable = access(memory.c_str(), W_OK) == 0;
  std::string name = ((writable ? memory : fs::temp_directory_path()) / "fuzz-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder to work in: " + name);
  return name;
}

void tell_one(const Options& options, const Source& source, Tally& tally, std::int64_t copy, const Trial& trial,
              const std::string& path) {
  ++tally.outcomes[static_cast<std::size_t>(trial.outcome)];
  for (double slowest = tally.slowest;
       trial.seconds > slowest && !tally.slowest.compare_exchange_weak(slowest, trial.seconds);) {
  }
  if (trial.outcome != Outcome::Failed) return;
  const std::string name = source.name() + "-" + options.seed + "-" + std::to_string(copy);
  const fs::path kept = fs::path(options.keep) / name;
  fs::create_directories(kept);
  fs::copy(path, kept / source.name(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  std::printf("FAILED %s: %s\n", name.c_str(), trial.what.substr(0, 3000).c_str());
  std::fflush(stdout);
}

/// Every `jobs`-th batch of every file, round by round, until the copies or the time are used up.
void run_job(const Options& options, const std::vector<fs::path>& paths, int job, double end, Tally* tallies) {
  const fs::path work = make_work_folder();
  std::vector<std::unique_ptr<Source>> sources;
  for (const fs::path& path : paths) sources.push_back(std::make_unique<Source>(path));
  std::int64_t turn = 0;
  for (std::int64_t at = 0; at < options.copies; at += options.together)
    for (std::size_t s = 0; s < sources.size(); ++s) {
      if (turn++ % options.jobs != job) continue;
      if (now() > end) break;
      const Copies copies{sources[s].get(), options.seed, options.first + at,
                          std::min(options.together, options.copies - at)};
      const Tell tell = [&](std::int64_t copy, const Trial& trial, const std::string& path) {
        tell_one(options, *sources[s], tallies[s], copy, trial, path);
      };
      if (options.program.empty())
        run_forked(copies, work, tell);
      else
        run_program(options.program, copies, work, tell);
    }
  fs::remove_all(work);
}

/// Prints a line for each file and the sums. Returns whether all went well, and something was done.
bool print(const std::vector<fs::path>& paths, const Tally* tallies, double seconds) {
  std::printf("%-45s %9s %9s %9s %9s %9s %9s\n", "file", "copies", "opened", "refused", "library", "failed",
              "slowest s");
  std::array<std::int64_t, 4> sums{};
  std::int64_t all = 0;
  double slowest = 0;
  const auto line = [](const std::string& name, std::int64_t n, const auto& outcomes, double longest) {
    std::printf("%-45s %9ld", name.c_str(), static_cast<long>(n));
    for (const auto& outcome : outcomes) std::printf(" %9ld", static_cast<long>(outcome));
    std::printf(" %9.2f\n", longest);
  };
  for (std::size_t s = 0; s < paths.size(); ++s) {
    std::int64_t n = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      n += tallies[s].outcomes[i];
      sums[i] += tallies[s].outcomes[i];
    }
    all += n;
    slowest = std::max(slowest, tallies[s].slowest.load());
    line(paths[s].parent_path().filename().string() + "/" + paths[s].filename().string(), n, tallies[s].outcomes,
         tallies[s].slowest);
  }
  line("all", all, sums, slowest);
  const std::int64_t failed = sums[static_cast<std::size_t>(Outcome::Failed)];
  std::printf("%.0f copies a second; library: the HDF5 library crashed or did not end, in the reading child\n",
              static_cast<double>(all) / seconds);
  std::printf("%ld passed, %ld failed\n", static_cast<long>(all - failed), static_cast<long>(failed));
  return failed == 0 && all > 0;
}

int run(const Options& options) {
  std::vector<fs::path> paths;
  for (const std::string& folder : options.data)
    for (const fs::path& path : find_sources(folder, options.most_bytes))
      if (path.string().find(options.only) != std::string::npos) paths.push_back(path);
  if (paths.empty() || paths.size() > most_sources) throw std::runtime_error("no files, or too many");
  auto* tallies = static_cast<Tally*>(
      mmap(nullptr, most_sources * sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (tallies == MAP_FAILED) throw std::runtime_error("no shared memory");
  const double begin = now(), end = options.seconds > 0 ? begin + options.seconds : HUGE_VAL;
  for (int job = 0; job < options.jobs; ++job)
    if (fork() == 0) {
      int status = 0;
      try {
        run_job(options, paths, job, end, tallies);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "fuzz_readers: %s\n", error.what());
        status = 1;
      }
      _exit(status);
    }
  bool good = true;
  for (int job = 0; job < options.jobs; ++job) {
    int status = 0;
    good = wait(&status) > 0 && status == 0 && good;
  }
  return print(paths, tallies, now() - begin) && good ? 0 : 1;
}

}  // namespace
}  // namespace scriptorium::fuzz

int main(int argc, char** argv) {
  using namespace scriptorium::fuzz;
  Options options;
  CLI::App app(
      "Damaged copies of small data files through what `inspect` runs. Every copy must open or be refused with a "
      "message, within 10 s, without a fault, a leak or a file left behind. Copies that fail are kept.",
      "fuzz_readers");
  app.add_option("--data", options.data, "folders with the files")->capture_default_str();
  app.add_option("--only", options.only, "only files whose path contains this");
  app.add_option("--copies", options.copies, "copies of each file; the first one is whole")->capture_default_str();
  app.add_option("--first", options.first, "number of the first copy, to repeat one")->capture_default_str();
  app.add_option("--seed", options.seed, "another seed, other damages")->capture_default_str();
  app.add_option("--seconds", options.seconds, "stop after so long; 0: no limit")->capture_default_str();
  app.add_option("--most-bytes", options.most_bytes, "leave out larger files")->capture_default_str();
  app.add_option("--together", options.together, "copies of one file before the next has its turn")
      ->capture_default_str();
  app.add_option("--jobs", options.jobs, "copies at the same time")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--keep", options.keep, "folder for copies that fail")->capture_default_str();
  app.add_option("--through", options.program, "this scriptorium-cli instead, started for each copy")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fuzz_readers: %s\n", error.what());
    return 2;
  }
}
