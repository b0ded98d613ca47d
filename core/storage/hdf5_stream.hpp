#pragma once
#include <span>

#include "core/storage/hdf5_tree.hpp"

/// HDF5 files of other programs' layouts, written piece by piece, so that memory does not follow the file.
namespace scriptorium::storage::hdf5 {

/// A new file on the disk, in place of what is at `path`.
Handle create_on_disk(const std::string& path);
/// Closes it and with it everything that is open in it. @throws Error(Io) when its end could not be written
void close_file(Handle& file);

/// Text of any length, as h5py writes it.
void write_texts(hid_t parent, const std::string& name, const std::vector<std::string>& values);
void write_text(hid_t parent, const std::string& name, const std::string& value);
void write_text_attribute(hid_t object, const std::string& name, const std::string& value);
void write_text_list_attribute(hid_t object, const std::string& name, const std::vector<std::string>& values);
/// Booleans as h5py writes them: an enumeration FALSE, TRUE of bytes.
void write_booleans(hid_t parent, const std::string& name, const std::vector<std::uint8_t>& values);
void write_boolean_attribute(hid_t object, const std::string& name, bool value);
void write_integers_attribute(hid_t object, const std::string& name, const std::vector<std::int64_t>& values);

/// A table of numbers of one type, rows × columns, written a few rows at a time and compressed.
class RowsOfNumbers {
 public:
  /// @param stored  type in the file
  RowsOfNumbers(hid_t parent, const std::string& name, hid_t stored, hsize_t rows, hsize_t columns);
  /// The next rows, row-major: a whole number of them.
  void append(std::span<const double> values);

 private:
  Handle dataset_;
  std::string name_;
  hsize_t columns_, written_ = 0;
};

/// A list of numbers that grows at its end, compressed.
template <class T>
class GrowingList {
 public:
  /// @param stored  type in the file; values must fit it
  GrowingList(hid_t parent, const std::string& name, hid_t stored);
  void append(std::span<const T> values);
  /// Writes what is left. @returns how many values there are
  hsize_t finish();

 private:
  void flush();
  Handle dataset_;
  std::string name_;
  std::vector<T> waiting_;
  hsize_t written_ = 0;
};
extern template class GrowingList<std::int64_t>;
extern template class GrowingList<std::uint32_t>;

}  // namespace scriptorium::storage::hdf5
