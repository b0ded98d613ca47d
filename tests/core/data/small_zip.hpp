#pragma once
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

/// Writes .zip files, which may lie about themselves.
namespace small_zip {

/// One entry of a .zip, with the sizes that the headers claim.
struct Entry {
  std::string key, bytes;
  std::uint32_t crc = 0, claimed = 0;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
};

/// An entry that tells the truth.
inline Entry stored(const std::string& key, const std::string& bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), size);
  return {.key = key, .bytes = bytes, .crc = static_cast<std::uint32_t>(crc), .claimed = size};
}

/// A .zip of these entries, whatever they claim.
inline std::string zip_of(const std::vector<Entry>& entries) {
  std::string out, list;
  const auto number = [](std::string& to, std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) to += static_cast<char>(i < 8 ? value >> (8 * i) & 255 : 0);
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

}  // namespace small_zip
