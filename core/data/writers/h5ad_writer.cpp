#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "core/data/measured_sets.hpp"
#include "core/data/writers/key_names.hpp"
#include "core/data/writers/row_writer.hpp"
#include "core/data/writers/writers.hpp"
#include "core/storage/atomic_file.hpp"

namespace scriptorium::data {
namespace {

namespace hdf5 = storage::hdf5;

constexpr Count whole_in_float32 = 1U << 24;  ///< counts up to here are the same as 32-bit floats

void mark(hid_t object, const char* encoding, const char* version) {
  hdf5::write_text_attribute(object, "encoding-type", encoding);
  hdf5::write_text_attribute(object, "encoding-version", version);
}

hdf5::Handle group_of(hid_t parent, const std::string& name, const char* encoding, const char* version) {
  auto group = hdf5::create_group(parent, name);
  mark(group, encoding, version);
  return group;
}

/// Marks the dataset `name` that was just written.
void mark_dataset(hid_t parent, const std::string& name, const char* encoding) {
  const hdf5::Handle dataset(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), H5Dclose, "find " + name);
  mark(dataset, encoding, "0.2.0");
}

template <class T>
void write_list(hid_t parent, const std::string& name, const std::vector<T>& values) {
  hdf5::write(parent, name, values);
  mark_dataset(parent, name, "array");
}
void write_list(hid_t parent, const std::string& name, const std::vector<std::string>& values) {
  hdf5::write_texts(parent, name, values);
  mark_dataset(parent, name, "string-array");
}
void write_list(hid_t parent, const std::string& name, const std::vector<std::uint8_t>& values) {
  hdf5::write_booleans(parent, name, values);
  mark_dataset(parent, name, "array");
}

void write_labels(hid_t parent, const std::string& name, const Categorical& labels) {
  const auto group = group_of(parent, name, "categorical", "0.2.0");
  hdf5::write_boolean_attribute(group, "ordered", labels.ordered);
  write_list(group, "categories", labels.categories);
  write_list(group, "codes", labels.codes);
}

/// Text with missing values becomes labels: every version of anndata reads these, and theirs of its own only the
/// newest.
Categorical labels_of(const Column& column) {
  Categorical out;
  std::map<std::string, std::int32_t> codes;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.is_missing(row)) {
      out.codes.push_back(-1);
      continue;
    }
    const auto [at, is_new] = codes.try_emplace(column.text(row), static_cast<std::int32_t>(out.categories.size()));
    if (is_new) out.categories.push_back(at->first);
    out.codes.push_back(at->second);
  }
  return out;
}

template <class T>
void write_nullable(hid_t parent, const Column& column, const std::vector<T>& values, const char* encoding) {
  if (column.missing.empty()) return write_list(parent, column.name, values);
  const auto group = group_of(parent, column.name, encoding, "0.1.0");
  write_list(group, "values", values);
  write_list(group, "mask", column.missing);
}

void write_column(hid_t parent, const Column& column) {
  if (const auto* labels = std::get_if<Categorical>(&column.values)) return write_labels(parent, column.name, *labels);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
    if (column.missing.empty()) return write_list(parent, column.name, *texts);
    return write_labels(parent, column.name, labels_of(column));
  }
  if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) {
    std::vector<double> values = *numbers;
    for (std::size_t row = 0; row < values.size(); ++row)
      if (column.is_missing(row)) values[row] = std::numeric_limits<double>::quiet_NaN();
    return write_list(parent, column.name, values);
  }
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values))
    return write_nullable(parent, column, *integers, "nullable-integer");
  write_nullable(parent, column, std::get<std::vector<std::uint8_t>>(column.values), "nullable-boolean");
}

/// Names of things beside each other as they can stand in the file. @param notes  gets what had to be changed, once
std::vector<std::string> keys_of(const std::vector<std::string>& names, std::vector<std::string>& notes) {
  auto keys = key_names(names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (keys[i] == names[i]) continue;
    const std::string note =
        "\"" + names[i] + "\" is named \"" + keys[i] + "\" in the file, which cannot hold the name.";
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  }
  return keys;
}

void write_table(hid_t parent, const std::string& name, const Table& table, std::vector<std::string>& notes) {
  const auto group = group_of(parent, name, "dataframe", "0.2.0");
  std::string index = "_index";
  while (table.find(index) != nullptr) index += "_";
  write_list(group, index, table.names);
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  const auto order = keys_of(names, notes);
  for (std::size_t j = 0; j < order.size(); ++j) {
    Column column = table.columns[j];
    column.name = order[j];
    write_column(group, column);
  }
  hdf5::write_text_attribute(group, "_index", index);
  hdf5::write_text_list_attribute(group, "column-order", order);
}

bool is_left_out(const nlohmann::json& value) {
  return value.is_null() || (value.is_structured() && value.empty());
}

void write_values(hid_t group, const nlohmann::json& object, std::vector<std::string>& notes);

/// A value of uns.
void write_value(hid_t parent, const std::string& name, const nlohmann::json& value, std::vector<std::string>& notes) {
  const auto all = [&](auto is) { return std::all_of(value.begin(), value.end(), is); };
  if (is_left_out(value)) return;
  if (value.is_object()) {
    write_values(group_of(parent, name, "dict", "0.1.0"), value, notes);
  } else if (value.is_boolean() || value.is_number_integer()) {
    const auto number = value.is_boolean() ? std::int64_t{value.get<bool>()} : value.get<std::int64_t>();
    hdf5::write_raw(parent, name, H5T_NATIVE_INT64, &number, {});
    mark_dataset(parent, name, "numeric-scalar");
  } else if (value.is_number()) {
    const auto number = value.get<double>();
    hdf5::write_raw(parent, name, H5T_NATIVE_DOUBLE, &number, {});
    mark_dataset(parent, name, "numeric-scalar");
  } else if (value.is_array() && all([](const auto& entry) { return entry.is_number(); })) {
    write_list(parent, name, value.get<std::vector<double>>());
  } else if (value.is_array() && all([](const auto& entry) { return entry.is_string(); })) {
    write_list(parent, name, value.get<std::vector<std::string>>());
  } else {
    hdf5::write_text(parent, name, value.is_string() ? value.get<std::string>() : value.dump());
    mark_dataset(parent, name, "string");
  }
}

void write_values(hid_t group, const nlohmann::json& object, std::vector<std::string>& notes) {
  std::vector<std::string> names;
  for (const auto& [key, entry] : object.items())
    if (!is_left_out(entry)) names.push_back(key);
  const auto keys = keys_of(names, notes);
  for (std::size_t i = 0; i < keys.size(); ++i) write_value(group, keys[i], object[names[i]], notes);
}

void write_matrix(hid_t parent, const WideMatrix& matrix) {
  const auto columns = static_cast<hsize_t>(matrix.columns);
  hdf5::write_raw(parent, matrix.name, H5T_NATIVE_DOUBLE, matrix.values.data(),
                  {matrix.values.size() / std::max<hsize_t>(columns, 1), columns});
  mark_dataset(parent, matrix.name, "array");
}

void write_trees(hid_t parent, const std::vector<TableTree>& trees, std::vector<std::string>& notes,
                 const RunControl& control) {
  std::vector<std::string> names;
  for (const TableTree& tree : trees) names.push_back(tree.name);
  const auto keys = keys_of(names, notes);
  for (std::size_t i = 0; i < trees.size(); ++i) {
    control.check();
    if (trees[i].table)
      write_table(parent, keys[i], trees[i].table(), notes);
    else if (!trees[i].branches.empty())
      write_trees(group_of(parent, keys[i], "dict", "0.1.0"), trees[i].branches, notes, control);
  }
}

/// Counts to write: how they come, and who sends them.
struct Counts {
  Major major = Major::Cell;
  std::int64_t nnz = 0;
  Count max_count = 0;
  CountSource send;  ///< also begins the sink
};

void write_counts(hid_t parent, const std::string& name, const Dataset& tables, const Counts& counts,
                  const RunControl& control) {
  const bool by_cell = counts.major == Major::Cell;
  const auto n_cells = static_cast<std::int64_t>(tables.cells.size()),
             n_genes = static_cast<std::int64_t>(tables.genes.size());
  const auto group = group_of(parent, name, by_cell ? "csr_matrix" : "csc_matrix", "0.1.0");
  hdf5::write_integers_attribute(group, "shape", {n_cells, n_genes});
  const bool wide = counts.nnz > std::numeric_limits<std::int32_t>::max();
  RowWriter rows(group, by_cell ? n_cells : n_genes,
                 {counts.max_count <= whole_in_float32 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE,
                  wide ? H5T_STD_I64LE : H5T_STD_I32LE, wide ? H5T_STD_I64LE : H5T_STD_I32LE});
  Told told(rows, "writing " + name, counts.nnz, control);
  counts.send(told);
  rows.finish();
}

/// About so many values of a layer are in memory at a time.
constexpr std::int64_t values_at_a_time = std::int64_t{1} << 18;

void write_layer(hid_t parent, const StreamedLayer& layer, std::int64_t n_cells, std::int64_t n_genes,
                 const RunControl& control) {
  {
    hdf5::RowsOfNumbers rows(parent, layer.name, layer.wide ? H5T_IEEE_F64LE : H5T_IEEE_F32LE,
                             static_cast<hsize_t>(n_cells), static_cast<hsize_t>(n_genes));
    const std::int64_t step = std::max<std::int64_t>(1, values_at_a_time / std::max<std::int64_t>(n_genes, 1));
    for (std::int64_t first = 0; first < n_cells; first += step) {
      control.check();
      control.tell(static_cast<double>(first) / static_cast<double>(n_cells), "writing " + layer.name);
      rows.append(layer.rows(first, std::min(n_cells, first + step)));
    }
  }
  mark_dataset(parent, layer.name, "array");
}

std::vector<std::string> write(const Dataset& tables, const Counts& counts, const nlohmann::json& values,
                               const H5adExtras& extras, const std::string& path, const RunControl& control) {
  std::vector<std::string> notes;
  const bool complete = tables.missing.none();
  storage::NewFile place(path);
  auto file = hdf5::create_on_disk(place.aside());
  {
    mark(file, "anndata", "0.1.0");
    Table cells = tables.cells;
    if (!complete) {
      std::erase_if(cells.columns, [](const Column& column) { return column.name == measured_sets::cell_column; });
      cells.columns.push_back(measured_sets::of_cells(tables.missing, cells.size()));
    }
    control.tell(0, "writing the tables of cells and genes");
    write_table(file, "obs", cells, notes);
    control.check();
    write_table(file, "var", tables.genes, notes);
    control.check();
    for (const char* name : {"obsp", "varp"}) group_of(file, name, "dict", "0.1.0");
    const auto varm = group_of(file, "varm", "dict", "0.1.0"), uns = group_of(file, "uns", "dict", "0.1.0"),
               layers = group_of(file, "layers", "dict", "0.1.0"), obsm = group_of(file, "obsm", "dict", "0.1.0");
    for (const Embedding& embedding : tables.embeddings) {
      hdf5::write_raw(obsm, embedding.name, H5T_NATIVE_FLOAT, embedding.coordinates.data(),
                      {tables.cells.size(), static_cast<hsize_t>(embedding.dims)});
      mark_dataset(obsm, embedding.name, "array");
      control.check();
    }
    for (const WideMatrix& matrix : extras.embeddings) write_matrix(obsm, matrix);
    control.check();
    write_values(uns, values, notes);
    for (const WideMatrix& matrix : extras.matrices) write_matrix(uns, matrix);
    control.tell(0, "writing tables");
    write_trees(uns, extras.tables, notes, control);
    if (complete) {
      write_counts(file, "X", tables, counts, control);
    } else {
      write_table(varm, measured_sets::gene_table, measured_sets::of_genes(tables.missing, tables.genes.names), notes);
      hdf5::write_text(uns, "not_measured", measured_sets::note);
      mark_dataset(uns, "not_measured", "string");
      write_counts(layers, measured_sets::layer, tables, counts, control);
      notes.emplace_back(measured_sets::note);
    }
    for (const StreamedLayer& layer : extras.layers)
      write_layer(layers, layer, static_cast<std::int64_t>(tables.cells.size()),
                  static_cast<std::int64_t>(tables.genes.size()), control);
  }
  hdf5::close_file(file);
  place.put_in_place();
  return notes;
}

}  // namespace

std::vector<std::string> write_h5ad(const PackedDataset& data, const std::string& path, const RunControl& control) {
  const auto send = [&](CountSink& sink) { data.send(sink, 1, control); };
  return write(data.tables(), {data.major(), data.packed().nnz(), data.packed().max_count(), send},
               nlohmann::json::object(), {}, path, control);
}

std::vector<std::string> write_h5ad(const Dataset& data, const nlohmann::json& uns, const std::string& path,
                                    const RunControl& control) {
  return write_h5ad(data, uns, H5adExtras{}, path, control);
}

std::vector<std::string> write_h5ad(const Dataset& data, const nlohmann::json& uns,
                                    const std::vector<StreamedLayer>& layers, const std::string& path,
                                    const RunControl& control) {
  return write_h5ad(data, uns, H5adExtras{layers, {}, {}, {}}, path, control);
}

std::vector<std::string> write_h5ad(const Dataset& data, const nlohmann::json& uns, const H5adExtras& extras,
                                    const std::string& path, const RunControl& control) {
  const auto& counts = data.counts;
  const Count largest = counts.count.empty() ? 0 : *std::max_element(counts.count.begin(), counts.count.end());
  const auto send = [&](CountSink& sink) {
    sink.begin(data.cells, data.genes);
    source_of(counts)(sink);
  };
  return write(data, {Major::Cell, counts.nnz(), largest, send}, uns, extras, path, control);
}

}  // namespace scriptorium::data
