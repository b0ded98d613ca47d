#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/progress.hpp"

namespace scriptorium::data::zarr {

/// Names of the descriptions of an array or group, of both versions of the format.
inline constexpr std::array<const char*, 4> descriptions{"zarr.json", ".zgroup", ".zarray", ".zmetadata"};

/// The values of a Zarr store by their keys ("X/0.0"), in a folder or in a .zip file. Only ever read; the size of a
/// value is known before it is asked for. May be used from several threads at once.
class Store {
 public:
  explicit Store(std::string name) : name_(std::move(name)) {}
  virtual ~Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::string& name() const { return name_; }  ///< last component of its path, for messages
  /// Bytes of a value; none where there is no such key. @throws Error when the size cannot be true
  virtual std::optional<std::uint64_t> size(const std::string& key) const = 0;
  /// The bytes from `offset` on that fill `out`. @throws Error when they cannot be read, Cancelled
  virtual void read(const std::string& key, std::uint64_t offset, std::span<std::byte> out,
                    const RunControl& control) const = 0;
  /// Names directly below a folder ("" is the root), in alphabetical order.
  virtual std::vector<std::string> children(const std::string& folder) const = 0;
  /// Visits the keys at any depth below a folder, as they continue its name: "0.0", "c/0/1". In no order.
  virtual void visit_keys(const std::string& folder, const std::function<void(std::string_view)>& visit,
                          const RunControl& control) const = 0;

  /// A small value as text. @throws Error when it is longer than descriptions of arrays are
  std::optional<std::string> text(const std::string& key) const;

 private:
  std::string name_;
};

/// Whether `path` looks like a store: a folder or a .zip with a description at its root, or one folder below the root
/// of the .zip. Looks at names only; never throws.
bool is_store(const std::string& path);

/// @throws Error when it cannot be opened or is a damaged .zip
std::unique_ptr<Store> open_store(const std::string& path);

/// "a/b", or "b" where `folder` is the root.
std::string join(const std::string& folder, const std::string& name);

}  // namespace scriptorium::data::zarr
