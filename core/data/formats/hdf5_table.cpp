#include "core/data/formats/hdf5_table.hpp"

#include <algorithm>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::hdf5 {
namespace {

constexpr int most_embedding_dims = 1000;

[[noreturn]] void unreadable(const File& file, const std::string& path, const std::string& what) {
  throw Error(ErrorCode::BadInput, "`" + path + "` of " + file.name() + " " + what,
              "Copy or download the file again, or write it anew with the program that made it.");
}

std::vector<std::string> as_text(const Dataset& data) {
  if (data.is_text()) return data.read_text();
  Column column;
  if (data.is_float())
    column.values = data.read_all<double>();
  else
    column.values = data.read_all<std::int64_t>();
  std::vector<std::string> out(column.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = column.text(i);
  return out;
}

Categorical make_labels(const File& file, const std::string& path, const std::vector<std::int64_t>& codes,
                        std::vector<std::string> categories) {
  Categorical labels;
  labels.codes.reserve(codes.size());
  for (const std::int64_t code : codes) {
    if (code < -1 || code >= static_cast<std::int64_t>(categories.size()))
      unreadable(
          file, path,
          "has the label code " + std::to_string(code) + " for " + std::to_string(categories.size()) + " labels");
    labels.codes.push_back(static_cast<std::int32_t>(code));
  }
  labels.categories = std::move(categories);
  return labels;
}

/// A dataset of values: numbers, whole numbers, booleans or text.
Column read_values(const Dataset& data) {
  Column column;
  if (data.is_text())
    column.values = data.read_text();
  else if (data.is_float())
    column.values = data.read_all<double>();
  else if (data.is_boolean()) {
    const auto values = data.read_all<std::int64_t>();
    column.values = std::vector<std::uint8_t>(values.begin(), values.end());
  } else {
    column.values = data.read_all<std::int64_t>();
  }
  return column;
}

std::string join(const std::string& group, const std::string& name) {
  return group + "/" + name;
}

/// Names of the rows: text where there is text, and empty where masked.
std::vector<std::string> names_of(const File& file, const std::string& path) {
  const Column column = read_column(file, path);
  std::vector<std::string> names(column.size());
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = column.text(i);
  return names;
}

/// Adds a column read by `read`; one that fails or has another length becomes a note.
template <class Read>
void add_column(Table& table, const std::string& path, const std::string& name, std::vector<std::string>& notes,
                Read read) {
  try {
    Column column = read();
    if (column.size() != table.size())
      throw Error(ErrorCode::BadInput, "`" + path + "/" + name + "` has " +
                                           grouped(static_cast<std::int64_t>(column.size())) + " rows instead of " +
                                           grouped(static_cast<std::int64_t>(table.size())));
    column.name = name;
    table.columns.push_back(std::move(column));
  } catch (const Error& error) {
    notes.push_back("Column left out: " + std::string(error.what()) + ".");
  }
}

Table read_group(const File& file, const std::string& path, const std::string& what, std::vector<std::string>& notes,
                 const RunControl& control) {
  std::string index = text_attribute(file, path, "_index").value_or("");
  for (const char* usual : {"_index", "index"})
    if (index.empty() && kind(file, join(path, usual)) != Kind::None) index = usual;
  if (index.empty()) unreadable(file, path, "does not say what its " + what + "s are called");
  Table table;
  table.names = names_of(file, join(path, index));
  std::vector<std::string> order = text_list_attribute(file, path, "column-order");
  if (order.empty()) order = children(file, path);
  for (const std::string& name : order) {
    control.check();
    if (name == index || name == "__categories") continue;
    add_column(table, path, name, notes, [&] {
      const std::string categories = path + "/__categories/" + name;
      if (kind(file, categories) != Kind::Dataset) return read_column(file, join(path, name));
      Column column;  // anndata 0.7: codes beside a group of categories
      Categorical labels = make_labels(file, join(path, name), Dataset(file, join(path, name)).read_all<std::int64_t>(),
                                       as_text(Dataset(file, categories)));
      labels.ordered = boolean_attribute(file, categories, "ordered").value_or(false);
      column.values = std::move(labels);
      return column;
    });
  }
  return table;
}

/// Before anndata 0.7: one compound dataset, labels as codes with their categories under uns.
Table read_compound(const File& file, const std::string& path, const std::string& what, std::vector<std::string>& notes,
                    const RunControl& control) {
  const Dataset data(file, path);
  const std::vector<Dataset::Field> fields = data.fields();
  const auto index = std::find_if(fields.begin(), fields.end(), [](const Dataset::Field& field) {
    return field.name == "index" || field.name == "_index";
  });
  if (index == fields.end()) unreadable(file, path, "does not say what its " + what + "s are called");
  Table table;
  if (index->type_class == H5T_STRING) {
    table.names = data.read_text_field(*index);
  } else {
    for (const std::int64_t number : data.read_field<std::int64_t>(*index))
      table.names.push_back(std::to_string(number));
  }
  for (const Dataset::Field& field : fields) {
    control.check();
    if (field.name == index->name) continue;
    add_column(table, path, field.name, notes, [&] {
      const std::string categories = "uns/" + field.name + "_categories";
      Column column;
      if (field.type_class == H5T_STRING) {
        column.values = data.read_text_field(field);
      } else if (field.dims != 1 ||
                 (field.type_class != H5T_FLOAT && field.type_class != H5T_INTEGER && !field.is_boolean)) {
        unreadable(file, join(path, field.name), "is of a type that is not read");
      } else if (field.type_class == H5T_FLOAT) {
        column.values = data.read_field<double>(field);
      } else if (field.type_class == H5T_INTEGER && kind(file, categories) == Kind::Dataset) {
        column.values = make_labels(file, join(path, field.name), data.read_field<std::int64_t>(field),
                                    as_text(Dataset(file, categories)));
      } else {
        auto values = data.read_field<std::int64_t>(field);
        if (field.is_boolean)
          column.values = std::vector<std::uint8_t>(values.begin(), values.end());
        else
          column.values = std::move(values);
      }
      return column;
    });
  }
  return table;
}

}  // namespace

Column read_column(const File& file, const std::string& path) {
  if (kind(file, path) != Kind::Group) return read_values(Dataset(file, path));
  Column column;
  if (kind(file, path + "/codes") == Kind::Dataset) {
    Categorical labels = make_labels(file, path, Dataset(file, path + "/codes").read_all<std::int64_t>(),
                                     as_text(Dataset(file, path + "/categories")));
    labels.ordered = boolean_attribute(file, path, "ordered").value_or(false);
    column.values = std::move(labels);
  } else if (kind(file, path + "/values") == Kind::Dataset) {
    column = read_values(Dataset(file, path + "/values"));
    if (kind(file, path + "/mask") == Kind::Dataset) {
      const auto mask = Dataset(file, path + "/mask").read_all<std::int64_t>();
      if (mask.size() != column.size()) unreadable(file, path, "has a mask of another length");
      if (std::any_of(mask.begin(), mask.end(), [](std::int64_t m) { return m != 0; }))
        column.missing.assign(mask.begin(), mask.end());
    }
  } else {
    unreadable(file, path, "is stored as “" + text_attribute(file, path, "encoding-type").value_or("a group") + "”");
  }
  return column;
}

Table read_table(const File& file, const std::string& path, const std::string& what, std::vector<std::string>& notes,
                 const RunControl& control) {
  control.check();
  Table table = kind(file, path) == Kind::Group ? read_group(file, path, what, notes, control)
                                                : read_compound(file, path, what, notes, control);
  make_unique(table.names, what, notes);
  return table;
}

std::vector<Embedding> read_embeddings(const File& file, const std::string& path, std::int64_t n_cells,
                                       std::vector<std::string>& notes) {
  std::vector<Embedding> out;
  const auto add = [&](const std::string& name, std::int64_t rows, std::int64_t dims, const auto& read) {
    if (rows != n_cells || dims < 1 || dims > most_embedding_dims)
      notes.push_back("Embedding left out: `" + path + "/" + name + "` is " + grouped(rows) + " × " + grouped(dims) +
                      ".");
    else
      out.push_back({name, static_cast<int>(dims), read()});
  };
  try {
    if (kind(file, path) == Kind::Dataset) {
      const Dataset data(file, path);
      for (const Dataset::Field& field : data.fields())
        if (field.type_class == H5T_FLOAT)
          add(field.name, data.size(), field.dims, [&] { return data.read_field<float>(field); });
    } else {
      for (const std::string& name : children(file, path)) {
        if (kind(file, path + "/" + name) != Kind::Dataset) continue;  // tables and sparse matrices are no coordinates
        const Dataset data(file, path + "/" + name);
        if (data.shape().size() == 2 && (data.is_float() || data.is_integer()))
          add(name, data.shape()[0], data.shape()[1], [&] { return data.read_all<float>(); });
      }
    }
  } catch (const Error& error) {
    notes.push_back("Embedding left out: " + std::string(error.what()) + ".");
  }
  return out;
}

}  // namespace scriptorium::data::hdf5
