#include "core/data/formats/anndata_table.hpp"

#include <algorithm>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

constexpr int most_embedding_dims = 1000;

[[noreturn]] void unreadable(const Tree& file, const std::string& path, const std::string& what) {
  throw Error(ErrorCode::BadInput, "`" + path + "` of " + file.name() + " " + what,
              "Copy or download the file again, or write it anew with the program that made it.");
}

std::vector<std::string> texts_of(const Column& column) {
  std::vector<std::string> out(column.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = column.text(i);
  return out;
}

std::vector<std::string> as_text(const Array& data) {
  if (data.is_text()) return data.read_text();
  Column column;
  if (data.is_float())
    column.values = data.read_all<double>();
  else
    column.values = data.read_all<std::int64_t>();
  return texts_of(column);
}

Categorical make_labels(const Tree& file, const std::string& path, const std::vector<std::int64_t>& codes,
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
Column read_values(const Array& data) {
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
std::vector<std::string> names_of(const Tree& file, const std::string& path) {
  return texts_of(read_column(file, path));
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

Table read_group(const Tree& file, const std::string& path, const std::string& what, std::vector<std::string>& notes,
                 const RunControl& control) {
  std::string index = file.text_attribute(path, "_index").value_or("");
  for (const char* usual : {"_index", "index"})
    if (index.empty() && file.kind(join(path, usual)) != NodeKind::None) index = usual;
  if (index.empty()) unreadable(file, path, "does not say what its " + what + "s are called");
  Table table;
  table.names = names_of(file, join(path, index));
  std::vector<std::string> order = file.text_list_attribute(path, "column-order");
  if (order.empty()) order = file.children(path);
  for (const std::string& name : order) {
    control.check();
    if (name == index || name == "__categories") continue;
    add_column(table, path, name, notes, [&] {
      const std::string categories = path + "/__categories/" + name;
      if (file.kind(categories) != NodeKind::Dataset) return read_column(file, join(path, name));
      Column column;  // anndata 0.7: codes beside a group of categories
      Categorical labels = make_labels(file, join(path, name), file.array(join(path, name))->read_all<std::int64_t>(),
                                       as_text(*file.array(categories)));
      labels.ordered = file.boolean_attribute(categories, "ordered").value_or(false);
      column.values = std::move(labels);
      return column;
    });
  }
  return table;
}

/// Before anndata 0.7: one array of records, labels as codes with their categories under uns.
Table table_of_records(const Tree& file, const std::string& path, const std::string& what,
                       std::vector<std::string>& notes, const RunControl& control) {
  std::vector<Column> columns = file.read_records(path, notes, control);
  const auto index = std::find_if(columns.begin(), columns.end(), [](const Column& column) {
    return column.name == "index" || column.name == "_index";
  });
  if (index == columns.end()) unreadable(file, path, "does not say what its " + what + "s are called");
  Table table;
  table.names = texts_of(*index);
  columns.erase(index);
  for (Column& column : columns) {
    control.check();
    const std::string name = column.name, categories = "uns/" + name + "_categories";
    add_column(table, path, name, notes, [&] {
      const auto* codes = std::get_if<std::vector<std::int64_t>>(&column.values);
      if (codes != nullptr && file.kind(categories) == NodeKind::Dataset)
        column.values = make_labels(file, join(path, name), *codes, as_text(*file.array(categories)));
      return std::move(column);
    });
  }
  return table;
}

}  // namespace

Column read_column(const Tree& file, const std::string& path) {
  if (file.kind(path) != NodeKind::Group) return read_values(*file.array(path));
  Column column;
  if (file.kind(path + "/codes") == NodeKind::Dataset) {
    Categorical labels = make_labels(file, path, file.array(path + "/codes")->read_all<std::int64_t>(),
                                     as_text(*file.array(path + "/categories")));
    labels.ordered = file.boolean_attribute(path, "ordered").value_or(false);
    column.values = std::move(labels);
  } else if (file.kind(path + "/values") == NodeKind::Dataset) {
    column = read_values(*file.array(path + "/values"));
    if (file.kind(path + "/mask") == NodeKind::Dataset) {
      const auto mask = file.array(path + "/mask")->read_all<std::int64_t>();
      if (mask.size() != column.size()) unreadable(file, path, "has a mask of another length");
      if (std::any_of(mask.begin(), mask.end(), [](std::int64_t m) { return m != 0; }))
        column.missing.assign(mask.begin(), mask.end());
    }
  } else {
    unreadable(file, path, "is stored as “" + file.text_attribute(path, "encoding-type").value_or("a group") + "”");
  }
  return column;
}

Table read_table(const Tree& file, const std::string& path, const std::string& what, std::vector<std::string>& notes,
                 const RunControl& control) {
  control.check();
  Table table = file.kind(path) == NodeKind::Group ? read_group(file, path, what, notes, control)
                                                   : table_of_records(file, path, what, notes, control);
  make_unique(table.names, what, notes);
  return table;
}

std::vector<Embedding> read_embeddings(const Tree& file, const std::string& path, std::int64_t n_cells,
                                       std::vector<std::string>& notes) {
  std::vector<Embedding> out;
  const auto fits = [&](const std::string& name, std::int64_t rows, std::int64_t dims) {
    const bool fit = rows == n_cells && dims >= 1 && dims <= most_embedding_dims;
    if (!fit)
      notes.push_back("Embedding left out: `" + join(path, name) + "` is " + grouped(rows) + " × " + grouped(dims) +
                      ".");
    return fit;
  };
  try {
    if (file.kind(path) == NodeKind::Dataset) {
      for (Embedding& found : file.read_record_lists(path))
        if (fits(found.name, found.dims < 1 ? 0 : static_cast<std::int64_t>(found.coordinates.size()) / found.dims,
                 found.dims))
          out.push_back(std::move(found));
    }
    for (const std::string& name : file.children(path)) {
      if (file.kind(join(path, name)) != NodeKind::Dataset) continue;  // tables and sparse matrices are no coordinates
      const std::unique_ptr<Array> data = file.array(join(path, name));
      const std::vector<std::int64_t>& shape = data->shape();
      if (shape.size() == 2 && (data->is_float() || data->is_integer()) && fits(name, shape[0], shape[1]))
        out.push_back({name, static_cast<int>(shape[1]), data->read_all<float>()});
    }
  } catch (const Error& error) {
    notes.push_back("Embedding left out: " + std::string(error.what()) + ".");
  }
  return out;
}

}  // namespace scriptorium::data
