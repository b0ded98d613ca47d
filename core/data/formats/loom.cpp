#include "core/data/formats/anndata_table.hpp"
#include "core/data/formats/formats.hpp"
#include "core/data/formats/hdf5.hpp"
#include "core/data/formats/layers.hpp"
#include "core/data/formats/matrix_scan.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

// Loom: `matrix` and `layers/…` are dense, genes × cells; row_attrs describes the genes and col_attrs the cells, one
// dataset a column. Which of them holds the names differs with the program that wrote the file.
namespace scriptorium::data {
namespace {

using hdf5::File;

constexpr std::int64_t most_dims = 1000;  ///< of an embedding

/// Datasets that name the rows of a table, the usual one first.
using Candidates = std::vector<const char*>;
const Candidates cell_names{"CellID",  "obs_names", "cell_id", "cell_ids", "CellId", "cell_names",
                            "barcode", "barcodes",  "Barcode", "index",    "_index"};
const Candidates gene_names{"Gene",      "gene",    "gene_names", "GeneName", "Symbol", "var_names",
                            "Accession", "gene_id", "gene_ids",   "index",    "_index"};

/// Rows of a dataset that has one value, or some values, a row of the table.
std::int64_t rows_of(const hdf5::Dataset& data) {
  return data.shape().empty() ? -1 : data.shape()[0];
}

/// Two numbers a cell as fields called _X and _Y, as SCope writes them.
bool add_compound(const hdf5::Dataset& data, const std::string& name, std::vector<Embedding>& out) {
  const auto fields = data.fields();
  if (fields.size() != 2 || fields[0].name != "_X" || fields[1].name != "_Y") return false;
  for (const auto& field : fields)
    if (field.type_class != H5T_FLOAT || field.dims != 1) return false;
  const auto x = data.read_field<float>(fields[0]), y = data.read_field<float>(fields[1]);
  Embedding embedding{name, 2, {}};
  for (std::size_t i = 0; i < x.size(); ++i) embedding.coordinates.insert(embedding.coordinates.end(), {x[i], y[i]});
  out.push_back(std::move(embedding));
  return true;
}

/// Reads the datasets below `group` as the columns of a table; those with several values a row are coordinates, where
/// the caller has a place for them.
Table read_attributes(const File& file, const std::string& group, std::int64_t n, const Candidates& names,
                      const std::string& what, std::vector<Embedding>* embeddings, std::vector<std::string>& notes,
                      const RunControl& control) {
  Table table;
  std::string named_by;
  for (const char* candidate : names) {
    const std::string path = group + "/" + candidate;
    if (file.kind(path) != NodeKind::Dataset) continue;
    const Column column = read_column(file, path);
    if (static_cast<std::int64_t>(column.size()) != n) continue;
    for (std::int64_t i = 0; i < n; ++i) table.names.push_back(column.text(static_cast<std::size_t>(i)));
    named_by = candidate;
    break;
  }
  if (named_by.empty()) table.names = generated_names(n, what, notes);
  make_unique(table.names, what, notes);
  for (const std::string& name : file.children(group)) {
    control.check();
    if (name == named_by || file.kind(group + "/" + name) != NodeKind::Dataset) continue;
    try {
      const hdf5::Dataset data(file, group + "/" + name);
      const bool one_each = data.size() == n && rows_of(data) == n;
      if (one_each && !data.is_compound()) {
        table.columns.push_back(read_column(file, group + "/" + name));
        table.columns.back().name = name;
        continue;
      }
      if (embeddings != nullptr && one_each && add_compound(data, name, *embeddings)) continue;
      const bool coordinates =
          embeddings != nullptr && rows_of(data) == n && data.is_float() && data.size() / n <= most_dims;
      if (!coordinates) throw Error(ErrorCode::BadInput, "`" + group + "/" + name + "` has not one value a " + what);
      embeddings->push_back({name, static_cast<int>(data.size() / n), data.read_all<float>()});
    } catch (const Error& error) {
      notes.push_back("Column left out: " + std::string(error.what()) + ".");
    }
  }
  return table;
}

class Loom final : public FormatReader {
 public:
  std::string name() const override { return "loom"; }

  double recognises(const std::string& path) const override try {
    if (!hdf5::has_signature(path)) return 0;
    const File file(path);
    const bool tables = file.kind("row_attrs") == NodeKind::Group && file.kind("col_attrs") == NodeKind::Group;
    if (tables) return file.kind("matrix") == NodeKind::Dataset ? 1 : 0.5;
    return 0;
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    const File file(path);
    Dataset out;
    out.path = path;
    out.format = name();
    control.tell(0, "reading the tables of cells and genes");
    const std::vector<std::int64_t> shape = hdf5::Dataset(file, "matrix").shape();
    if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0)
      throw Error(ErrorCode::BadInput, "`matrix` of " + file.name() + " holds no genes × cells",
                  "Copy or download the file again, or write it anew with the program that made it.");
    out.genes = read_attributes(file, "row_attrs", shape[0], gene_names, "gene", nullptr, out.notes, control);
    out.cells = read_attributes(file, "col_attrs", shape[1], cell_names, "cell", &out.embeddings, out.notes, control);

    LayerChoice choice{.paths = {main_matrix}, .first = 0, .asked = !options.layer.empty()};
    for (const std::string& layer : file.children("layers"))
      if (file.kind("layers/" + layer) == NodeKind::Dataset) choice.paths.push_back("layers/" + layer);
    if (choice.asked) choice.first = find_layer(choice.paths, {options.layer, "layers/" + options.layer}, file.name());
    const Names names{out.cells.names, out.genes.names};
    Taken taken = take_layer(choice, counts != nullptr, file.name(), [&](std::size_t i, bool keep, Span span) {
      const Place place{choice.paths[i], choice.paths[i], Layout::Dense, {}, Major::Gene};
      Judged judged{.info = describe(file, place, names), .scanned = {}};
      if (keep) counts->begin(out.cells, out.genes);
      judged.scanned = scan(file, place, names, judged.info, keep ? counts : nullptr, span, control);
      return judged;
    });
    out.layers = std::move(taken.layers);
    out.missing = std::move(taken.scanned.missing);
    out.notes.insert(out.notes.end(), taken.scanned.notes.begin(), taken.scanned.notes.end());
    if (taken.chosen && choice.paths[*taken.chosen] != main_matrix) out.layer = choice.paths[*taken.chosen];
    return out;
  }

 private:
  static constexpr const char* main_matrix = "matrix";
};

}  // namespace

std::unique_ptr<FormatReader> loom_reader() {
  return std::make_unique<Loom>();
}

}  // namespace scriptorium::data
