#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/data/formats/zarr/unpack.hpp"

namespace scriptorium::data::zarr {

/// What the values of an array are and how one of them is stored.
struct ValueType {
  enum class Kind : std::uint8_t { Boolean, Integer, Unsigned, Float, FixedBytes, FixedUtf32, Text };
  Kind kind = Kind::Integer;
  std::size_t bytes = 0;  ///< of one value; 0 for text of any length
  bool swapped = false;   ///< stored in the byte order that this machine does not have
  std::string name;       ///< "int64", "float32", "boolean", "text"
  bool is_text() const { return kind >= Kind::FixedBytes; }
  bool is_half() const { return kind == Kind::Float && bytes == 2; }
  std::size_t bytes_in_memory() const { return is_half() ? 4 : bytes; }  ///< halves are widened when they are read
};

/// Chunks packed together into one value of the store, with an index of where each lies.
struct Shards {
  std::vector<std::int64_t> chunks;  ///< along each axis of a shard
  bool index_at_start = false, index_has_checksum = false;
};

/// One array, as its .zarray or zarr.json says, checked: one or two axes, a type and codecs that can be read, and
/// chunks of a size that can be held. Arrays of one axis have a second of length 1.
struct Description {
  int rank = 1;
  std::int64_t rows = 0, columns = 1;
  std::int64_t chunk_rows = 1, chunk_columns = 1;
  ValueType type;
  bool by_column = false;        ///< values of a chunk are stored with the first axis running fastest
  std::vector<Packing> packing;  ///< of a chunk, as it was done
  std::optional<Shards> shards;  ///< the chunks above are the inner ones
  std::string key_prefix;        ///< "c/" or nothing
  char separator = '.';
  bool fill_is_known = true;  ///< false: text that stands for missing chunks in a way that is not read
  Bytes fill;                 ///< one value as it is in memory: stands for those of chunks that are not there
  std::string fill_text;      ///< for text of any length

  std::int64_t size() const { return rows * columns; }
  std::int64_t grid_rows() const { return (rows + chunk_rows - 1) / chunk_rows; }
  std::int64_t grid_columns() const { return (columns + chunk_columns - 1) / chunk_columns; }
  std::size_t chunk_values() const { return static_cast<std::size_t>(chunk_rows * chunk_columns); }
};

/// @param name  of the array in its store, for messages: "`X` of a.zarr"
/// @throws Error saying which part of the description is missing, wrong or not supported
Description describe_v2(const nlohmann::json& zarray, const std::string& name);
Description describe_v3(const nlohmann::json& node, const std::string& name);

}  // namespace scriptorium::data::zarr
