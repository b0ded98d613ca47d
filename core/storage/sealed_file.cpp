#include "core/storage/sealed_file.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/error.hpp"
#include "core/storage/atomic_file.hpp"

namespace scriptorium::storage {
namespace {

constexpr std::size_t header_bytes = 512;

std::uint32_t checksum(const char* data, std::size_t size) {
  uLong crc = crc32(0, nullptr, 0);
  while (size > 0) {
    const auto part = static_cast<uInt>(std::min<std::size_t>(size, std::size_t{1} << 30));
    crc = crc32(crc, reinterpret_cast<const Bytef*>(data), part);
    data += part;
    size -= part;
  }
  return static_cast<std::uint32_t>(crc);
}

struct Header {
  std::string kind;  ///< empty where there is none
  int version = 0;
  std::size_t size = 0;
  unsigned crc = 0;
};

Header header_of(const std::string& bytes) {
  Header header;
  char kind[32] = "";
  const std::string head = bytes.substr(0, header_bytes);
  if (std::sscanf(head.c_str(), "scriptorium %31s %d bytes %zu crc32 %x", kind, &header.version, &header.size,
                  &header.crc) == 4)
    header.kind = kind;
  return header;
}

}  // namespace

void write_sealed(hid_t file, const Seal& seal, const std::string& path) {
  const auto body = hdf5::image_of(file);
  std::vector<std::byte> bytes(header_bytes + body.size());
  std::memcpy(bytes.data() + header_bytes, body.data(), body.size());
  std::snprintf(reinterpret_cast<char*>(bytes.data()), header_bytes, "scriptorium %s %d\nbytes %zu\ncrc32 %08x\n",
                seal.kind, seal.version, bytes.size(),
                checksum(reinterpret_cast<const char*>(body.data()), body.size()));
  write_whole_file(path, bytes);
}

std::string read_sealed(const std::string& path, const Seal& seal) {
  std::string bytes = read_whole_file(path);
  const Header header = header_of(bytes);
  if (header.kind != seal.kind)
    throw Error(ErrorCode::BadInput,
                "\"" + path + "\" is " + (header.kind.empty() ? std::string() : "a " + header.kind + ", ") + "not a " +
                    seal.kind + " of this program.",
                "Choose a file " + std::string(seal.made_by) + ".");
  if (header.version > seal.version)
    throw Error(ErrorCode::Unsupported, "\"" + path + "\" was written by a newer version of this program.",
                "Open it with that version.");
  if (bytes.size() < header_bytes || bytes.size() != header.size ||
      checksum(bytes.data() + header_bytes, bytes.size() - header_bytes) != header.crc)
    throw Error(ErrorCode::BadInput, "\"" + path + "\" is damaged: its length or checksum is not what was written.",
                "Copy it again from where it came, or make it again.");
  bytes.erase(0, header_bytes);
  return bytes;
}

std::string sealed_kind(const std::string& path) {
  std::string head(header_bytes, '\0');
  std::ifstream in(path, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  return header_of(head).kind;
}

}  // namespace scriptorium::storage
