#pragma once
#include <string>

#include "core/storage/file_kind.hpp"
#include "core/storage/hdf5_tree.hpp"

/// Files of this program's own: 512 bytes of plain text (`scriptorium <kind> <version>`, length, CRC-32 of the rest),
/// then an HDF5 file with this text as its user block, so HDF5 tools open it. Length and checksum are held against the
/// bytes before the library sees them.
namespace scriptorium::storage {

/// What a kind of file is called, and how a reader knows its layout.
struct Seal {
  const char* kind;     ///< one word: "fit"
  int version;          ///< of its layout; files with a higher one are refused
  const char* made_by;  ///< "written by `fit` or saved in the window"
};

/// Writes a file built in memory, aside and renamed. @throws Error(Io); what was at `path` stays.
void write_sealed(hid_t file, const Seal& seal, const std::string& path);
/// The HDF5 part of a sealed file, found whole. @throws Error that says what is wrong with it, or what it is instead.
std::string read_sealed(const std::string& path, const Seal& seal);

}  // namespace scriptorium::storage
