#pragma once
#include <QDir>
#include <QTemporaryDir>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/data/formats/zarr/store.hpp"
#include "small_zip.hpp"

/// Writes small Zarr stores for the tests of their reader: copies of those in tests/data with some of their files
/// changed, and arrays without a codec.
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

}  // namespace small_zarr
