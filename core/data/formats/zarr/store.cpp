#include "core/data/formats/zarr/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/data/formats/names.hpp"
#include "core/data/formats/zarr/zip_store.hpp"
#include "core/error.hpp"

namespace scriptorium::data::zarr {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t longest_description = 8 << 20;  ///< bytes; consolidated ones list every array of a store
constexpr std::size_t read_at_once = 4 << 20;           ///< between two looks at the stop token
constexpr std::int64_t keys_at_once = 4096;

/// Keys come from descriptions too: none may lead out of the store.
bool stays_inside(const std::string& key) {
  const fs::path path(key);
  return path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

class FileHandle {
 public:
  explicit FileHandle(const fs::path& path) : id_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~FileHandle() {
    if (id_ >= 0) close(id_);
  }
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  int id() const { return id_; }

 private:
  int id_;
};

class FolderStore final : public Store {
 public:
  explicit FolderStore(const std::string& path) : Store(file_name(path)), root_(path) {}

  std::optional<std::uint64_t> size(const std::string& key) const override {
    struct stat status {};
    if (!stays_inside(key) || stat((root_ / key).c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    return static_cast<std::uint64_t>(status.st_size);
  }

  void read(const std::string& key, std::uint64_t offset, std::span<std::byte> out,
            const RunControl& control) const override {
    if (!stays_inside(key)) fail(key, "lies outside the store");
    const FileHandle file(root_ / key);
    if (file.id() < 0) fail(key, "cannot be opened: " + std::string(std::strerror(errno)));
    while (!out.empty()) {
      control.check();
      const ssize_t got = pread(file.id(), out.data(), std::min(out.size(), read_at_once), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(key, "cannot be read: " + std::string(std::strerror(errno)));
      if (got == 0) fail(key, "ended while it was read");
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }

  std::vector<std::string> children(const std::string& folder) const override {
    std::vector<std::string> names;
    std::error_code error;
    if (!stays_inside(folder)) return names;
    for (fs::directory_iterator at(root_ / folder, error), end; !error && at != end; at.increment(error))
      names.push_back(at->path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  void visit_keys(const std::string& folder, const std::function<void(std::string_view)>& visit,
                  const RunControl& control) const override {
    std::error_code error;
    if (!stays_inside(folder)) return;
    const std::size_t skip = (root_ / folder / "").native().size();
    std::int64_t seen = 0;
    for (fs::recursive_directory_iterator at(root_ / folder / "", error), end; !error && at != end;
         at.increment(error)) {
      if (seen++ % keys_at_once == 0) control.check();
      if (!at->is_directory(error)) visit(std::string_view(at->path().native()).substr(skip));
    }
  }

 private:
  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw Error(ErrorCode::Io, quoted(key) + " of " + name() + " " + what,
                "Check that it may be read, or copy the store again.");
  }
  fs::path root_;
};

}  // namespace

std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

std::optional<std::string> Store::text(const std::string& key) const {
  const std::optional<std::uint64_t> bytes = size(key);
  if (!bytes) return {};
  if (*bytes > longest_description)
    throw Error(ErrorCode::BadInput,
                quoted(key) + " of " + name_ + " is " + grouped(static_cast<std::int64_t>(*bytes)) +
                    " bytes long, too many for the description of an array or group",
                "Copy or download the store again.");
  std::string out(*bytes, '\0');
  read(key, 0, std::as_writable_bytes(std::span(out)), {});
  return out;
}

bool is_store(const std::string& path) try {
  if (!fs::is_directory(path)) return is_zip(path) && zip_holds_store(path);
  return std::any_of(std::begin(descriptions), std::end(descriptions),
                     [&](const char* name) { return fs::is_regular_file(fs::path(path) / name); });
} catch (const std::exception&) {
  return false;
}

std::unique_ptr<Store> open_store(const std::string& path) {
  if (fs::is_directory(path)) return std::make_unique<FolderStore>(path);
  return open_zip_store(path);
}

}  // namespace scriptorium::data::zarr
