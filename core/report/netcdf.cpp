#include "core/report/netcdf.hpp"

#include <ctime>
#include <limits>

#include "core/error.hpp"
#include "core/result/components.hpp"
#include "core/storage/atomic_file.hpp"
#include "core/storage/hdf5_tree.hpp"

namespace scriptorium::report {
namespace {

using storage::hdf5::Handle;

void check(herr_t status, const std::string& what) {
  if (status < 0) throw Error(ErrorCode::Io, "HDF5 could not " + what + ".", {});
}

/// The attribute strings of dimension scales end in a NUL.
void write_c_string(hid_t object, const char* name, const std::string& value) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a string type");
  check(H5Tset_size(type, value.size() + 1), "size a string type");
  Handle space(H5Screate(H5S_SCALAR), H5Sclose, "lay out an attribute");
  Handle attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, "create an attribute");
  check(H5Awrite(attribute, type, value.c_str()), "write an attribute");
}

struct ScaleUse {
  hobj_ref_t dataset;
  std::uint32_t dimension;
};

/// One group being written: its dimension scales and who uses them (what H5DSset_scale and H5DSattach_scale record).
class GroupWriter {
 public:
  GroupWriter(hid_t file, const InferenceData& data, const std::string& name)
      : data_(data), name_(name), group_(storage::hdf5::create_group(file, name)) {}

  void add(const InferenceData::Variable& variable) {
    for (std::size_t axis = 0; axis < variable.dims.size(); ++axis)
      add_scale(variable.dims[axis], variable.shape[axis]);
    const bool counts = !variable.counts.empty();
    const hid_t type = counts ? H5T_NATIVE_UINT32 : H5T_NATIVE_DOUBLE;
    const void* values = counts ? static_cast<const void*>(variable.counts.data()) : variable.numbers.data();
    const Handle dataset =
        create(variable.name, type, std::vector<hsize_t>(variable.shape.begin(), variable.shape.end()), !counts);
    check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "write " + variable.name);
    attach(dataset, variable);
  }

  void finish(const std::string& created_at) {
    for (const auto& [dimension, uses] : uses_) {
      const Handle scale(H5Dopen2(group_, dimension.c_str(), H5P_DEFAULT), H5Dclose, "find " + dimension);
      Handle type(H5Tcreate(H5T_COMPOUND, sizeof(ScaleUse)), H5Tclose, "make a type");
      check(H5Tinsert(type, "dataset", HOFFSET(ScaleUse, dataset), H5T_STD_REF_OBJ), "make a type");
      check(H5Tinsert(type, "dimension", HOFFSET(ScaleUse, dimension), H5T_NATIVE_UINT32), "make a type");
      const hsize_t count = uses.size();
      Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, "lay out a list");
      Handle attribute(H5Acreate2(scale, "REFERENCE_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                       "create a list");
      check(H5Awrite(attribute, type, uses.data()), "write a list");
    }
    storage::hdf5::write_attribute(group_, "created_at", created_at);
    storage::hdf5::write_attribute(group_, "inference_library", "scriptorium");
    storage::hdf5::write_attribute(group_, "inference_library_version", SCRIPTORIUM_VERSION);
    for (const auto& [name, value] : data_.attributes) storage::hdf5::write_attribute(group_, name, value);
  }

 private:
  Handle create(const std::string& name, hid_t type, const std::vector<hsize_t>& shape, bool fill_nan) const {
    Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose, "lay out " + name);
    Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make a property list");
    hsize_t entries = 1;
    for (auto length : shape) entries *= length;
    if (entries >= 64) {
      // Along draw: whole rows of the axes after (chain, draw), as many draws as make a quarter million numbers.
      std::vector<hsize_t> chunk = shape;
      const std::size_t cut = shape.size() > 2 ? 1 : 0;
      hsize_t rest = 1;
      for (std::size_t i = cut + 1; i < shape.size(); ++i) rest *= shape[i];
      chunk[cut] = std::max<hsize_t>(1, std::min<hsize_t>(shape[cut], (hsize_t{1} << 18) / std::max<hsize_t>(rest, 1)));
      check(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()), "chunk " + name);
      check(H5Pset_shuffle(creation), "shuffle " + name);
      check(H5Pset_deflate(creation, 4), "compress " + name);
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    if (fill_nan) check(H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &nan), "set a fill value");
    Handle dataset(H5Dcreate2(group_, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
                   "create " + name);
    if (fill_nan) {
      const hsize_t one = 1;
      Handle single(H5Screate_simple(1, &one, nullptr), H5Sclose, "lay out an attribute");
      Handle attribute(H5Acreate2(dataset, "_FillValue", H5T_NATIVE_DOUBLE, single, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                       "create an attribute");
      check(H5Awrite(attribute, H5T_NATIVE_DOUBLE, &nan), "write an attribute");
    }
    return dataset;
  }

  void add_scale(const std::string& dimension, std::int64_t length) {
    const auto known = lengths_.find(dimension);
    if (known != lengths_.end()) {
      if (known->second != length)
        throw Error(ErrorCode::BadInput, "The dimension " + dimension + " has two lengths.", {});
      return;
    }
    lengths_[dimension] = length;
    const std::vector<hsize_t> shape{static_cast<hsize_t>(length)};
    const auto labels = data_.labels.find(dimension);
    if (labels != data_.labels.end()) {
      Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a string type");
      check(H5Tset_size(type, H5T_VARIABLE), "size a string type");
      check(H5Tset_cset(type, H5T_CSET_UTF8), "set a character set");
      std::vector<const char*> words;
      for (const auto& label : labels->second) words.push_back(label.c_str());
      if (words.size() != static_cast<std::size_t>(length))
        throw Error(ErrorCode::BadInput, "The names of " + dimension + " do not fit.", {});
      const Handle dataset = create(dimension, type, shape, false);
      check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, words.data()), "write " + dimension);
      mark(dataset, dimension);
    } else {
      std::vector<std::int64_t> index(static_cast<std::size_t>(length));
      for (std::size_t i = 0; i < index.size(); ++i) index[i] = static_cast<std::int64_t>(i);
      const Handle dataset = create(dimension, H5T_NATIVE_INT64, shape, false);
      check(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, index.data()), "write " + dimension);
      mark(dataset, dimension);
    }
  }
  static void mark(hid_t dataset, const std::string& dimension) {
    write_c_string(dataset, "CLASS", "DIMENSION_SCALE");
    write_c_string(dataset, "NAME", dimension);
  }

  hobj_ref_t reference(const std::string& name) const {
    hobj_ref_t reference;
    check(H5Rcreate(&reference, group_, name.c_str(), H5R_OBJECT, -1), "refer to " + name);
    return reference;
  }
  void attach(hid_t dataset, const InferenceData::Variable& variable) {
    std::vector<hobj_ref_t> scales;
    for (const auto& dimension : variable.dims) scales.push_back(reference(dimension));
    std::vector<hvl_t> lists;
    for (auto& scale : scales) lists.push_back({1, &scale});
    Handle type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose, "make a type");
    const hsize_t count = lists.size();
    Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, "lay out a list");
    Handle attribute(H5Acreate2(dataset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                     "create a list");
    check(H5Awrite(attribute, type, lists.data()), "write a list");
    for (std::size_t axis = 0; axis < variable.dims.size(); ++axis)
      uses_[variable.dims[axis]].push_back({reference(variable.name), static_cast<std::uint32_t>(axis)});
  }

  const InferenceData& data_;
  std::string name_;
  Handle group_;
  std::map<std::string, std::int64_t> lengths_;
  std::map<std::string, std::vector<ScaleUse>> uses_;
};

}  // namespace

void write_netcdf(const InferenceData& data, const std::string& path) {
  const auto file = storage::hdf5::create_in_memory();
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  char created_at[32];
  std::strftime(created_at, sizeof created_at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
  for (const auto& group : data.groups) {
    GroupWriter writer(file, data, group.name);
    for (const auto& variable : group.variables) writer.add(variable);
    writer.finish(created_at);
  }
  storage::write_whole_file(path, storage::hdf5::image_of(file));
}

InferenceData posterior_data(const result::Fit& fit, const model::Values& draws, bool descriptive) {
  InferenceData data;
  data.labels = {{"gene", fit.genes}, {"cell", fit.cells}};
  for (std::int64_t k = 0; fit.model.components > 1 && k < fit.model.components; ++k)
    data.labels["component"].push_back(result::component_name(fit, static_cast<std::size_t>(k)));
  data.attributes = {{"model", fit.model.likelihood},
                     {"parameterization", fit.model.parameterization},
                     {"seed", std::to_string(fit.options.seed)},
                     {"data_id", fit.data_id}};
  auto& posterior = data.groups.emplace_back();
  posterior.name = "posterior";
  for (const auto& [name, array] : draws) {
    auto& variable = posterior.variables.emplace_back();
    variable.name = descriptive ? model::descriptive_name(name) : name;
    variable.dims = array.dims;
    variable.shape = array.shape;
    variable.dims.insert(variable.dims.begin(), "chain");
    variable.shape.insert(variable.shape.begin(), 1);
    variable.numbers = array.values;
  }
  if (!fit.result.trace.empty()) {
    auto& stats = data.groups.emplace_back();
    stats.name = "sample_stats";
    auto& loss = stats.variables.emplace_back();
    loss.name = "loss";
    loss.dims = {"step"};
    loss.shape = {static_cast<std::int64_t>(fit.result.trace.size())};
    for (const auto& point : fit.result.trace) loss.numbers.push_back(point.loss);
  }
  auto& constant = data.groups.emplace_back();
  constant.name = "constant_data";
  auto& library = constant.variables.emplace_back();
  library.name = "library_size";
  library.dims = {"cell"};
  library.shape = {static_cast<std::int64_t>(fit.cells.size())};
  for (std::size_t c = 0; c < fit.cells.size(); ++c)
    library.numbers.push_back(static_cast<double>(fit.summary.cell_total(static_cast<std::int64_t>(c))));
  return data;
}

}  // namespace scriptorium::report
