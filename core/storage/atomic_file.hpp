#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace scriptorium::storage {

/// A file being written under a name of its own beside `path`; removed again unless it was put in place.
class NewFile {
 public:
  explicit NewFile(const std::string& path);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();
  /// The name to write under, by whatever means; the file is there and empty.
  const std::string& aside() const { return aside_; }
  void write(std::span<const std::byte> bytes);
  /// Brings it to the disk and renames it over `path`.
  void put_in_place();

 private:
  [[noreturn]] void fail(const char* what);
  std::string path_, aside_;
  int fd_ = -1;
  bool done_ = false;
};

/// The same for a folder with files; what stands at `path` may be an empty folder.
class NewFolder {
 public:
  explicit NewFolder(const std::string& path);
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder();
  const std::string& aside() const { return aside_; }
  void put_in_place();

 private:
  std::string path_, aside_;
  bool done_ = false;
};

/// Writes a whole file aside and renames it over `path`: whoever looks sees the old file or the new one, never a part.
/// @throws Error(Io) that names the path and the reason (disk full, no permission, …); the old file stays.
void write_whole_file(const std::string& path, std::span<const std::byte> bytes);
void write_whole_file(const std::string& path, std::string_view text);

/// All bytes of a file. @throws Error(Io).
std::string read_whole_file(const std::string& path);

}  // namespace scriptorium::storage
