#include "core/storage/hdf5_stream.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace scriptorium::storage::hdf5 {
namespace {

constexpr hsize_t chunk = hsize_t{1} << 17;  ///< values
constexpr unsigned deflate_level = 4;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::Io, "HDF5 could not write " + what + ".",
              "Free some space or choose another place; what was there is unchanged.");
}
void check(herr_t status, const std::string& what) {
  if (status < 0) fail(what);
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a string type");
  check(H5Tset_size(type, H5T_VARIABLE), "a string type");
  check(H5Tset_cset(type, H5T_CSET_UTF8), "a string type");
  return type;
}

Handle boolean_type() {
  Handle type(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose, "make a boolean type");
  const std::int8_t no = 0, yes = 1;
  check(H5Tenum_insert(type, "FALSE", &no), "a boolean type");
  check(H5Tenum_insert(type, "TRUE", &yes), "a boolean type");
  return type;
}

std::vector<const char*> pointers_to(const std::vector<std::string>& values) {
  std::vector<const char*> out;
  for (const std::string& value : values) out.push_back(value.c_str());
  return out;
}

void write_attribute_of(hid_t object, const std::string& name, hid_t type, const void* value, hid_t space) {
  const Handle attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                         "create " + name);
  check(H5Awrite(attribute, type, value), name);
}

Handle scalar() {
  return {H5Screate(H5S_SCALAR), H5Sclose, "lay out one value"};
}
Handle list_of(hsize_t n) {
  return {H5Screate_simple(1, &n, nullptr), H5Sclose, "lay out a list"};
}

}  // namespace

Handle create_on_disk(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are thrown, not printed; the setting is per thread
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make a property list");
  check(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "a file");
  check(H5Pset_file_locking(access, 0, 1), "a file");  // some file systems cannot lock; nobody else knows its name yet
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose, "create a file"};
}

void close_file(Handle& file) {
  check(H5Fflush(file, H5F_SCOPE_GLOBAL), "the file to its end");
  const Handle closed = std::move(file);
}

void write_texts(hid_t parent, const std::string& name, const std::vector<std::string>& values) {
  const Handle type = text_type(), space = list_of(values.size());
  const Handle dataset(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
                       "create " + name);
  const auto pointers = pointers_to(values);
  if (!values.empty()) check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()), name);
}

void write_text(hid_t parent, const std::string& name, const std::string& value) {
  const Handle type = text_type(), space = scalar();
  const Handle dataset(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
                       "create " + name);
  const char* text = value.c_str();
  check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text), name);
}

void write_text_attribute(hid_t object, const std::string& name, const std::string& value) {
  const char* text = value.c_str();
  write_attribute_of(object, name, text_type(), &text, scalar());
}

void write_text_list_attribute(hid_t object, const std::string& name, const std::vector<std::string>& values) {
  const auto pointers = pointers_to(values);
  const char* none = "";
  write_attribute_of(object, name, text_type(), values.empty() ? &none : pointers.data(), list_of(values.size()));
}

void write_booleans(hid_t parent, const std::string& name, const std::vector<std::uint8_t>& values) {
  write_raw(parent, name, boolean_type(), values.data(), {values.size()});
}

void write_boolean_attribute(hid_t object, const std::string& name, bool value) {
  const std::int8_t byte = value ? 1 : 0;
  write_attribute_of(object, name, boolean_type(), &byte, scalar());
}

void write_integers_attribute(hid_t object, const std::string& name, const std::vector<std::int64_t>& values) {
  write_attribute_of(object, name, H5T_NATIVE_INT64, values.data(), list_of(values.size()));
}

template <class T>
GrowingList<T>::GrowingList(hid_t parent, const std::string& name, hid_t stored)
    : dataset_([&] {
        const hsize_t none = 0, unlimited = H5S_UNLIMITED;
        const Handle space(H5Screate_simple(1, &none, &unlimited), H5Sclose, "lay out " + name);
        const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make a property list");
        check(H5Pset_chunk(creation, 1, &chunk), name);
        check(H5Pset_shuffle(creation), name);
        check(H5Pset_deflate(creation, deflate_level), name);
        return Handle(H5Dcreate2(parent, name.c_str(), stored, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
                      "create " + name);
      }()),
      name_(name) {}

template <class T>
void GrowingList<T>::append(std::span<const T> values) {
  while (!values.empty()) {
    const auto n = std::min<std::size_t>(values.size(), chunk - waiting_.size());
    waiting_.insert(waiting_.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n));
    values = values.subspan(n);
    if (waiting_.size() == chunk) flush();
  }
}

template <class T>
void GrowingList<T>::flush() {
  const hsize_t n = waiting_.size(), all = written_ + n;
  if (n == 0) return;
  check(H5Dset_extent(dataset_, &all), name_);
  const Handle memory = list_of(n);
  const Handle file(H5Dget_space(dataset_), H5Sclose, "measure " + name_);
  check(H5Sselect_hyperslab(file, H5S_SELECT_SET, &written_, nullptr, &n, nullptr), name_);
  check(H5Dwrite(dataset_, native_type<T>(), memory, file, H5P_DEFAULT, waiting_.data()), name_);
  written_ = all;
  waiting_.clear();
}

template <class T>
hsize_t GrowingList<T>::finish() {
  flush();
  return written_;
}

template class GrowingList<std::int64_t>;
template class GrowingList<std::uint32_t>;

namespace {
Handle new_rows(hid_t parent, const std::string& name, hid_t stored, hsize_t rows, hsize_t columns) {
  const hsize_t shape[2] = {rows, columns};
  const Handle space(H5Screate_simple(2, shape, nullptr), H5Sclose, "lay out " + name);
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make a property list");
  if (rows > 0 && columns > 0) {
    const hsize_t wide = std::min(columns, chunk), piece[2] = {std::clamp<hsize_t>(chunk / wide, 1, rows), wide};
    check(H5Pset_chunk(properties, 2, piece), name);
    check(H5Pset_shuffle(properties), name);
    check(H5Pset_deflate(properties, 1), name);  // dense values hardly shrink: more effort is not worth its time
  }
  return {H5Dcreate2(parent, name.c_str(), stored, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
          "create " + name};
}
}  // namespace

RowsOfNumbers::RowsOfNumbers(hid_t parent, const std::string& name, hid_t stored, hsize_t rows, hsize_t columns)
    : dataset_(new_rows(parent, name, stored, rows, columns)), name_(name), columns_(columns) {}

void RowsOfNumbers::append(std::span<const double> values) {
  if (columns_ == 0 || values.empty()) return;
  const hsize_t first[2] = {written_, 0}, size[2] = {values.size() / columns_, columns_};
  const Handle in_file(H5Dget_space(dataset_), H5Sclose, "find " + name_),
      in_memory(H5Screate_simple(2, size, nullptr), H5Sclose, "lay out rows");
  check(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, first, nullptr, size, nullptr), name_);
  check(H5Dwrite(dataset_, H5T_NATIVE_DOUBLE, in_memory, in_file, H5P_DEFAULT, values.data()), name_);
  written_ += size[0];
}

}  // namespace scriptorium::storage::hdf5
