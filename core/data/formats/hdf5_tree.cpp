#include "core/data/formats/hdf5.hpp"
#include "core/error.hpp"

// An HDF5 file as a Tree.
namespace scriptorium::data::hdf5 {
namespace {

/// One column of an array of records. Labels come as codes.
Column read_column(const File& file, const std::string& path, const Dataset& data, const Dataset::Field& field) {
  Column column;
  column.name = field.name;
  if (field.type_class == H5T_STRING) {
    column.values = data.read_text_field(field);
  } else if (field.dims != 1 ||
             (field.type_class != H5T_FLOAT && field.type_class != H5T_INTEGER && !field.is_boolean)) {
    throw Error(ErrorCode::BadInput,
                "`" + path + "/" + field.name + "` of " + file.name() + " is of a type that is not read");
  } else if (field.type_class == H5T_FLOAT) {
    column.values = data.read_field<double>(field);
  } else {
    auto values = data.read_field<std::int64_t>(field);
    if (field.is_boolean)
      column.values = std::vector<std::uint8_t>(values.begin(), values.end());
    else
      column.values = std::move(values);
  }
  return column;
}

}  // namespace

NodeKind File::kind(const std::string& path) const {
  return hdf5::kind(*this, path);
}
std::vector<std::string> File::children(const std::string& group) const {
  return hdf5::children(*this, group);
}
std::optional<std::string> File::text_attribute(const std::string& path, const char* attribute) const {
  return hdf5::text_attribute(*this, path, attribute);
}
std::vector<std::string> File::text_list_attribute(const std::string& path, const char* attribute) const {
  return hdf5::text_list_attribute(*this, path, attribute);
}
std::vector<std::int64_t> File::integer_attribute(const std::string& path, const char* attribute) const {
  return hdf5::integer_attribute(*this, path, attribute);
}
std::optional<bool> File::boolean_attribute(const std::string& path, const char* attribute) const {
  return hdf5::boolean_attribute(*this, path, attribute);
}
std::unique_ptr<Array> File::array(const std::string& path) const {
  return std::make_unique<Dataset>(*this, path);
}

std::vector<Column> File::read_records(const std::string& path, std::vector<std::string>& notes,
                                       const RunControl& control) const {
  const Dataset data(*this, path);
  std::vector<Column> columns;
  for (const Dataset::Field& field : data.fields()) {
    control.check();
    try {
      columns.push_back(read_column(*this, path, data, field));
    } catch (const Error& error) {
      notes.push_back("Column left out: " + std::string(error.what()) + ".");
    }
  }
  return columns;
}

std::vector<Embedding> File::read_record_lists(const std::string& path) const {
  const Dataset data(*this, path);
  std::vector<Embedding> out;
  for (const Dataset::Field& field : data.fields())
    if (field.type_class == H5T_FLOAT)
      out.push_back({field.name, field.dims, field.dims < 1 ? std::vector<float>{} : data.read_field<float>(field)});
  return out;
}

}  // namespace scriptorium::data::hdf5
