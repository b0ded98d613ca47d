#include "core/data/isolated.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "core/data/formats/names.hpp"
#include "core/data/wire.hpp"

extern char** environ;

namespace scriptorium::data {
namespace {

namespace fs = std::filesystem;
using wire::Frame;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;  ///< terabytes of addresses are reserved, and reports must be seen
#else
constexpr bool sanitized = false;
#endif

constexpr int poll_ms = 20;  ///< between two looks at the stop token

/// Seconds without an answer, and of processor time, that a file of this size may take.
std::uint64_t time_limit(std::uint64_t bytes) {
  return 7 + (bytes >> 20);
}
/// Bytes of memory: room for a well compressed matrix and its tables.
std::uint64_t memory_limit(std::uint64_t bytes) {
  return (4ULL << 30) + 64 * bytes;
}

std::mutex program_mutex;
std::string& program_setting() {
  static std::string path;
  return path;
}

std::string find_program() {
  {
    const std::lock_guard lock(program_mutex);
    if (!program_setting().empty()) return program_setting();
  }
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* folder : {".", "../libexec/scriptorium", "../app", "../../app"})
    if (const fs::path path = here / folder / "scriptorium-reader"; fs::is_regular_file(path, error))
      return path.string();
  throw Error(
      ErrorCode::Io,
      "The program scriptorium-reader, which reads HDF5 and RDS files, is not where it belongs: " + here.string(),
      "Install Scriptorium again.");
}

/// A running child; ended and collected when this goes, unless it ended by itself.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno);
    out_ = ends[0];
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    if (!sanitized) posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int error = posix_spawn(&pid_, argv[0], &files, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    if (error != 0) {
      close(out_);
      fail(error);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    close(out_);
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      wait();
    }
  }
  int output() const { return out_; }
  /// Waits for its end and returns the status as waitpid gives it.
  int wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  [[noreturn]] static void fail(int error) {
    throw Error(ErrorCode::Io, std::string("The program scriptorium-reader cannot be started: ") + std::strerror(error),
                "Close other programs, or install Scriptorium again.");
  }
  pid_t pid_ = -1;
  int out_ = -1;
};

/// Takes what the child writes; knows when to stop waiting.
class Answer {
 public:
  Answer(Child& child, std::string name, std::uint64_t bytes, const RunControl& control)
      : child_(child), name_(std::move(name)), limit_(time_limit(bytes)), control_(control) {}

  void fill(void* into, std::size_t n) {
    auto* at = static_cast<char*>(into);
    while (n > 0) {
      if (begin_ == end_) receive();
      const std::size_t part = std::min(n, end_ - begin_);
      std::memcpy(at, buffer_.data() + begin_, part);
      begin_ += part;
      at += part;
      n -= part;
    }
  }

 private:
  void receive() {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::seconds(limit_);
    while (true) {
      control_.check();
      pollfd waiting{child_.output(), POLLIN, 0};
      const int ready = poll(&waiting, 1, poll_ms);
      if (ready > 0) {
        const ssize_t got = read(child_.output(), buffer_.data(), buffer_.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) died();
        begin_ = 0;
        end_ = static_cast<std::size_t>(got);
        return;
      }
      if (Clock::now() > deadline) too_slow();
    }
  }
  [[noreturn]] void died() {
    const int status = child_.wait();
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) too_slow();
    throw Error(ErrorCode::BadInput, name_ + " is damaged: reading its structures failed",
                "Copy or download the file again, or write it anew with the program that made it.");
  }
  [[noreturn]] void too_slow() const {
    throw Error(ErrorCode::BadInput,
                name_ + " seems damaged: reading it came to no end in " + std::to_string(limit_) + " s",
                "Copy or download the file again; if it lies on a slow disk, copy it to a local one.");
  }

  Child& child_;
  std::string name_;
  std::uint64_t limit_;
  const RunControl& control_;
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  std::size_t begin_ = 0, end_ = 0;
};

void set_limits(std::uint64_t file_bytes) {
  const auto limit = [](auto what, std::uint64_t soft, std::uint64_t hard) {
    const rlimit to{soft, hard};
    setrlimit(what, &to);
  };
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_CPU, time_limit(file_bytes), time_limit(file_bytes) + 1);
  if (!sanitized) limit(RLIMIT_AS, memory_limit(file_bytes), memory_limit(file_bytes));
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);  // reads files on disks that cannot lock
}

}  // namespace

void set_reader_program(const std::string& path) {
  const std::lock_guard lock(program_mutex);
  program_setting() = path;
}

Dataset read_isolated(const std::string& path, const OpenOptions& options, CountSink* counts,
                      const RunControl& control) {
  control.check();
  Child child({find_program(), path, counts ? "open" : "peek", options.layer, options.genome, options.modality,
               options.orientation});
  Answer answer(child, file_name(path), fs::file_size(path), control);
  wire::Reader in([&](void* into, std::size_t n) { answer.fill(into, n); });
  std::array<std::size_t, 2> sizes{};  // cells, genes
  while (true) {
    control.check();
    switch (in.value<Frame>()) {
      case Frame::Progress: {
        const auto fraction = in.value<double>();
        control.tell(fraction, in.text());
        break;
      }
      case Frame::Begin: {
        const Table cells{wire::read_names(in), {}}, genes{wire::read_names(in), {}};
        if (!counts) break;
        counts->begin(cells, genes);
        sizes = {cells.size(), genes.size()};
        break;
      }
      case Frame::Block: {
        const wire::Block block = wire::read_block(in, sizes);
        if (counts) counts->add(block.view());
        break;
      }
      case Frame::Failure: {
        const auto code = in.value<ErrorCode>();
        const std::string what = in.text(), remedy = in.text();
        child.wait();
        throw Error(code, what, remedy);
      }
      case Frame::Result: {
        Dataset out = wire::read(in);
        child.wait();
        return out;
      }
      default:
        throw Error(ErrorCode::BadInput, file_name(path) + " is damaged: reading it went wrong",
                    "Copy or download the file again.");
    }
  }
}

int reader_main(int argc, char** argv) {
  if (argc != 7) {
    std::fputs(
        "scriptorium-reader is started by Scriptorium itself: FILE open|peek LAYER GENOME MODALITY ORIENTATION\n",
        stderr);
    return 2;
  }
  // What the library prints must not get between the frames.
  std::FILE* const pipe = fdopen(dup(STDOUT_FILENO), "wb");
  if (pipe == nullptr || std::freopen("/dev/null", "w", stdout) == nullptr) return 1;
  wire::Writer out(pipe);
  const auto fail = [&out](ErrorCode code, const std::string& what, const std::string& remedy) {
    out.value(Frame::Failure);
    out.value(code);
    out.text(what);
    out.text(remedy);
  };
  const std::string path = argv[1];
  try {
    set_limits(fs::file_size(path));
    RunControl control;
    control.report = [&out](const Progress& progress) {
      const auto frame = out.frame();
      out.value(Frame::Progress);
      out.value(progress.fraction);
      out.text(progress.message);
      out.flush();
    };
    const OpenOptions options{
        .layer = argv[3], .genome = argv[4], .modality = argv[5], .orientation = argv[6], .isolated = false};
    wire::CountWriter counts(out);
    const Dataset dataset =
        std::strcmp(argv[2], "open") == 0 ? stream(path, options, counts, control) : peek(path, options, control);
    out.value(Frame::Result);
    wire::write(out, dataset);
  } catch (const Error& error) {
    fail(error.code(), error.what(), error.remedy());
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::OutOfMemory, file_name(path) + " asks for more memory than a file of its size should need",
         "It may be damaged: copy or download it again.");
  } catch (const std::exception& error) {
    fail(ErrorCode::BadInput, file_name(path) + " cannot be read: " + error.what(), "Copy or download the file again.");
  }
  return std::fclose(pipe) == 0 ? 0 : 1;
}

}  // namespace scriptorium::data
