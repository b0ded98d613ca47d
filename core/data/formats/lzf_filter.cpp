#include "core/data/formats/lzf_filter.hpp"

#include <hdf5.h>

namespace scriptorium::data::hdf5 {
namespace {

constexpr H5Z_filter_t lzf_id = 32000;
constexpr std::size_t largest_chunk = 1ULL << 30;

/// HDF5's side of the filter: unpacks in a new buffer, growing from the chunk size that the writer noted. 0 is failure.
std::size_t lzf_filter(unsigned flags, std::size_t n_values, const unsigned* values, std::size_t packed_size,
                       std::size_t* buffer_size, void** buffer) {
  if ((flags & H5Z_FLAG_REVERSE) == 0) return 0;  // this program never writes LZF
  std::size_t size = n_values >= 3 && values[2] > 0 ? values[2] : 4 * packed_size + 64;
  for (; size <= largest_chunk; size *= 2) {
    void* const unpacked = H5allocate_memory(size, false);
    if (unpacked == nullptr) return 0;
    const std::size_t written = unpack_lzf({static_cast<const unsigned char*>(*buffer), packed_size},
                                           {static_cast<unsigned char*>(unpacked), size});
    if (written > 0) {
      H5free_memory(*buffer);
      *buffer = unpacked;
      *buffer_size = size;
      return written;
    }
    H5free_memory(unpacked);
    if (n_values >= 3 && values[2] > 0) return 0;
  }
  return 0;
}

}  // namespace

std::size_t unpack_lzf(std::span<const unsigned char> packed, std::span<unsigned char> out) {
  std::size_t in = 0, at = 0;
  while (in < packed.size()) {
    const unsigned control = packed[in++];
    if (control < 32) {  // control + 1 bytes as they are
      const std::size_t length = control + 1;
      if (in + length > packed.size() || at + length > out.size()) return 0;
      for (std::size_t i = 0; i < length; ++i) out[at++] = packed[in++];
      continue;
    }
    std::size_t length = control >> 5;  // a copy of what was written before
    if (length == 7) {
      if (in >= packed.size()) return 0;
      length += packed[in++];
    }
    if (in >= packed.size()) return 0;
    const std::size_t back = ((control & 0x1FU) << 8) + packed[in++] + 1;
    length += 2;
    if (back > at || at + length > out.size()) return 0;
    for (std::size_t i = 0; i < length; ++i, ++at) out[at] = out[at - back];  // may overlap itself: byte by byte
  }
  return at;
}

void register_lzf() {
  static const H5Z_class2_t filter{H5Z_CLASS_T_VERS, lzf_id, 0, 1, "lzf", nullptr, nullptr, lzf_filter};
  if (H5Zfilter_avail(lzf_id) <= 0) H5Zregister(&filter);
}

}  // namespace scriptorium::data::hdf5
