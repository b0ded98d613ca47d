#include "core/data/formats/zarr/chunks.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::zarr {
namespace {

constexpr std::size_t always_allowed = 64 << 20;  ///< bytes of a chunk, however short its packed form
constexpr std::size_t most_expansion = 1 << 16;   ///< Zstandard on a constant; others stay far below
constexpr std::size_t most_text_expansion = 1100;
constexpr std::uint64_t not_there = std::numeric_limits<std::uint64_t>::max();

[[noreturn]] void damaged(const std::string& what) {
  throw Error(ErrorCode::BadInput, what,
              "Copy or download the store again, or write it anew with the program that made it.");
}

std::uint64_t little_endian(const std::byte* at, int bytes) {
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
  return value;
}

/// "3.7" or "3/7" (or "3" on one axis) as row and column; false for any other name.
bool parse_key(std::string_view key, const Description& d, std::int64_t& row, std::int64_t& column) {
  if (!key.starts_with(d.key_prefix)) return false;
  const char* at = key.data() + d.key_prefix.size();
  const char* const end = key.data() + key.size();
  column = 0;
  auto found = std::from_chars(at, end, row);
  if (found.ec != std::errc{} || row < 0) return false;
  if (d.rank == 2) {
    if (found.ptr == end || *found.ptr != d.separator) return false;
    found = std::from_chars(found.ptr + 1, end, column);
    if (found.ec != std::errc{} || column < 0) return false;
  }
  return found.ptr == end;
}

template <class Word>
void swap_words(Bytes& bytes) {
  for (std::size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
    Word word;
    std::memcpy(&word, &bytes[i], sizeof word);
    if constexpr (sizeof(Word) == 2)
      word = __builtin_bswap16(word);
    else if constexpr (sizeof(Word) == 4)
      word = __builtin_bswap32(word);
    else
      word = __builtin_bswap64(word);
    std::memcpy(&bytes[i], &word, sizeof word);
  }
}

void swap_bytes(Bytes& bytes, const ValueType& type) {
  const std::size_t width = type.kind == ValueType::Kind::FixedUtf32 ? 4 : type.bytes;
  if (width == 2)
    swap_words<std::uint16_t>(bytes);
  else if (width == 4)
    swap_words<std::uint32_t>(bytes);
  else
    swap_words<std::uint64_t>(bytes);
}

/// A number of 16 bits (5 of exponent, 10 of fraction) as one of 32.
float widened(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16, fraction = half & 0x3FF;
  const std::uint32_t exponent = half >> 10 & 0x1F;
  if (exponent == 0) {  // zero and subnormal: fraction · 2⁻²⁴
    const float size = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -size : size;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFF : exponent + 127 - 15;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

void widen_halves(Bytes& bytes) {
  Bytes out(2 * bytes.size());
  for (std::size_t i = 0; i < bytes.size() / 2; ++i) {
    std::uint16_t half;
    std::memcpy(&half, &bytes[2 * i], sizeof half);
    const float value = widened(half);
    std::memcpy(&out[4 * i], &value, sizeof value);
  }
  bytes.swap(out);
}

template <class Word>
void transpose_words(const Bytes& in, Bytes& out, std::size_t rows, std::size_t columns) {
  constexpr std::size_t tile = 32;
  for (std::size_t r0 = 0; r0 < rows; r0 += tile)
    for (std::size_t c0 = 0; c0 < columns; c0 += tile)
      for (std::size_t r = r0; r < std::min(rows, r0 + tile); ++r)
        for (std::size_t c = c0; c < std::min(columns, c0 + tile); ++c)
          std::memcpy(&out[(c * rows + r) * sizeof(Word)], &in[(r * columns + c) * sizeof(Word)], sizeof(Word));
}

/// rows × columns values of `width` bytes, row by row, to column by column.
void transpose(Bytes& values, Bytes& room, std::size_t rows, std::size_t columns, std::size_t width) {
  room.resize(values.size());
  switch (width) {
    case 1:
      transpose_words<std::uint8_t>(values, room, rows, columns);
      break;
    case 2:
      transpose_words<std::uint16_t>(values, room, rows, columns);
      break;
    case 4:
      transpose_words<std::uint32_t>(values, room, rows, columns);
      break;
    case 8:
      transpose_words<std::uint64_t>(values, room, rows, columns);
      break;
    default:
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
          std::memcpy(&room[(c * rows + r) * width], &values[(r * columns + c) * width], width);
  }
  values.swap(room);
}

std::string from_utf32(const std::byte* at, std::size_t characters) {
  std::string out;
  for (std::size_t i = 0; i < characters; ++i) {
    std::uint32_t code;
    std::memcpy(&code, at + 4 * i, sizeof code);
    if (code == 0) break;  // padding
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0 | code >> 6);
      put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      put(0xE0 | code >> 12);
      put(0x80 | (code >> 6 & 0x3F));
      put(0x80 | (code & 0x3F));
    } else {
      put(0xF0 | (code >> 18 & 7));
      put(0x80 | (code >> 12 & 0x3F));
      put(0x80 | (code >> 6 & 0x3F));
      put(0x80 | (code & 0x3F));
    }
  }
  return valid_utf8(std::move(out));
}

}  // namespace

std::string ChunkMap::name() const {
  return quoted(path_) + " of " + store_.name();
}

std::string ChunkMap::key(std::int64_t row, std::int64_t column) const {
  const Description& d = description_;
  if (d.shards) row /= d.shards->chunks[0];
  if (d.shards && d.rank == 2) column /= d.shards->chunks[1];
  const std::string last = d.rank == 2 ? d.separator + std::to_string(column) : std::string{};
  return join(path_, d.key_prefix + std::to_string(row) + last);
}

std::string ChunkMap::chunk_name(std::int64_t row, std::int64_t column) const {
  std::string what = "Chunk " + quoted(key(row, column)) + " of " + store_.name();
  if (description_.shards)
    what = "Chunk " + std::to_string(row) + (description_.rank == 2 ? ", " + std::to_string(column) : "") +
           " in the shard " + quoted(key(row, column)) + " of " + store_.name();
  return what;
}

std::vector<std::int64_t> ChunkMap::stored(const RunControl& control) const {
  const Description& d = description_;
  const std::int64_t across = d.shards ? d.shards->chunks[0] : 1,
                     along = d.shards && d.rank == 2 ? d.shards->chunks[1] : 1;
  const std::int64_t grid_rows = d.grid_rows(), grid_columns = d.grid_columns();
  std::vector<std::int64_t> out;
  std::vector<std::pair<std::int64_t, std::int64_t>> shards;
  store_.visit_keys(
      path_,
      [&](std::string_view name) {
        std::int64_t row = 0, column = 0;
        if (!parse_key(name, d, row, column)) return;
        if (row > (grid_rows - 1) / across || column > (grid_columns - 1) / along || d.size() == 0) return;
        if (d.shards)
          shards.emplace_back(row * across, column * along);
        else
          out.push_back(row * grid_columns + column);
      },
      control);
  for (const auto& [first_row, first_column] : shards) {
    control.check();
    const std::vector<Range> index = read_index(key(first_row, first_column), control);
    for (std::size_t i = 0; i < index.size(); ++i) {
      const std::int64_t row = first_row + static_cast<std::int64_t>(i) / along,
                         column = first_column + static_cast<std::int64_t>(i) % along;
      if (index[i].bytes > 0 && row < grid_rows && column < grid_columns) out.push_back(row * grid_columns + column);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<ChunkMap::Range> ChunkMap::read_index(const std::string& key, const RunControl& control) const {
  const Shards& shards = *description_.shards;
  const std::string what = "Shard " + quoted(key) + " of " + store_.name();
  const std::uint64_t whole = store_.size(key).value_or(0);
  std::uint64_t chunks = 1;
  for (const std::int64_t n : shards.chunks) {  // 16 bytes a chunk must fit into the shard
    chunks *= static_cast<std::uint64_t>(n);
    if (chunks > whole / 16 || chunks == 0)
      damaged(what + " holds " + grouped(static_cast<std::int64_t>(whole)) +
              " bytes, too few for the index of its chunks");
  }
  Bytes bytes(16 * chunks + (shards.index_has_checksum ? 4 : 0));
  if (bytes.size() > whole) damaged(what + " is cut short: its index is not whole");
  store_.read(key, shards.index_at_start ? 0 : whole - bytes.size(), bytes, control);
  const std::span<const std::byte> entries = std::span(bytes).first(16 * chunks);
  if (shards.index_has_checksum && crc32c(entries) != little_endian(bytes.data() + entries.size(), 4))
    damaged(what + " is damaged: the checksum (crc32c) of its index is wrong");
  std::vector<Range> index(chunks);
  for (std::size_t i = 0; i < chunks; ++i) {
    const std::uint64_t offset = little_endian(&entries[16 * i], 8), length = little_endian(&entries[16 * i + 8], 8);
    if (offset == not_there && length == not_there) continue;
    if (length == 0 || length > whole || offset > whole - length)
      damaged(what + " is damaged: its index points outside of it");
    index[i] = {offset, length};
  }
  return index;
}

/// Fills packed_; false where the chunk is not there.
bool ChunkReader::fetch(std::int64_t row, std::int64_t column, const RunControl& control) {
  const Description& d = map_.description();
  const std::string key = map_.key(row, column);
  const std::optional<std::uint64_t> whole = map_.store().size(key);
  if (!whole) return false;
  ChunkMap::Range range{0, *whole};
  if (d.shards) {
    if (index_key_ != key) {
      index_key_.clear();
      index_ = map_.read_index(key, control);
      index_key_ = key;
    }
    const std::int64_t along = d.rank == 2 ? d.shards->chunks[1] : 1;
    range = index_[static_cast<std::size_t>(row % d.shards->chunks[0] * along + column % along)];
    if (range.bytes == 0) return false;
  }
  const std::size_t values = d.chunk_values() * d.type.bytes;
  if (values > 0 && range.bytes > values + values / 2 + always_allowed)
    damaged(map_.chunk_name(row, column) + " is " + grouped(static_cast<std::int64_t>(range.bytes)) +
            " bytes long, more than its values can take");
  packed_.resize(range.bytes);
  map_.store().read(key, range.offset, packed_, control);
  return true;
}

/// Fetches a chunk and unpacks it into values_; false where it is not there.
bool ChunkReader::unpack(std::int64_t row, std::int64_t column, Length wanted, const RunControl& control) {
  if (!fetch(row, column, control)) return false;
  const std::vector<Packing>& packing = map_.description().packing;
  const std::size_t longest =
      std::max(always_allowed, packed_.size() * (wanted.exact ? most_expansion : most_text_expansion));
  if (!wanted.exact) wanted.bytes = longest;
  try {
    if (wanted.bytes > longest)
      throw std::runtime_error(grouped(static_cast<std::int64_t>(packed_.size())) + " bytes cannot hold the " +
                               grouped(static_cast<std::int64_t>(wanted.bytes)) + " bytes of its values");
    unpacker_.unpack(packed_, packing, wanted, values_, control);
  } catch (const std::runtime_error& error) {
    if (dynamic_cast<const Error*>(&error) != nullptr) throw;
    damaged(map_.chunk_name(row, column) + " is damaged: " + error.what());
  }
  return true;
}

const Bytes* ChunkReader::read(std::int64_t row, std::int64_t column, bool by_column, const RunControl& control) {
  const Description& d = map_.description();
  if (!unpack(row, column, {d.chunk_values() * d.type.bytes, true}, control)) return nullptr;
  if (d.type.swapped) swap_bytes(values_, d.type);
  if (d.type.is_half()) widen_halves(values_);
  if (d.rank == 2 && d.by_column != by_column) {
    const auto rows = static_cast<std::size_t>(d.chunk_rows), columns = static_cast<std::size_t>(d.chunk_columns);
    transpose(values_, packed_, by_column ? rows : columns, by_column ? columns : rows, d.type.bytes_in_memory());
  }
  return &values_;
}

bool ChunkReader::read_text(std::int64_t row, std::int64_t column, std::vector<std::string>& out,
                            const RunControl& control) {
  const Description& d = map_.description();
  out.clear();
  if (d.type.kind != ValueType::Kind::Text) {
    const Bytes* const values = read(row, column, false, control);
    if (values == nullptr) return false;
    for (std::size_t i = 0; i < d.chunk_values(); ++i) {
      const std::byte* const at = values->data() + i * d.type.bytes;
      if (d.type.kind == ValueType::Kind::FixedUtf32) {
        out.push_back(from_utf32(at, d.type.bytes / 4));
      } else {
        const auto* const text = reinterpret_cast<const char*>(at);
        out.push_back(valid_utf8({text, strnlen(text, d.type.bytes)}));
      }
    }
    return true;
  }
  if (!unpack(row, column, {0, false}, control)) return false;
  // A count, then each text after its length, all in four bytes.
  std::span<const std::byte> rest = values_;
  const auto take = [&] {
    if (rest.size() < 4) damaged(map_.chunk_name(row, column) + " is damaged: its texts are cut short");
    const auto number = static_cast<std::size_t>(little_endian(rest.data(), 4));
    rest = rest.subspan(4);
    return number;
  };
  if (const std::size_t n = take(); n != d.chunk_values())
    damaged(map_.chunk_name(row, column) + " is damaged: it holds " + grouped(static_cast<std::int64_t>(n)) +
            " texts where " + grouped(static_cast<std::int64_t>(d.chunk_values())) + " are needed");
  for (std::size_t i = 0; i < d.chunk_values(); ++i) {
    const std::size_t length = take();
    if (length > rest.size()) damaged(map_.chunk_name(row, column) + " is damaged: its texts are cut short");
    out.push_back(valid_utf8({reinterpret_cast<const char*>(rest.data()), length}));
    rest = rest.subspan(length);
  }
  return true;
}

}  // namespace scriptorium::data::zarr
