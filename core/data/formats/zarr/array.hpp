#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "core/data/formats/tree.hpp"
#include "core/data/formats/zarr/chunks.hpp"

namespace scriptorium::data::zarr {

/// One array of a store.
class ChunkedArray final : public Array {
 public:
  ChunkedArray(const Store& store, const std::string& path, Description description, const RunControl& control);
  const std::vector<std::int64_t>& shape() const override { return shape_; }
  std::int64_t size() const override { return description().size(); }
  std::int64_t chunk_rows() const override { return description().chunk_rows; }
  std::string dtype() const override { return description().type.name; }
  bool is_float() const override { return description().type.kind == ValueType::Kind::Float; }
  bool is_integer() const override;
  bool is_boolean() const override { return description().type.kind == ValueType::Kind::Boolean; }
  bool is_text() const override { return description().type.is_text(); }
  std::vector<std::string> read_text() const override;
  bool is_concurrent() const override { return true; }
  void scan(MatrixReading& reading, Major rows) const override;

 private:
  const Description& description() const { return map_.description(); }
  void read_into(std::int64_t first, std::int64_t n, std::vector<double>& out) const override;
  void read_into(std::int64_t first, std::int64_t n, std::vector<float>& out) const override;
  void read_into(std::int64_t first, std::int64_t n, std::vector<std::int64_t>& out) const override;
  template <class T>
  void read_as(std::int64_t first, std::int64_t n, std::vector<T>& out) const;

  /// A reader with the values of the chunk it read last.
  struct Held {
    explicit Held(const ChunkMap& map) : reader(map) {}
    ChunkReader reader;
    std::int64_t chunk = -1;
    const Bytes* values = nullptr;
  };
  /// Reads on in a chunk where that is the one held; one chunk at a time where they are large.
  std::unique_ptr<Held> take(std::int64_t chunk) const;
  void give_back(std::unique_ptr<Held> held) const;

  ChunkMap map_;
  std::vector<std::int64_t> shape_;
  const RunControl& control_;
  mutable std::mutex mutex_;
  mutable std::condition_variable returned_;
  mutable std::vector<std::unique_ptr<Held>> idle_;
  mutable std::size_t taken_ = 0;
  mutable std::atomic<std::int64_t> filled_ = 0;
};

/// Calls `use` with a value of the type that values of this type have in memory.
template <class Use>
void with_type(const ValueType& type, Use use) {
  using Kind = ValueType::Kind;
  const std::size_t bytes = type.bytes;
  if (type.kind == Kind::Float) return bytes == 8 ? use(double{}) : use(float{});
  if (type.kind == Kind::Integer)
    return bytes == 1   ? use(std::int8_t{})
           : bytes == 2 ? use(std::int16_t{})
           : bytes == 4 ? use(std::int32_t{})
                        : use(std::int64_t{});
  return bytes == 1   ? use(std::uint8_t{})
         : bytes == 2 ? use(std::uint16_t{})
         : bytes == 4 ? use(std::uint32_t{})
                      : use(std::uint64_t{});
}

/// Reads a matrix of numbers in strips of chunks, several at a time.
void scan_chunks(const ChunkMap& map, MatrixReading& reading, Major rows);

}  // namespace scriptorium::data::zarr
