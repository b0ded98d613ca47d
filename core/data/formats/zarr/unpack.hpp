#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/progress.hpp"

struct ZSTD_DCtx_s;

namespace scriptorium::data::zarr {

using Bytes = std::vector<std::byte>;

/// The codecs from bytes to bytes.
enum class Packing : std::uint8_t { Blosc, Zstd, Gzip, Zlib, Lz4, Crc32c };

/// By its name in a description: "blosc", also "numcodecs.blosc". Nothing where it is not known.
std::optional<Packing> packing_named(std::string_view name);
/// "Blosc", "Zstandard", …: for messages.
const char* name_of(Packing packing);

/// How long the bytes of a chunk must be: exactly so many, or at most so many.
struct Length {
  std::size_t bytes = 0;
  bool exact = true;
};

/// Checksum of RFC 3720 (Castagnoli).
std::uint32_t crc32c(std::span<const std::byte> bytes);

/// Undoes the packing of chunks; keeps its buffers from one to the next. One per thread.
class Unpacker {
 public:
  Unpacker();
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// @param packed  holds the packed bytes, is used as room for steps between
  /// @param steps   in the order in which they were done; undone from the last
  /// @param out     gets the bytes, of the length wanted
  /// @throws std::runtime_error saying what is wrong with the bytes, e.g. "its Blosc header states 12 bytes where
  /// 4,000,000 are needed": sizes are looked at before memory is asked for; Cancelled
  void unpack(Bytes& packed, std::span<const Packing> steps, Length wanted, Bytes& out, const RunControl& control);

 private:
  void undo(Packing step, std::span<const std::byte> in, Length wanted, Bytes& out, const RunControl& control);
  void zstd(std::span<const std::byte> in, Length wanted, Bytes& out, const RunControl& control);
  struct FreeContext {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, FreeContext> zstd_;
};

}  // namespace scriptorium::data::zarr
