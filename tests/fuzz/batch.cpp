#include "batch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/data/formats/hdf5.hpp"
#include "core/data/formats/rds_signature.hpp"
#include "core/data/inspect.hpp"
#include "core/error.hpp"
#include "report.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace scriptorium::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t most_together = 64;  ///< copies in one child
constexpr int exit_done = 0, exit_leaks = 42;
constexpr double reading_child_seconds = 7;  ///< after which core/data/isolated.cpp ends a child that says nothing
constexpr int grace_ms = 20'000;             ///< for the report of one that was ended

constexpr double asleep_seconds = 100;  ///< after which a child that uses no processor is ended too

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Processor time, so that other work on the machine makes no copy slow.
double time_used(clockid_t clock = CLOCK_PROCESS_CPUTIME_ID) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Where a child writes how far it is. In memory that it shares with its parent, so it outlives a crash.
struct Slot {
  std::atomic<Outcome> outcome;
  std::atomic<double> seconds;
  std::array<char, 500> what;
};
struct Board {
  std::atomic<std::int64_t> copy;   ///< in progress
  std::atomic<double> began, used;  ///< when it was begun, and what processor time the child had used by then
  std::atomic<bool> isolated;
  std::array<Slot, most_together> slots;
};

class SharedBoard {
 public:
  SharedBoard()
      : board_(static_cast<Board*>(
            mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (board_ == MAP_FAILED) throw std::runtime_error("no shared memory");
  }
  ~SharedBoard() { munmap(board_, sizeof(Board)); }
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  Board* operator->() const { return board_; }

 private:
  Board* board_;
};

/// Calls `job`; what it says as a message is Refused.
template <class Job>
Trial attempt(bool isolated, const Job& job) {
  try {
    job();
    return {Outcome::Opened, 0, {}};
  } catch (const Error& error) {
    const bool says = *error.what() != '\0';
    return {says ? Outcome::Refused : Outcome::Failed, 0, says ? error.what() : "an error without a message"};
  } catch (const std::bad_alloc&) {
    return {Outcome::Refused, 0, "not enough memory"};
  } catch (const std::exception& error) {  // the reading child makes a message of it, `inspect` asks for a bug report
    return {isolated ? Outcome::Refused : Outcome::Failed, 0, std::string("an unexpected exception: ") + error.what()};
  } catch (...) {
    return {Outcome::Failed, 0, "an exception of an unknown kind"};
  }
}

Trial inspect(const std::string& path, bool isolated, bool whole, bool peek) {
  const data::OpenOptions options{.isolated = false};
  Trial opened = attempt(isolated, [&] {
    data::inspect_json(data::open(path, options, {})).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  });
  if (whole && opened.what.find("damaged") != std::string::npos)
    return {Outcome::Failed, 0, "a whole file is said to be damaged: " + opened.what};
  if (!peek || opened.outcome == Outcome::Failed) return opened;
  const Trial peeked = attempt(isolated, [&] { data::inspect_json(data::peek(path, options, {})); });
  return peeked.outcome == Outcome::Failed ? peeked : opened;
}

/// The child: one copy after the other.
[[noreturn]] void run_child(const Copies& copies, const SharedBoard& board, Source::Place& place) {
  for (std::int64_t i = 0; i < copies.n; ++i) {
    const std::int64_t copy = copies.first + i;
    Dice dice = copies.dice(copy);
    place.write(copy > 0 ? &dice : nullptr);
    const bool isolated = !fs::is_directory(place.path()) &&
                          (data::hdf5::has_signature(place.path()) || data::rds::has_signature(place.path()));
    board->isolated = isolated;
    board->began = now();
    board->used = time_used();
    board->copy = copy;
    Trial trial = inspect(place.path(), isolated, copy == 0, copy % 4 == 0);
    if (trial.outcome != Outcome::Failed && place.has_more_files()) trial = {Outcome::Failed, 0, "left a file behind"};
    Slot& slot = board->slots[static_cast<std::size_t>(i)];
    slot.seconds = time_used() - board->used;
    std::strncpy(slot.what.data(), trial.what.c_str(), slot.what.size() - 1);
    slot.outcome = trial.outcome;
    board->copy = copy + 1;
    if (trial.outcome == Outcome::Failed) _exit(exit_done);  // so that the copy stays where it is
  }
  board->isolated = false;
  board->began = now();
  board->used = time_used();
#if defined(__SANITIZE_ADDRESS__)
  if (__lsan_do_recoverable_leak_check() != 0) _exit(exit_leaks);
#endif
  _exit(exit_done);
}

/// Waits for a child; ends one that takes too long so that it says where it was. Returns its status.
int wait_for(pid_t child, int its_end, const SharedBoard& board, bool& too_slow) {
  pollfd waiting{its_end, POLLIN, 0};
  clockid_t clock{};
  clock_getcpuclockid(child, &clock);
  while (poll(&waiting, 1, 100) == 0) {
    const double limit = board->isolated ? reading_child_seconds : most_seconds;
    if (too_slow || (time_used(clock) - board->used < limit && now() - board->began < asleep_seconds)) continue;
    too_slow = true;
    kill(child, SIGABRT);  // its handler writes the stack
    if (poll(&waiting, 1, grace_ms) == 0) kill(child, SIGKILL);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What a child's death says of the copy that it was at.
Trial judge_death(int status, bool too_slow, double seconds, const std::string& report) {
  const std::string how = too_slow              ? "it took too long: "
                          : WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) + ": "
                                                : "status " + std::to_string(WEXITSTATUS(status)) + ": ";
  return {blame(report) == Blame::Library ? Outcome::Library : Outcome::Failed, seconds, how + report};
}

/// Runs one child on as many copies as it survives. Returns how many are settled.
std::int64_t run_one_child(const Copies& copies, Source::Place& place, const fs::path& work, const Tell& tell) {
  const SharedBoard board;
  const fs::path report_path = work / "report";
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  board->copy = copies.first;
  board->began = now();
  board->used = 0;
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child");
  if (child == 0) {
    close(ends[0]);
    const int report = ::open(report_path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(report, STDERR_FILENO);
    run_child(copies, board, place);
  }
  close(ends[1]);
  bool too_slow = false;
  const int status = wait_for(child, ends[0], board, too_slow);
  close(ends[0]);
  const std::int64_t done = board->copy - copies.first;
  const bool leaks = WIFEXITED(status) && WEXITSTATUS(status) == exit_leaks;
  if (leaks && copies.n > 1 && blame(text_of(report_path)) == Blame::Own) {  // which of them?
    for (std::int64_t i = 0; i < copies.n; ++i)
      run_one_child({copies.source, copies.seed, copies.first + i, 1}, place, work, tell);
    return copies.n;
  }
  for (std::int64_t i = 0; i < done; ++i) {
    const Slot& slot = board->slots[static_cast<std::size_t>(i)];
    Trial trial{slot.outcome, slot.seconds, slot.what.data()};
    if (leaks && copies.n == 1 && blame(text_of(report_path)) == Blame::Own)
      trial = {Outcome::Failed, trial.seconds, text_of(report_path)};
    tell(copies.first + i, trial, place.path());
  }
  if (leaks || (WIFEXITED(status) && WEXITSTATUS(status) == exit_done)) return done;
  if (done == copies.n) throw std::runtime_error("a child died after its work: " + text_of(report_path));
  const std::string report = text_of(report_path);
  if (blame(report) == Blame::Unsaid)  // whether the program survives it is what counts
    run_program(SCRIPTORIUM_CLI, {copies.source, copies.seed, board->copy, 1}, work / "again", tell);
  else
    tell(board->copy, judge_death(status, too_slow, too_slow ? most_seconds : 0, report), place.path());
  return done + 1;
}

}  // namespace

Dice Copies::dice(std::int64_t copy) const {
  return Dice(seed + "-" + source->name() + "-" + std::to_string(copy));
}

void run_forked(const Copies& copies, const fs::path& work, const Tell& tell) {
  H5open();  // once, before the children
  Source::Place place(*copies.source, work / "copy");
  const std::int64_t end = copies.first + copies.n;
  for (std::int64_t at = copies.first; at < end;)
    at += run_one_child({copies.source, copies.seed, at, std::min(most_together, end - at)}, place, work, tell);
}

}  // namespace scriptorium::fuzz
