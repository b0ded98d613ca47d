#include "core/data/formats/zarr/zip_store.hpp"

#include <zip.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::zarr {
namespace {

/// Deflate cannot expand by more than 1,032; anything above is a lie of the list of contents.
constexpr std::uint64_t most_expansion = 1100, always_allowed = 1 << 20;
constexpr std::size_t read_at_once = 1 << 20;  ///< between two looks at the stop token

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

class ZipStore final : public Store {
 public:
  explicit ZipStore(const std::string& path) : Store(file_name(path)), path_(path) {
    Archive archive = open();
    const zip_int64_t n = zip_get_num_entries(archive.get(), 0);
    for (zip_int64_t i = 0; i < n; ++i) {
      zip_stat_t status;
      if (zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW, &status) != 0) continue;
      const std::string key = status.name;
      if (key.empty() || key.back() == '/') continue;
      const bool packed = status.comp_method != ZIP_CM_STORE;
      items_[key] = {static_cast<zip_uint64_t>(i), status.size, status.comp_size,
                     packed};  // rewritten: the last counts
    }
    prefix_ = find_prefix();
    give_back(std::move(archive));
  }

  /// Whether a description lies at the root of the store.
  bool has_description() const {
    return std::any_of(descriptions.begin(), descriptions.end(),
                       [&](const char* name) { return items_.count(prefix_ + name) > 0; });
  }

  std::optional<std::uint64_t> size(const std::string& key) const override {
    const auto at = items_.find(prefix_ + key);
    if (at == items_.end()) return {};
    const Item& item = at->second;
    if (item.bytes > always_allowed && item.bytes / most_expansion > item.packed_bytes)
      fail(key, "claims to unpack " + grouped(static_cast<std::int64_t>(item.packed_bytes)) + " bytes to " +
                    grouped(static_cast<std::int64_t>(item.bytes)) + ", which cannot be");
    return item.bytes;
  }

  void read(const std::string& key, std::uint64_t offset, std::span<std::byte> out,
            const RunControl& control) const override {
    const auto at = items_.find(prefix_ + key);
    if (at == items_.end()) fail(key, "is missing");
    Archive archive = take();
    const Entry entry(zip_fopen_index(archive.get(), at->second.index, 0));
    if (!entry) fail(key, "cannot be opened: " + std::string(zip_strerror(archive.get())));
    if (!at->second.is_packed && offset > 0) {
      if (zip_fseek(entry.get(), static_cast<zip_int64_t>(offset), SEEK_SET) != 0) fail(key, "ends too soon");
    } else {
      skip(key, entry.get(), offset, control);
    }
    fill(key, entry.get(), out, control);
    // Only the end of an entry has its checksum looked at.
    std::byte beyond;
    if (offset == 0 && out.size() == at->second.bytes && zip_fread(entry.get(), &beyond, 1) != 0)
      fail(key, "is damaged: " + std::string(zip_file_strerror(entry.get())));
    give_back(std::move(archive));
  }

  std::vector<std::string> children(const std::string& folder) const override {
    std::vector<std::string> names;
    const std::string below = prefix_ + (folder.empty() ? folder : folder + "/");
    for (auto at = items_.lower_bound(below); at != items_.end() && at->first.starts_with(below); ++at) {
      const std::string name = at->first.substr(below.size(), at->first.find('/', below.size()) - below.size());
      if (!name.empty() && (names.empty() || names.back() != name)) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }

  void visit_keys(const std::string& folder, const std::function<void(std::string_view)>& visit,
                  const RunControl& control) const override {
    control.check();
    const std::string below = prefix_ + (folder.empty() ? folder : folder + "/");
    for (auto at = items_.lower_bound(below); at != items_.end() && at->first.starts_with(below); ++at)
      visit(std::string_view(at->first).substr(below.size()));
  }

 private:
  struct Item {
    zip_uint64_t index, bytes, packed_bytes;
    bool is_packed;
  };

  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw Error(ErrorCode::BadInput, quoted(key) + " of " + name() + " " + what, "Copy or download the file again.");
  }

  Archive open() const {
    int code = 0;
    Archive archive(zip_open(path_.c_str(), ZIP_RDONLY, &code));
    if (archive) return archive;
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw Error(ErrorCode::BadInput, name() + " is a damaged .zip file: " + text, "Copy or download the file again.");
  }
  /// One handle a reading thread: the library's are not to be shared.
  Archive take() const {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Archive archive = std::move(idle_.back());
        idle_.pop_back();
        return archive;
      }
    }
    return open();
  }
  void give_back(Archive archive) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(archive));
  }

  void fill(const std::string& key, zip_file_t* entry, std::span<std::byte> out, const RunControl& control) const {
    while (!out.empty()) {
      control.check();
      const zip_int64_t got = zip_fread(entry, out.data(), std::min(out.size(), read_at_once));
      if (got < 0) fail(key, "is damaged: " + std::string(zip_file_strerror(entry)));
      if (got == 0) fail(key, "is shorter than the list of contents says");
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }
  void skip(const std::string& key, zip_file_t* entry, std::uint64_t bytes, const RunControl& control) const {
    std::vector<std::byte> passed(std::min<std::uint64_t>(bytes, read_at_once));
    for (; bytes > 0; bytes -= passed.size()) {
      passed.resize(std::min<std::uint64_t>(bytes, read_at_once));
      fill(key, entry, passed, control);
    }
  }

  /// The only folder at the root where that, and not the root, has a description: a store zipped with its folder.
  std::string find_prefix() const {
    if (has_description() || items_.empty()) return {};
    const std::string& first = items_.begin()->first;
    const std::size_t slash = first.find('/');
    if (slash == std::string::npos || !items_.rbegin()->first.starts_with(first.substr(0, slash + 1))) return {};
    return first.substr(0, slash + 1);
  }

  std::string path_, prefix_;
  std::map<std::string, Item> items_;
  mutable std::mutex mutex_;
  mutable std::vector<Archive> idle_;
};

}  // namespace

bool is_zip(const std::string& path) {
  std::array<char, 4> begin{};
  std::ifstream in(path, std::ios::binary);
  return in.read(begin.data(), begin.size()) && std::string_view(begin.data(), 4) == "PK\x03\x04";
}

bool zip_holds_store(const std::string& path) {
  return ZipStore(path).has_description();
}

std::unique_ptr<Store> open_zip_store(const std::string& path) {
  return std::make_unique<ZipStore>(path);
}

}  // namespace scriptorium::data::zarr
