#pragma once
#include <hdf5.h>
#include <zlib.h>

#include <QTemporaryDir>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

/// Writes small files for the tests of the readers: h5ad by the HDF5 C library, MatrixMarket folders as text.
namespace small_files {

inline void put(const std::string& path, const std::string& text, bool gzipped = false) {
  if (!gzipped) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  gzFile out = gzopen(path.c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
}

/// A group or dataset is made on the way; everything is closed with the file.
class H5 {
 public:
  explicit H5(const std::string& path) : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~H5() { H5Fclose(file_); }
  H5(const H5&) = delete;
  H5& operator=(const H5&) = delete;

  H5& group(const std::string& path) {
    H5Gclose(H5Gcreate2(file_, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    return *this;
  }
  H5& text_attribute(const std::string& object, const char* name, const std::string& value) {
    const hid_t type = text_type(), space = H5Screate(H5S_SCALAR);
    const hid_t attribute =
        H5Acreate_by_name(file_, object.c_str(), name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const char* text = value.c_str();
    H5Awrite(attribute, type, &text);
    H5Aclose(attribute), H5Sclose(space), H5Tclose(type);
    return *this;
  }
  H5& shape_attribute(const std::string& object, std::int64_t rows, std::int64_t columns) {
    const hsize_t two = 2;
    const std::int64_t shape[2] = {rows, columns};
    const hid_t space = H5Screate_simple(1, &two, nullptr);
    const hid_t attribute =
        H5Acreate_by_name(file_, object.c_str(), "shape", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, shape);
    H5Aclose(attribute), H5Sclose(space);
    return *this;
  }
  H5& texts(const std::string& path, const std::vector<std::string>& values) {
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    const hid_t type = text_type();
    write(path, type, type, {values.size()}, pointers.data());
    H5Tclose(type);
    return *this;
  }
  H5& numbers(const std::string& path, const std::vector<double>& values, std::vector<hsize_t> shape = {},
              hid_t stored = H5T_IEEE_F32LE) {
    if (shape.empty()) shape = {values.size()};
    return write(path, stored, H5T_NATIVE_DOUBLE, shape, values.data());
  }
  H5& integers(const std::string& path, const std::vector<std::int64_t>& values, hid_t stored = H5T_STD_I64LE) {
    return write(path, stored, H5T_NATIVE_INT64, {values.size()}, values.data());
  }
  /// A data frame without columns whose rows are named.
  H5& table(const std::string& path, const std::vector<std::string>& names) {
    return group(path).text_attribute(path, "_index", "_index").texts(path + "/_index", names);
  }
  /// A csr or csc matrix.
  H5& sparse(const std::string& path, const std::string& encoding, const std::vector<double>& data,
             const std::vector<std::int64_t>& indices, const std::vector<std::int64_t>& indptr) {
    group(path).text_attribute(path, "encoding-type", encoding);
    return numbers(path + "/data", data).integers(path + "/indices", indices).integers(path + "/indptr", indptr);
  }

 private:
  static hid_t text_type() {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
  }
  H5& write(const std::string& path, hid_t stored, hid_t memory, const std::vector<hsize_t>& shape,
            const void* values) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t data = H5Dcreate2(file_, path.c_str(), stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(data), H5Sclose(space);
    return *this;
  }
  hid_t file_;
};

}  // namespace small_files
