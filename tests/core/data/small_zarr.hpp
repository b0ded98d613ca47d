#pragma once
#include <QDir>
#include <QTemporaryDir>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/data/formats/zarr/store.hpp"

/// Writes small Zarr stores for the tests of their reader: copies of those in tests/data with some of their files
/// changed, arrays without a codec, and .zip files that may lie about themselves.
namespace small_zarr {

namespace fs = std::filesystem;

inline void put_file(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// One value of a store.
inline std::string value_of(const scriptorium::data::zarr::Store& store, const std::string& key) {
  std::string bytes(store.size(key).value(), '\0');
  store.read(key, 0, std::as_writable_bytes(std::span(bytes)), {});
  return bytes;
}

/// The array or group `path` of a store of tests/data as a folder of its own.
inline void unpack(const std::string& store_path, const std::string& path, const fs::path& to) {
  const auto store = scriptorium::data::zarr::open_store(store_path);
  store->visit_keys(path,
                    [&](std::string_view key) {
                      put_file(to / key, value_of(*store, scriptorium::data::zarr::join(path, std::string(key))));
                    },
                    {});
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// The description of an array of version 2 without a codec.
inline std::string zarray(const std::string& shape, const std::string& chunks, const std::string& more = {}) {
  return R"({"zarr_format": 2, "shape": [)" + shape + R"(], "chunks": [)" + chunks +
         R"(], "dtype": "<i4", "fill_value": 0, "order": "C", "filters": null, "compressor": null)" + more + "}";
}

/// One entry of a .zip, with the sizes that the headers claim.
struct Entry {
  std::string key, bytes;
  std::uint32_t crc = 0, claimed = 0;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
};

/// A .zip of these entries, whatever they claim.
inline std::string zip_of(const std::vector<Entry>& entries) {
  std::string out, list;
  const auto number = [](std::string& to, std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) to += static_cast<char>(value >> (8 * i) & 255);
  };
  const auto common = [&](std::string& to, const Entry& entry) {
    number(to, 20, 2);
    number(to, 0, 2);
    number(to, entry.method, 2);
    number(to, 0, 4);
    number(to, entry.crc, 4);
    number(to, entry.bytes.size(), 4);
    number(to, entry.claimed, 4);
    number(to, entry.key.size(), 2);
    number(to, 0, 2);
  };
  for (const Entry& entry : entries) {
    list += "PK\x01\x02";
    number(list, 20, 2);
    common(list, entry);
    number(list, 0, 10);
    number(list, out.size(), 4);
    list += entry.key;
    out += "PK\x03\x04";
    common(out, entry);
    out += entry.key + entry.bytes;
  }
  const std::size_t at = out.size();
  out += list + "PK\x05\x06";
  number(out, 0, 4);
  number(out, entries.size(), 2);
  number(out, entries.size(), 2);
  number(out, list.size(), 4);
  number(out, at, 4);
  number(out, 0, 2);
  return out;
}

}  // namespace small_zarr
