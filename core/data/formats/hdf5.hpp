#pragma once
#include <hdf5.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/data/formats/tree.hpp"

/// The HDF5 C library behind small owning handles. Nothing here trusts a header: sizes are held against what the file
/// can contain before memory is asked for. Links out of the file and storage outside it are refused.
namespace scriptorium::data::hdf5 {

/// Closes an HDF5 identifier when it goes.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): stands in for the identifier
  bool valid() const { return id_ >= 0; }

 private:
  hid_t id_;
  Close close_;
};

/// True when the file begins as HDF5 files do (the signature may also lie at 512, 1024, 2048, … bytes).
bool has_signature(const std::string& path);

/// A file opened for reading. Its members as a Tree are the functions below.
class File final : public Tree {
 public:
  explicit File(const std::string& path);  ///< @throws Error when HDF5 cannot open it
  hid_t id() const { return handle_; }
  const std::string& name() const override { return name_; }
  std::uint64_t bytes() const { return bytes_; }

  NodeKind kind(const std::string& path) const override;
  std::vector<std::string> children(const std::string& group) const override;
  std::optional<std::string> text_attribute(const std::string& path, const char* attribute) const override;
  std::vector<std::string> text_list_attribute(const std::string& path, const char* attribute) const override;
  std::vector<std::int64_t> integer_attribute(const std::string& path, const char* attribute) const override;
  std::optional<bool> boolean_attribute(const std::string& path, const char* attribute) const override;
  std::unique_ptr<Array> array(const std::string& path) const override;
  std::vector<Column> read_records(const std::string& path, std::vector<std::string>& notes,
                                   const RunControl& control) const override;
  std::vector<Embedding> read_record_lists(const std::string& path) const override;

 private:
  std::string name_;
  std::uint64_t bytes_ = 0;
  Handle handle_;
};

using Kind = NodeKind;
/// What lies at `path` below the root. External links count as Other and are never followed.
Kind kind(const File& file, const std::string& path);
/// Names below a group in alphabetical order; empty for what is no group.
std::vector<std::string> children(const File& file, const std::string& group);

/// Attribute of the group or dataset at `path`, if there and of that kind.
std::optional<std::string> text_attribute(const File& file, const std::string& path, const char* name);
std::vector<std::string> text_list_attribute(const File& file, const std::string& path, const char* name);
std::vector<std::int64_t> integer_attribute(const File& file, const std::string& path, const char* name);
std::optional<bool> boolean_attribute(const File& file, const std::string& path, const char* name);

/// A dataset: extents, type and reads.
class Dataset final : public Array {
 public:
  Dataset(const File& file, const std::string& path);  ///< @throws Error when there is none or it cannot be read
  const std::vector<std::int64_t>& shape() const override { return shape_; }
  std::int64_t size() const override { return size_; }
  std::int64_t chunk_rows() const override { return chunk_rows_; }
  std::string dtype() const override;
  bool is_float() const override { return class_ == H5T_FLOAT; }
  bool is_integer() const override { return class_ == H5T_INTEGER; }
  bool is_boolean() const override;
  bool is_text() const override { return class_ == H5T_STRING; }
  bool is_compound() const { return class_ == H5T_COMPOUND; }

  std::vector<std::string> read_text() const override;

  /// One field of a compound dataset.
  struct Field {
    std::string name;
    H5T_class_t type_class;
    int dims;  ///< values per row: above 1 for an array field
    bool is_boolean;
  };
  std::vector<Field> fields() const;
  template <class T>
  std::vector<T> read_field(const Field& field) const;
  std::vector<std::string> read_text_field(const Field& field) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void read_into(std::int64_t first, std::int64_t n, std::vector<double>& out) const override {
    read_as(first, n, out);
  }
  void read_into(std::int64_t first, std::int64_t n, std::vector<float>& out) const override { read_as(first, n, out); }
  void read_into(std::int64_t first, std::int64_t n, std::vector<std::int64_t>& out) const override {
    read_as(first, n, out);
  }
  template <class T>
  void read_as(std::int64_t first, std::int64_t n, std::vector<T>& out) const;
  void read_raw(hid_t memory_type, std::int64_t first, std::int64_t n, void* out) const;
  std::vector<std::string> read_text_as(const Handle& stored, const std::string& field) const;

  const File& file_;
  std::string path_;
  Handle id_, type_, space_;
  H5T_class_t class_;
  std::vector<std::int64_t> shape_;
  std::int64_t size_ = 1, row_size_ = 1, chunk_rows_ = 0;
};

}  // namespace scriptorium::data::hdf5
