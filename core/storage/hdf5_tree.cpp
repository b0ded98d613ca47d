#include "core/storage/hdf5_tree.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/error.hpp"

namespace scriptorium::storage::hdf5 {
namespace {

/// The library takes files of one name for one file, also in memory: threads that write or read at the same time need
/// names of their own, under which no file exists.
std::string name_in_memory() {
  static std::atomic<std::uint64_t> last = 0;
  return "\x01 in memory " + std::to_string(++last);
}

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::Io, "HDF5 could not " + what + ".", "The file may be damaged; write it again.");
}
void check(herr_t status, const std::string& what) {
  if (status < 0) fail(what);
}
Handle string_type(std::size_t length) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a string type");
  check(H5Tset_size(type, std::max<std::size_t>(length, 1)), "size a string type");
  check(H5Tset_cset(type, H5T_CSET_UTF8), "set a character set");
  check(H5Tset_strpad(type, H5T_STR_NULLPAD), "set a padding");
  return type;
}

}  // namespace

Handle::Handle(hid_t id, Closer closer, const std::string& what) : id_(id), closer_(closer) {
  if (id < 0) fail(what);
}
Handle::~Handle() {
  if (id_ >= 0) closer_(id_);
}

Handle create_in_memory() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are thrown, not printed; the setting is per thread
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make a property list");
  check(H5Pset_fapl_core(access, std::size_t{1} << 20, 0), "choose memory as the file");
  Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "make a property list");
  check(H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), "track the order");
  return {H5Fcreate(name_in_memory().c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose, "create a file"};
}

std::vector<std::byte> image_of(hid_t file) {
  check(H5Fflush(file, H5F_SCOPE_GLOBAL), "finish the file");
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  if (size < 0) fail("measure the file");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  if (H5Fget_file_image(file, bytes.data(), bytes.size()) < 0) fail("copy the file");
  return bytes;
}

Handle open_image(const std::string& bytes, const std::string& name) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make a property list");
  check(H5Pset_fapl_core(access, std::size_t{1} << 20, 0), "choose memory as the file");
  check(H5Pset_file_image(access, const_cast<char*>(bytes.data()), bytes.size()), "take the bytes of " + name);
  return {H5Fopen(name_in_memory().c_str(), H5F_ACC_RDONLY, access), H5Fclose, "open " + name};
}

Handle create_group(hid_t parent, const std::string& name) {
  Handle creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "make a property list");
  check(H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), "track the order");
  return {H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT), H5Gclose, "create the group " + name};
}
Handle open_group(hid_t parent, const std::string& name) {
  return {H5Gopen2(parent, name.c_str(), H5P_DEFAULT), H5Gclose, "open the group " + name};
}
bool has(hid_t parent, const std::string& name) {
  return H5Lexists(parent, name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> children(hid_t group) {
  H5G_info_t info;
  check(H5Gget_info(group, &info), "list a group");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    if (length < 0) fail("read a name");
    std::string name(static_cast<std::size_t>(length) + 1, '\0');
    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
    name.pop_back();
    names.push_back(std::move(name));
  }
  return names;
}

void write_raw(hid_t parent, const std::string& name, hid_t type, const void* data, const std::vector<hsize_t>& shape) {
  hsize_t entries = 1;
  for (hsize_t length : shape) entries *= length;
  Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose, "lay out " + name);
  Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make a property list");
  if (entries >= 64) {
    std::vector<hsize_t> chunk = shape;  // about a quarter million entries each, cut along the first axis
    hsize_t rest = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) rest *= shape[i];
    chunk[0] = std::clamp<hsize_t>((hsize_t{1} << 18) / std::max<hsize_t>(rest, 1), 1, shape[0]);
    check(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()), "chunk " + name);
    check(H5Pset_shuffle(creation), "shuffle " + name);
    check(H5Pset_deflate(creation, 4), "compress " + name);
  }
  Handle dataset(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
                 "create " + name);
  if (entries > 0) check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "write " + name);
}

std::size_t count_of(hid_t parent, const std::string& name, std::vector<hsize_t>* shape) {
  Handle dataset(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), H5Dclose, "find " + name);
  Handle space(H5Dget_space(dataset), H5Sclose, "measure " + name);
  const hssize_t entries = H5Sget_simple_extent_npoints(space);
  if (entries < 0) fail("measure " + name);
  if (shape) {
    shape->resize(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
    H5Sget_simple_extent_dims(space, shape->data(), nullptr);
  }
  return static_cast<std::size_t>(entries);
}

void read_raw(hid_t parent, const std::string& name, hid_t type, void* data) {
  Handle dataset(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), H5Dclose, "find " + name);
  check(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "read " + name);
}

void write_strings(hid_t parent, const std::string& name, const std::vector<std::string>& values) {
  std::size_t length = 1;
  for (const auto& value : values) length = std::max(length, value.size());
  std::string packed(values.size() * length, '\0');
  for (std::size_t i = 0; i < values.size(); ++i)
    std::memcpy(packed.data() + i * length, values[i].data(), values[i].size());
  const Handle type = string_type(length);
  write_raw(parent, name, type, packed.data(), {values.size()});
}

std::vector<std::string> read_strings(hid_t parent, const std::string& name) {
  const std::size_t count = count_of(parent, name);
  Handle dataset(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), H5Dclose, "find " + name);
  Handle stored(H5Dget_type(dataset), H5Tclose, "read the type of " + name);
  if (H5Tget_class(stored) != H5T_STRING || H5Tis_variable_str(stored) != 0) fail("read " + name + " as text");
  const std::size_t length = H5Tget_size(stored);
  std::string packed(count * length, '\0');
  if (count > 0) check(H5Dread(dataset, stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data()), "read " + name);
  std::vector<std::string> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* begin = packed.data() + i * length;
    values[i].assign(begin, strnlen(begin, length));
  }
  return values;
}

void write_attribute(hid_t object, const std::string& name, const std::string& value) {
  const Handle type = string_type(value.size());
  Handle space(H5Screate(H5S_SCALAR), H5Sclose, "lay out " + name);
  Handle attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, "create " + name);
  const std::string stored = value.empty() ? std::string(1, '\0') : value;
  check(H5Awrite(attribute, type, stored.data()), "write " + name);
}

std::string read_attribute(hid_t object, const std::string& name) {
  Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "find " + name);
  Handle stored(H5Aget_type(attribute), H5Tclose, "read the type of " + name);
  if (H5Tget_class(stored) != H5T_STRING || H5Tis_variable_str(stored) != 0) fail("read " + name + " as text");
  std::string value(H5Tget_size(stored), '\0');
  check(H5Aread(attribute, stored, value.data()), "read " + name);
  value.resize(strnlen(value.data(), value.size()));
  return value;
}

}  // namespace scriptorium::storage::hdf5
