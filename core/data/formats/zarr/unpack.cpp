#include "core/data/formats/zarr/unpack.hpp"

#include <blosc.h>
#include <lz4.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "core/data/formats/names.hpp"

namespace scriptorium::data::zarr {
namespace {

constexpr std::size_t piece = 8 << 20;       ///< unpacked between two looks at the stop token
constexpr std::size_t least_room = 1 << 16;  ///< where a length is found out only by unpacking

[[noreturn]] void broken(const std::string& what) {
  throw std::runtime_error(what);
}

std::string in_words(std::size_t bytes) {
  return grouped(static_cast<std::int64_t>(bytes));
}

/// A length that a packed chunk states of itself, held against what is wanted.
std::size_t accept(std::uint64_t stated, Length wanted, const char* codec) {
  if (wanted.exact ? stated != wanted.bytes : stated > wanted.bytes)
    broken("its " + std::string(codec) + " header states " + in_words(stated) + " bytes where " +
           (wanted.exact ? "" : "at most ") + in_words(wanted.bytes) + " are needed");
  return stated;
}

/// Makes room for more than `used` bytes; false when nothing more may come.
bool grow(Bytes& out, std::size_t used, Length wanted) {
  if (used < out.size()) return true;
  if (used >= wanted.bytes) return false;
  out.resize(wanted.exact ? wanted.bytes : std::min(wanted.bytes, std::max(least_room, 2 * used)));
  return true;
}

[[noreturn]] void too_long(Length wanted, const char* codec) {
  broken(std::string(codec) + " unpacks it to more than the " + in_words(wanted.bytes) + " bytes " +
         (wanted.exact ? "needed" : "that it may have"));
}

void end_at(Bytes& out, std::size_t used, Length wanted, const char* codec) {
  if (wanted.exact && used != wanted.bytes)
    broken(std::string(codec) + " unpacks it to " + in_words(used) + " bytes where " + in_words(wanted.bytes) +
           " are needed");
  out.resize(used);
}

std::uint32_t little_endian(const std::byte* at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | std::to_integer<std::uint32_t>(at[i]);
  return value;
}

void blosc(std::span<const std::byte> in, Length wanted, Bytes& out, const RunControl& control) {
  std::size_t stated = 0, type_size = 0;
  int flags = 0;
  if (blosc_cbuffer_validate(in.data(), in.size(), &stated) < 0)
    broken("its Blosc header is damaged or it is cut short");
  out.resize(accept(stated, wanted, "Blosc"));
  blosc_cbuffer_metainfo(in.data(), &type_size, &flags);
  const auto fail = [&] {
    const char* const codec = blosc_cbuffer_complib(in.data());
    broken(std::string("Blosc cannot unpack it (inner codec: ") + (codec == nullptr ? "unknown" : codec) + ")");
  };
  if (stated <= piece || type_size == 0 || stated % type_size != 0) {
    if (blosc_decompress_ctx(in.data(), out.data(), out.size(), 1) != static_cast<int>(stated)) fail();
    return;
  }
  const std::size_t at_once = piece / type_size, all = stated / type_size;
  for (std::size_t first = 0; first < all; first += at_once) {
    control.check();
    const std::size_t n = std::min(at_once, all - first);
    if (blosc_getitem(in.data(), static_cast<int>(first), static_cast<int>(n), out.data() + first * type_size) !=
        static_cast<int>(n * type_size))
      fail();
  }
}

/// Both kinds of header, and several gzip members one after the other.
void deflate(std::span<const std::byte> in, Length wanted, Bytes& out, const char* codec, const RunControl& control) {
  z_stream stream{};
  if (inflateInit2(&stream, MAX_WBITS + 32) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ending(&stream, inflateEnd);
  std::size_t used = 0;
  std::byte beyond{};  // what is left when all is there may be a checksum, which gives nothing out
  int status = Z_OK;
  do {
    control.check();
    if (!grow(out, used, wanted)) {
      stream.next_out = reinterpret_cast<Bytef*>(&beyond);
      stream.avail_out = 1;
    } else {
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
      stream.avail_out = static_cast<uInt>(std::min(out.size() - used, piece));
    }
    const bool full = used >= out.size();
    const uInt room = stream.avail_out;
    if (stream.avail_in == 0) {
      const std::size_t part = std::min<std::size_t>(in.size(), 1U << 30);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
      stream.avail_in = static_cast<uInt>(part);
      in = in.subspan(part);
    }
    status = inflate(&stream, Z_NO_FLUSH);
    if (full && stream.avail_out < room) too_long(wanted, codec);
    if (!full) used += room - stream.avail_out;
    if (status == Z_STREAM_END && stream.avail_in > 0) status = inflateReset(&stream);
  } while (status == Z_OK);
  if (status != Z_STREAM_END)
    broken(std::string("it is no sound ") + codec + " data: " +
           (stream.msg != nullptr   ? stream.msg
            : status == Z_BUF_ERROR ? "it is cut short"
                                    : "a dictionary is missing"));
  end_at(out, used, wanted, codec);
}

/// As numcodecs writes it: the length in four bytes, then one block.
void lz4(std::span<const std::byte> in, Length wanted, Bytes& out) {
  if (in.size() < 4) broken("it is too short for LZ4");
  out.resize(accept(little_endian(in.data()), wanted, "LZ4"));
  if (in.size() - 4 > std::numeric_limits<int>::max() || out.size() > LZ4_MAX_INPUT_SIZE)
    broken("it is too long for LZ4");
  const int got = LZ4_decompress_safe(reinterpret_cast<const char*>(in.data() + 4), reinterpret_cast<char*>(out.data()),
                                      static_cast<int>(in.size() - 4), static_cast<int>(out.size()));
  if (got < 0 || static_cast<std::size_t>(got) != out.size()) broken("LZ4 cannot unpack it");
}

void checked(std::span<const std::byte> in, Length wanted, Bytes& out) {
  if (in.size() < 4) broken("it is too short for its checksum");
  const std::span<const std::byte> body = in.first(in.size() - 4);
  if (wanted.exact && body.size() != wanted.bytes)
    broken("it holds " + in_words(body.size()) + " bytes where " + in_words(wanted.bytes) + " are needed");
  if (crc32c(body) != little_endian(body.data() + body.size())) broken("its checksum (crc32c) is wrong");
  out.assign(body.begin(), body.end());
}

/// Room that a packed form of so many bytes may take: every codec stays far below it.
Length packed_length(Length of) {
  return {of.bytes + of.bytes / 8 + least_room, false};
}

}  // namespace

std::optional<Packing> packing_named(std::string_view name) {
  constexpr std::string_view prefix = "numcodecs.";
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  constexpr std::array<std::pair<std::string_view, Packing>, 6> known{{{"blosc", Packing::Blosc},
                                                                       {"zstd", Packing::Zstd},
                                                                       {"gzip", Packing::Gzip},
                                                                       {"zlib", Packing::Zlib},
                                                                       {"lz4", Packing::Lz4},
                                                                       {"crc32c", Packing::Crc32c}}};
  for (const auto& [text, packing] : known)
    if (name == text) return packing;
  return {};
}

const char* name_of(Packing packing) {
  switch (packing) {
    case Packing::Blosc:
      return "Blosc";
    case Packing::Zstd:
      return "Zstandard";
    case Packing::Gzip:
      return "gzip";
    case Packing::Zlib:
      return "zlib";
    case Packing::Lz4:
      return "LZ4";
    case Packing::Crc32c:
      break;
  }
  return "crc32c";
}

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  static constexpr auto tables = [] {  // table k: the effect of a byte with k bytes after it
    std::array<std::array<std::uint32_t, 256>, 8> all{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82F63B78U : 0);
      all[0][i] = value;
    }
    for (std::size_t k = 1; k < 8; ++k)
      for (std::size_t i = 0; i < 256; ++i) all[k][i] = all[k - 1][i] >> 8 ^ all[0][all[k - 1][i] & 255];
    return all;
  }();
  std::uint32_t sum = ~0U;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const std::uint32_t low = sum ^ little_endian(&bytes[i]), high = little_endian(&bytes[i + 4]);
    sum = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
          tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^ tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
  }
  for (; i < bytes.size(); ++i) sum = sum >> 8 ^ tables[0][(sum ^ std::to_integer<std::uint32_t>(bytes[i])) & 255];
  return ~sum;
}

void Unpacker::FreeContext::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

Unpacker::Unpacker() = default;
Unpacker::~Unpacker() = default;

void Unpacker::zstd(std::span<const std::byte> in, Length wanted, Bytes& out, const RunControl& control) {
  if (!zstd_) zstd_.reset(ZSTD_createDCtx());
  if (!zstd_) throw std::bad_alloc();
  ZSTD_DCtx_reset(zstd_.get(), ZSTD_reset_session_only);
  const unsigned long long stated = ZSTD_getFrameContentSize(in.data(), in.size());
  if (stated == ZSTD_CONTENTSIZE_ERROR) broken("it is no Zstandard data");
  if (stated != ZSTD_CONTENTSIZE_UNKNOWN) out.resize(accept(stated, wanted, "Zstandard"));
  ZSTD_inBuffer source{in.data(), in.size(), 0};
  std::size_t used = 0, left = 1;
  while (left > 0 || source.pos < source.size) {
    control.check();
    const bool room = grow(out, used, wanted);
    // A frame whose input and output are there as a whole is unpacked in one go.
    ZSTD_outBuffer sink{out.data() + used, room ? std::min(out.size() - used, piece) : 0, 0};
    const std::size_t before = source.pos;
    left = ZSTD_decompressStream(zstd_.get(), &sink, &source);
    if (ZSTD_isError(left)) broken(std::string("it is no sound Zstandard data: ") + ZSTD_getErrorName(left));
    used += sink.pos;
    if (sink.pos > 0 || source.pos > before) continue;
    if (!room) too_long(wanted, "Zstandard");
    if (left > 0) broken("its Zstandard data is cut short");
  }
  end_at(out, used, wanted, "Zstandard");
}

void Unpacker::undo(Packing step, std::span<const std::byte> in, Length wanted, Bytes& out, const RunControl& control) {
  if (out.size() > wanted.bytes) out.resize(wanted.bytes);
  switch (step) {
    case Packing::Blosc:
      return blosc(in, wanted, out, control);
    case Packing::Zstd:
      return zstd(in, wanted, out, control);
    case Packing::Gzip:
    case Packing::Zlib:
      return deflate(in, wanted, out, name_of(step), control);
    case Packing::Lz4:
      return lz4(in, wanted, out);
    case Packing::Crc32c:
      return checked(in, wanted, out);
  }
}

void Unpacker::unpack(Bytes& packed, std::span<const Packing> steps, Length wanted, Bytes& out,
                      const RunControl& control) {
  for (std::size_t i = steps.size(); i-- > 0;) {
    Length length = wanted;
    for (std::size_t k = 0; k < i; ++k) length = packed_length(length);
    undo(steps[i], packed, length, out, control);
    if (i > 0) std::swap(packed, out);
  }
  if (!steps.empty()) return;
  if (wanted.exact ? packed.size() != wanted.bytes : packed.size() > wanted.bytes)
    broken("it holds " + in_words(packed.size()) + " bytes where " + in_words(wanted.bytes) + " are needed");
  std::swap(packed, out);
}

}  // namespace scriptorium::data::zarr
