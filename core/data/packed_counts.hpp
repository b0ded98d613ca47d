#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"
#include "core/progress.hpp"

namespace scriptorium::data {

/// Where packed counts go: in memory up to a limit, then into a file without a name that goes with the program.
struct PackedStorage {
  std::uint64_t memory = std::uint64_t{256} << 20;  ///< bytes
  std::string folder;                               ///< of the file; empty: the system's for temporary files
};

/// Keeps counts that pass by at about two bytes each, to hand them on again as often as asked. May be filled from
/// several threads at once.
class PackedCounts final : public CountSink {
 public:
  explicit PackedCounts(PackedStorage storage = {}) : storage_(std::move(storage)) {}
  ~PackedCounts() override;
  PackedCounts(const PackedCounts&) = delete;
  PackedCounts& operator=(const PackedCounts&) = delete;

  void begin(const Table& cells, const Table& genes) override;
  /// @throws Error(Io) when the disk is full
  void add(const CountBlock& block) override;

  Major major() const { return major_; }
  std::int64_t nnz() const { return nnz_; }
  Count max_count() const { return max_count_; }
  std::uint64_t memory_bytes() const { return memory_bytes_; }
  std::uint64_t file_bytes() const { return file_bytes_; }

  /// All blocks, rows in order, to a sink that has begun. With several threads the order is lost.
  /// @throws Error(BadInput) when a row came twice
  void send(CountSink& sink, int threads, const RunControl& control) const;

 private:
  struct Piece {
    std::int64_t first = 0, rows = 0;
    std::uint64_t bytes = 0;
    std::uint64_t at = 0;                 ///< in the file
    std::vector<std::uint8_t> in_memory;  ///< instead
  };
  void forget();
  void open_file();
  void unpack(const Piece& piece, CountSink& sink) const;

  PackedStorage storage_;
  std::mutex mutex_;
  Major major_ = Major::Cell;
  std::vector<Piece> pieces_;
  std::int64_t nnz_ = 0;
  Count max_count_ = 0;
  std::uint64_t memory_bytes_ = 0, file_bytes_ = 0;
  int file_ = -1;
};

}  // namespace scriptorium::data
