#include "core/data/layer_values.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "core/data/formats/anndata.hpp"
#include "core/data/formats/anndata_table.hpp"
#include "core/data/formats/hdf5.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

constexpr std::int64_t values_at_a_time = std::int64_t{1} << 19;

/// Path of the layer in the file. @throws Error where there is none
std::string find(const Tree& file, const std::string& layer, const std::string& remedy) {
  std::vector<std::string> all;
  if (file.kind("X") != NodeKind::None) all.emplace_back("X");
  for (const std::string& name : file.children("layers")) all.push_back("layers/" + name);
  for (const std::string& path : {layer, "layers/" + layer})
    if (std::find(all.begin(), all.end(), path) != all.end()) return path;
  for (std::string& path : all) path = quoted(path);
  throw Error(ErrorCode::BadInput, file.name() + " has no layer " + quoted(layer) + ".",
              remedy + (all.empty() ? " It has none." : " There are " + listed(all) + "."));
}

/// For each row of the file's table its place among `wanted`, −1 where it is not wanted.
std::vector<std::int64_t> places(const std::vector<std::string>& in_file, const std::vector<std::string>& wanted,
                                 const std::string& file, const std::string& what) {
  std::vector<std::int64_t> out(in_file.size(), -1);
  if (in_file == wanted) {  // names may repeat
    std::iota(out.begin(), out.end(), std::int64_t{0});
    return out;
  }
  std::unordered_map<std::string, std::int64_t> row_of;
  for (std::size_t row = 0; row < in_file.size(); ++row)
    if (!row_of.emplace(in_file[row], static_cast<std::int64_t>(row)).second)
      throw Error(ErrorCode::BadInput,
                  "Names of " + what + "s repeat in " + file + " (" + quoted(in_file[row]) +
                      "), so a part of them cannot be found in its layers.",
                  "Keep all cells and genes, or give each a name of its own.");
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto found = row_of.find(wanted[i]);
    if (found == row_of.end())
      throw Error(ErrorCode::BadInput, "The layers of " + file + " have no " + what + " " + quoted(wanted[i]) + ".",
                  "Take the counts from X or a layer too (--layer), not from raw.");
    out[static_cast<std::size_t>(found->second)] = static_cast<std::int64_t>(i);
  }
  return out;
}

/// Where values of the file go.
struct Target {
  std::vector<std::int64_t> cell, gene;  ///< places of the file's cells and genes, −1: not wanted
  std::size_t n_genes = 0;
  std::vector<double> values;
  void put(std::int64_t cell_row, std::int64_t gene_row, double value) {
    const std::int64_t i = cell[static_cast<std::size_t>(cell_row)], j = gene[static_cast<std::size_t>(gene_row)];
    if (i >= 0 && j >= 0) values[static_cast<std::size_t>(i) * n_genes + static_cast<std::size_t>(j)] += value;
  }
};

void tell(const RunControl& control, const Place& place, std::int64_t done, std::int64_t all) {
  control.check();
  control.tell(static_cast<double>(done) / static_cast<double>(std::max<std::int64_t>(all, 1)),
               "reading " + place.layer);
}

void read_dense(const Tree& file, const Place& place, const LayerInfo& info, Target& to, const RunControl& control) {
  const auto data = file.array(place.path);
  const std::int64_t block = std::max<std::int64_t>(1, values_at_a_time / std::max<std::int64_t>(info.n_genes, 1));
  for (std::int64_t first = 0; first < info.n_cells; first += block) {
    tell(control, place, first, info.n_cells);
    const std::int64_t n = std::min(block, info.n_cells - first);
    const auto values = data->read<double>(first, n);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t g = 0; g < info.n_genes; ++g)
        to.put(first + i, g, values[static_cast<std::size_t>(i * info.n_genes + g)]);
  }
}

void read_sparse(const Tree& file, const Place& place, const LayerInfo& info, Target& to, const RunControl& control) {
  const bool by_cell = place.layout == Layout::CellMajor;
  const auto data = file.array(place.path + "/data"), indices = file.array(place.path + "/indices");
  const auto offsets = file.array(place.path + "/indptr")->read_all<std::int64_t>();
  const auto damaged = [&](const char* what) {
    return Error(ErrorCode::BadInput, quoted(place.layer) + " of " + file.name() + " " + what + ".",
                 "Copy the file again, or write it anew with the program that made it.");
  };
  if (offsets.front() != 0 || offsets.back() != info.stored || !std::is_sorted(offsets.begin(), offsets.end()))
    throw damaged("has an indptr that does not part its values into rows");
  const std::int64_t minors = by_cell ? info.n_genes : info.n_cells;
  std::int64_t row = 0;
  for (std::int64_t first = 0; first < info.stored; first += values_at_a_time) {
    tell(control, place, first, info.stored);
    const std::int64_t n = std::min(values_at_a_time, info.stored - first);
    const auto values = data->read<double>(first, n);
    const auto minor = indices->read<std::int64_t>(first, n);
    for (std::int64_t k = 0; k < n; ++k) {
      while (offsets[static_cast<std::size_t>(row) + 1] <= first + k) ++row;
      const std::int64_t at = minor[static_cast<std::size_t>(k)];
      if (at < 0 || at >= minors) throw damaged("has an index out of range");
      to.put(by_cell ? row : at, by_cell ? at : row, values[static_cast<std::size_t>(k)]);
    }
  }
}

}  // namespace

std::vector<double> layer_values(const Dataset& dataset, const std::string& layer, const std::string& remedy,
                                 const RunControl& control) {
  const std::string name = file_name(dataset.path);
  if (!hdf5::has_signature(dataset.path))
    throw Error(ErrorCode::BadInput, name + " is no h5ad: layers of real numbers are read from h5ad files only.",
                "Convert it with the program that made it.");
  const hdf5::File file(dataset.path);
  const Place place = place_of(file, find(file, layer, remedy));
  std::vector<std::string> notes;
  const Table cells = read_table(file, "obs", "cell", notes, control),
              genes = read_table(file, "var", "gene", notes, control);
  const LayerInfo info = describe(file, place, {cells.names, genes.names});
  const auto stored = file.array(place.layout == Layout::Dense ? place.path : place.path + "/data");
  if (!stored->is_float() && !stored->is_integer())
    throw Error(ErrorCode::BadInput, quoted(place.layer) + " of " + name + " holds no numbers.",
                "Choose a layer of numbers.");
  Target to{places(cells.names, dataset.cells.names, name, "cell"),
            places(genes.names, dataset.genes.names, name, "gene"), dataset.genes.size(),
            std::vector<double>(dataset.cells.size() * dataset.genes.size(), 0.0)};
  if (place.layout == Layout::Dense)
    read_dense(file, place, info, to, control);
  else
    read_sparse(file, place, info, to, control);
  return std::move(to.values);
}

}  // namespace scriptorium::data
