#include "core/storage/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "core/error.hpp"

namespace scriptorium::storage {
namespace {

constexpr int most_attempts = 100;

/// A name beside `path` that `make` could make, which answers whether it did and sets errno.
template <class Make>
std::string make_aside(const std::string& path, const Make& make) {
  static std::atomic<unsigned> serial{0};
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    std::string name = path + ".part-" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
    if (make(name)) return name;
    if (errno != EEXIST) break;
  }
  return {};
}

[[noreturn]] void cannot(const std::string& path, const char* what, int code) {
  throw Error(ErrorCode::Io, "\"" + path + "\" " + what + ": " + std::generic_category().message(code) + ".",
              code == ENOSPC || code == EDQUOT ? "Free some space or choose another place; what was there is unchanged."
                                               : "Choose a place that you may write to; what was there is unchanged.");
}

}  // namespace

NewFile::NewFile(const std::string& path) : path_(path) {
  aside_ = make_aside(path, [&](const std::string& name) {
    fd_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd_ >= 0;
  });
  if (fd_ < 0) fail("cannot be written");
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) ::fchmod(fd_, info.st_mode & 07777);
}

NewFile::~NewFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!done_ && !aside_.empty()) ::unlink(aside_.c_str());
}

void NewFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("could not be written to its end");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void NewFile::put_in_place() {
  if (::fsync(fd_) != 0 && errno != EINVAL && errno != EROFS) fail("could not be brought to the disk");
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) fail("could not be closed");
  if (::rename(aside_.c_str(), path_.c_str()) != 0) fail("cannot be put in place");
  done_ = true;
}

void NewFile::fail(const char* what) {
  cannot(path_, what, errno);
}

NewFolder::NewFolder(const std::string& path) : path_(path) {
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  aside_ = make_aside(path_, [](const std::string& name) { return ::mkdir(name.c_str(), 0777) == 0; });
  if (aside_.empty()) cannot(path_, "cannot be made", errno);
}

NewFolder::~NewFolder() {
  std::error_code problem;
  if (!done_) std::filesystem::remove_all(aside_, problem);
}

void NewFolder::put_in_place() {
  if (::rename(aside_.c_str(), path_.c_str()) != 0) cannot(path_, "cannot be put in place", errno);
  done_ = true;
}

void write_whole_file(const std::string& path, std::span<const std::byte> bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    // A pipe or a device cannot be renamed over: write through it.
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0;
    while (good && !bytes.empty()) {
      const ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      good = n >= 0;
      if (good) bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    const int code = errno;
    if (fd >= 0) ::close(fd);
    if (!good)
      throw Error(ErrorCode::Io, "\"" + path + "\" cannot be written: " + std::generic_category().message(code) + ".",
                  "Choose another place.");
    return;
  }
  NewFile file(path);
  file.write(bytes);
  file.put_in_place();
}

void write_whole_file(const std::string& path, std::string_view text) {
  write_whole_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

std::string read_whole_file(const std::string& path) {
  const auto fail = [&] {
    const int code = errno;
    throw Error(ErrorCode::Io, "\"" + path + "\" cannot be read: " + std::generic_category().message(code) + ".",
                "Check the path and its permissions.");
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail();
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      ::close(fd);
      fail();
    }
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return text;
}

}  // namespace scriptorium::storage
