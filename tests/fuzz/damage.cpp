#include "damage.hpp"

#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <vector>

#include "core/data/formats/zarr/store.hpp"
#include "tests/core/data/small_zip.hpp"

namespace scriptorium::fuzz {
namespace {

std::string file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

constexpr int gzip_window = 15 + 16;  ///< zlib's word for a gzip header around the data

/// What deflate streams become, piece by piece.
template <class Step>
std::string through_zlib(z_stream& stream, const std::string& in, Step step) {
  std::string out(std::max<std::size_t>(4 * in.size(), 1024), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  int code = Z_OK;
  do {
    if (stream.total_out == out.size()) out.resize(2 * out.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data()) + stream.total_out;
    stream.avail_out = static_cast<uInt>(out.size() - stream.total_out);
    code = step(&stream, Z_FINISH);
  } while (code == Z_OK || (code == Z_BUF_ERROR && stream.avail_out == 0));
  out.resize(stream.total_out);
  if (code != Z_STREAM_END) throw std::runtime_error("zlib fails on a whole file");
  return out;
}

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  inflateInit2(&stream, gzip_window);
  std::string out = through_zlib(stream, packed, inflate);
  inflateEnd(&stream);
  return out;
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY);
  std::string out = through_zlib(stream, bytes, deflate);
  deflateEnd(&stream);
  return out;
}

std::string zip(const std::map<std::string, std::string>& entries) {
  std::vector<small_zip::Entry> list;
  for (const auto& [name, bytes] : entries) list.push_back(small_zip::stored(name, bytes));
  return small_zip::zip_of(list);
}

std::string damage_entry(std::map<std::string, std::string> entries, Dice& dice) {
  const bool anndata =
      std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.first.starts_with("obs/"); });
  if (!anndata) {
    std::set<std::string> arrays;
    for (const auto& [name, bytes] : entries)
      if (const std::size_t slash = name.find('/'); slash != std::string::npos)
        arrays.insert(name.substr(0, slash + 1));
    const std::string array = *std::next(arrays.begin(), static_cast<std::ptrdiff_t>(dice.below(arrays.size())));
    std::map<std::string, std::string> kept;
    for (auto& [name, bytes] : entries)
      if (name.starts_with(array)) kept.emplace(name.substr(array.size()), std::move(bytes));
    entries = std::move(kept);
  }
  const auto victim = std::next(entries.begin(), static_cast<std::ptrdiff_t>(dice.below(entries.size())));
  if (dice.chance(0.05))
    entries.erase(victim);
  else
    victim->second = damage(std::move(victim->second), dice);
  return zip(entries);
}

}  // namespace

Dice::Dice(std::string_view name) {
  std::seed_seq seed(name.begin(), name.end());
  engine_.seed(seed);
}

Packed look_inside(const std::string& path) {
  Packed out{.bytes = file_bytes(path), .kind = Packed::Kind::Plain, .unpacked = {}, .entries = {}};
  if (out.bytes.starts_with("\x1f\x8b")) {
    out.kind = Packed::Kind::Gzip;
    out.unpacked = gunzip(out.bytes);
  } else if (out.bytes.starts_with("PK\x03\x04")) {
    out.kind = Packed::Kind::Zip;
    const auto store = data::zarr::open_store(path);
    store->visit_keys("",
                      [&](std::string_view key) {
                        std::string value(store->size(std::string(key)).value(), '\0');
                        store->read(std::string(key), 0, std::as_writable_bytes(std::span(value)), {});
                        out.entries.emplace(key, std::move(value));
                      },
                      {});
  }
  return out;
}

std::string damage(std::string bytes, Dice& dice) {
  for (std::size_t n = 1 + dice.below(3); n > 0 && !bytes.empty(); --n) {
    const std::size_t size = bytes.size(), at = dice.below(size);
    const std::size_t length = std::min(size - at, dice.pick<std::size_t>({1, 2, 4, 8, 16, 64, 256, 2048}));
    const auto byte = [&] { return static_cast<char>(dice.bits() & 0xFF); };
    switch (dice.below(8)) {
      case 0:  // single bits
        for (std::size_t i = 1 + dice.below(8); i > 0; --i) {
          char& place = bytes[dice.below(size)];
          place = static_cast<char>(place ^ (1 << dice.below(8)));
        }
        break;
      case 1:  // single bytes
        for (std::size_t i = 1 + dice.below(8); i > 0; --i) bytes[dice.below(size)] = byte();
        break;
      case 2:  // cut short
        bytes.resize(at);
        break;
      case 3: {  // two blocks change places
        const std::size_t to = dice.below(size), common = std::min(length, size - to);
        const std::string a = bytes.substr(at, common), b = bytes.substr(to, common);
        bytes.replace(at, common, b);
        bytes.replace(to, common, a);
        break;
      }
      case 4:  // a run of one value
        bytes.replace(at, length, length, dice.pick({'\0', '\xFF', byte()}));
        break;
      case 5:  // a field of the first bytes
        bytes[dice.below(std::min<std::size_t>(size, 2048))] = dice.pick({'\0', '\1', '\x7F', '\x80', '\xFF', byte()});
        break;
      case 6: {  // a whole number of 4 or 8 bytes
        const std::size_t width = dice.pick<std::size_t>({4, 8}), place = at / width * width;
        const std::uint64_t number = dice.pick<std::uint64_t>(
            {0, 1, (1ULL << 31) - 1, 1ULL << 31, (1ULL << 32) - 1, 1ULL << 62, 1ULL << 63, ~0ULL, dice.bits()});
        for (std::size_t i = 0; i < width && place + i < size; ++i)
          bytes[place + i] = static_cast<char>(number >> (8 * i) & 0xFF);
        break;
      }
      default: {  // a piece is lost or repeated
        const std::string piece = bytes.substr(at, length);
        bytes.replace(at, length, dice.chance(0.5) ? std::string() : piece + piece);
      }
    }
  }
  return bytes;
}

std::string damage_packed(const Packed& whole, Dice& dice) {
  if (whole.kind == Packed::Kind::Zip && dice.chance(0.8)) return damage_entry(whole.entries, dice);
  if (whole.kind == Packed::Kind::Gzip && dice.chance(0.7)) return gzip(damage(whole.unpacked, dice));
  return damage(whole.bytes, dice);
}

}  // namespace scriptorium::fuzz
