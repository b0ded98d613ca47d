#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "batch.hpp"
#include "report.hpp"

extern char** environ;

namespace scriptorium::fuzz {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// This process's environment, with sanitizers that write their reports into a folder.
std::vector<std::string> environment(const fs::path& logs) {
  const std::string options =
      "log_path=" + (logs / "report").string() + ":print_stacktrace=1:symbolize=0:allocator_may_return_null=1";
  std::vector<std::string> out{"LC_ALL=C.UTF-8", "ASAN_OPTIONS=" + options + ":detect_leaks=1",
                               "UBSAN_OPTIONS=" + options};
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (const std::string text = *variable;
        !text.starts_with("LC_ALL=") && !text.starts_with("ASAN_OPTIONS=") && !text.starts_with("UBSAN_OPTIONS="))
      out.push_back(text);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

constexpr time_t asleep_seconds = 100;  ///< after which a program that uses no processor is ended

struct Ended {
  int status;      ///< as waitpid gives it
  double seconds;  ///< processor time of the program and its child
};

/// Runs a program with its output and messages in files.
Ended run(std::vector<std::string> arguments, std::vector<std::string> variables, const fs::path& out,
          const fs::path& messages) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  constexpr int write_anew = O_CREAT | O_TRUNC | O_WRONLY;
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), write_anew, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, messages.c_str(), write_anew, 0600);
  sigset_t child_ends;  // waited for below, so blocked here and not in the program
  sigemptyset(&child_ends);
  sigset_t none = child_ends;
  sigaddset(&child_ends, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ends, nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0].c_str(), &files, &attributes, pointers(arguments).data(),
                                pointers(variables).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) throw std::runtime_error(arguments[0] + " cannot be started: " + std::strerror(error));
  Ended ended{};
  rusage used{};
  const timespec limit{asleep_seconds, 0};
  while (wait4(child, &ended.status, WNOHANG, &used) == 0)
    if (sigtimedwait(&child_ends, nullptr, &limit) < 0 && errno == EAGAIN) kill(child, SIGKILL);
  for (const timeval& time : {used.ru_utime, used.ru_stime})
    ended.seconds += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  return ended;
}

/// What is wrong with how the program ended; empty when nothing is.
std::string problem_of(int status, bool whole, const std::string& out, const std::string& messages) {
  if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
    return "wait status " + std::to_string(status) + ": " + messages.substr(0, 3000);
  if (WEXITSTATUS(status) == 0 && !nlohmann::json::accept(out)) return "its output is no JSON: " + out.substr(0, 300);
  if (WEXITSTATUS(status) == 1 && messages.empty()) return "failed without a message";
  if (WEXITSTATUS(status) == 1 && !out.empty()) return "failed after writing output: " + out.substr(0, 300);
  if (messages.find("runtime error:") != std::string::npos) return messages.substr(0, 3000);
  if (messages.find("please report it") != std::string::npos) return messages;
  if (whole && messages.find("damaged") != std::string::npos) return "a whole file is said to be damaged: " + messages;
  return {};
}

}  // namespace

void run_program(const std::string& program, const Copies& copies, const fs::path& work, const Tell& tell) {
  Source::Place place(*copies.source, work / "copy");
  const fs::path logs = work / "logs", out = work / "out", messages = work / "messages";
  for (std::int64_t copy = copies.first; copy < copies.first + copies.n; ++copy) {
    fs::remove_all(logs);
    fs::create_directories(logs);
    Dice dice = copies.dice(copy);
    place.write(copy > 0 ? &dice : nullptr);
    const auto [status, seconds] = run({program, "inspect", place.path(), "--json"}, environment(logs), out, messages);
    const std::string said = text_of(messages);
    std::string problem = problem_of(status, copy == 0, text_of(out), said);
    if (seconds > most_seconds) problem = "it took over 10 s";
    bool library = false;
    for (const fs::directory_entry& log : fs::directory_iterator(logs)) {
      const std::string report = text_of(log.path());
      const Blame blamed = blame(report);
      library = library || blamed == Blame::Library;
      if (blamed == Blame::Own && problem.empty()) problem = report;
    }
    if (problem.empty() && place.has_more_files()) problem = "left a file behind";
    const bool refused = status != 0;
    tell(copy,
         {!problem.empty() ? Outcome::Failed
          : library        ? Outcome::Library
          : refused        ? Outcome::Refused
                           : Outcome::Opened,
          seconds, problem.empty() ? said : problem},
         place.path());
  }
}

}  // namespace scriptorium::fuzz
