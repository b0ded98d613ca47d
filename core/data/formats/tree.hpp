#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/progress.hpp"

/// What an HDF5 file and a Zarr store have in common: named groups and arrays with attributes. The layout of anndata is
/// read through it, whichever of the two holds it.
namespace scriptorium::data {

class MatrixReading;

enum class NodeKind { None, Group, Dataset, Other };

/// A list or table of values of one type. All errors name the file and the path.
class Array {
 public:
  virtual ~Array() = default;
  virtual const std::vector<std::int64_t>& shape() const = 0;
  virtual std::int64_t size() const = 0;        ///< number of values, 1 for a scalar
  virtual std::int64_t chunk_rows() const = 0;  ///< along the first axis, 0 where it is in one piece
  /// "float32", "int64", "uint8", "boolean", "text", "compound", …
  virtual std::string dtype() const = 0;
  virtual bool is_float() const = 0;
  virtual bool is_integer() const = 0;
  virtual bool is_boolean() const = 0;
  virtual bool is_text() const = 0;

  /// Values [first, first + n) along the first axis (all of the other axis) as double, std::int64_t or float.
  template <class T>
  std::vector<T> read(std::int64_t first, std::int64_t n) const {
    std::vector<T> out;
    read_into(first, n, out);
    return out;
  }
  template <class T>
  std::vector<T> read_all() const {
    return read<T>(0, shape().empty() ? 1 : shape()[0]);
  }
  /// Text values as valid UTF-8. @throws Error if it holds no text
  virtual std::vector<std::string> read_text() const = 0;

  /// Whether several threads may read at once.
  virtual bool is_concurrent() const { return false; }
  /// Reads a matrix of numbers whose rows are cells or genes. Here row by row; an array that can do better does.
  virtual void scan(MatrixReading& reading, Major rows) const;

 protected:
  virtual void read_into(std::int64_t first, std::int64_t n, std::vector<double>& out) const = 0;
  virtual void read_into(std::int64_t first, std::int64_t n, std::vector<float>& out) const = 0;
  virtual void read_into(std::int64_t first, std::int64_t n, std::vector<std::int64_t>& out) const = 0;
};

class Tree {
 public:
  virtual ~Tree() = default;
  virtual const std::string& name() const = 0;  ///< last component of its path, for messages
  /// What lies at `path` below the root. What lies outside of the file counts as Other and is never followed.
  virtual NodeKind kind(const std::string& path) const = 0;
  /// Names below a group in alphabetical order; empty for what is no group.
  virtual std::vector<std::string> children(const std::string& group) const = 0;
  /// Attribute of the group or array at `path`, if there and of that kind.
  virtual std::optional<std::string> text_attribute(const std::string& path, const char* name) const = 0;
  virtual std::vector<std::string> text_list_attribute(const std::string& path, const char* name) const = 0;
  virtual std::vector<std::int64_t> integer_attribute(const std::string& path, const char* name) const = 0;
  virtual std::optional<bool> boolean_attribute(const std::string& path, const char* name) const = 0;
  /// @throws Error when there is none or it cannot be read
  virtual std::unique_ptr<Array> array(const std::string& path) const = 0;

  /// The columns of an array of records: how anndata before 0.7 kept tables. One that cannot be read is left out with a
  /// note. @throws Error where files of this kind have none
  virtual std::vector<Column> read_records(const std::string& path, std::vector<std::string>& notes,
                                           const RunControl& control) const = 0;
  /// The lists of numbers in an array of records: how it kept coordinates.
  virtual std::vector<Embedding> read_record_lists(const std::string& path) const = 0;
};

}  // namespace scriptorium::data
