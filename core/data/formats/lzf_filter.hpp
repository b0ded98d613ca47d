#pragma once
#include <cstddef>
#include <span>

namespace scriptorium::data::hdf5 {

/// Unpacks an LZF stream (the fast compression that h5py writes) into `out`.
/// @returns bytes written, or 0 when the stream is damaged or does not fit
std::size_t unpack_lzf(std::span<const unsigned char> packed, std::span<unsigned char> out);

/// Makes LZF (filter 32000, which the HDF5 library itself lacks) readable; does nothing when called again.
void register_lzf();

}  // namespace scriptorium::data::hdf5
