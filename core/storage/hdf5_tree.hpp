#pragma once
#include <hdf5.h>

#include <cstdint>
#include <string>
#include <vector>

/// The little of HDF5 that fits, checkpoints and netCDF exports need: files built and read in memory, so that disk
/// errors are met by plain writes, and a damaged file is found by its checksum before the library sees it.
namespace scriptorium::storage::hdf5 {

/// Owns one HDF5 identifier. @throws Error(Io) when the call that made it failed.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);
  Handle(hid_t id, Closer closer, const std::string& what);
  Handle(Handle&& other) noexcept : id_(other.id_), closer_(other.closer_) { other.id_ = -1; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle& operator=(Handle&&) = delete;
  ~Handle();
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  Closer closer_;
};

template <class T>
hid_t native_type();
template <>
inline hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t native_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t native_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
inline hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t native_type<std::uint32_t>() {
  return H5T_NATIVE_UINT32;
}
template <>
inline hid_t native_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}

/// A new file in memory.
Handle create_in_memory();
/// Its bytes as they would stand on disk.
std::vector<std::byte> image_of(hid_t file);
/// A file opened from its bytes. `name` is for messages.
Handle open_image(const std::string& bytes, const std::string& name);

Handle create_group(hid_t parent, const std::string& name);
Handle open_group(hid_t parent, const std::string& name);
bool has(hid_t parent, const std::string& name);
std::vector<std::string> children(hid_t group);

/// Writes numbers with the given shape (empty shape: one number per entry of `count`); compressed from 64 entries.
void write_raw(hid_t parent, const std::string& name, hid_t type, const void* data, const std::vector<hsize_t>& shape);
/// Entry count of a dataset; with `shape` its lengths.
std::size_t count_of(hid_t parent, const std::string& name, std::vector<hsize_t>* shape = nullptr);
void read_raw(hid_t parent, const std::string& name, hid_t type, void* data);

template <class T>
void write(hid_t parent, const std::string& name, const std::vector<T>& values) {
  write_raw(parent, name, native_type<T>(), values.data(), {values.size()});
}
template <class T>
std::vector<T> read(hid_t parent, const std::string& name, std::vector<hsize_t>* shape = nullptr) {
  std::vector<T> values(count_of(parent, name, shape));
  if (!values.empty()) read_raw(parent, name, native_type<T>(), values.data());
  return values;
}
/// Text as fixed-length UTF-8: what every HDF5 reader understands, without the library's variable-length heap.
void write_strings(hid_t parent, const std::string& name, const std::vector<std::string>& values);
std::vector<std::string> read_strings(hid_t parent, const std::string& name);
void write_attribute(hid_t object, const std::string& name, const std::string& value);
std::string read_attribute(hid_t object, const std::string& name);

}  // namespace scriptorium::storage::hdf5
