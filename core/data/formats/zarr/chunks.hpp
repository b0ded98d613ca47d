#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/data/formats/zarr/description.hpp"
#include "core/data/formats/zarr/store.hpp"

namespace scriptorium::data::zarr {

/// Where the chunks of one array lie in its store.
class ChunkMap {
 public:
  /// @param path  of the array in the store; its chunks lie below
  ChunkMap(const Store& store, std::string path, Description description)
      : store_(store), path_(std::move(path)), description_(std::move(description)) {}

  const Description& description() const { return description_; }
  const Store& store() const { return store_; }
  const std::string& path() const { return path_; }
  /// "`X` of a.zarr"
  std::string name() const;
  /// "Chunk `X/0.1` of a.zarr", or of which shard it is.
  std::string chunk_name(std::int64_t row, std::int64_t column) const;
  /// Of the value of the store that holds a chunk: the chunk's own, or its shard's.
  std::string key(std::int64_t row, std::int64_t column) const;

  /// The chunks that are there: row of the grid × columns of the grid + column, ascending. For shards their indices are
  /// read.
  std::vector<std::int64_t> stored(const RunControl& control) const;

  /// One entry of a shard's index; no bytes where the chunk is not there.
  struct Range {
    std::uint64_t offset = 0, bytes = 0;
  };
  /// Index of the shard whose key this is, row by row. @throws Error when it is damaged
  std::vector<Range> read_index(const std::string& key, const RunControl& control) const;

 private:
  const Store& store_;
  std::string path_;
  Description description_;
};

/// Reads chunks; keeps its buffers, and the shard index of the chunk before. One per thread.
class ChunkReader {
 public:
  explicit ChunkReader(const ChunkMap& map) : map_(map) {}

  /// The values of a chunk, all of its rows and columns also at the array's edge, in the byte order of this machine;
  /// the first axis runs fastest when `by_column`. Null where the chunk is not there. Valid until the next call.
  /// @throws Error naming the chunk and the codec; Cancelled
  const Bytes* read(std::int64_t row, std::int64_t column, bool by_column, const RunControl& control);
  /// The texts of a chunk of an array of text, row by row; false where the chunk is not there.
  bool read_text(std::int64_t row, std::int64_t column, std::vector<std::string>& out, const RunControl& control);

 private:
  bool fetch(std::int64_t row, std::int64_t column, const RunControl& control);
  bool unpack(std::int64_t row, std::int64_t column, Length wanted, const RunControl& control);
  const ChunkMap& map_;
  Unpacker unpacker_;
  Bytes packed_, values_;
  std::string index_key_;
  std::vector<ChunkMap::Range> index_;
};

}  // namespace scriptorium::data::zarr
