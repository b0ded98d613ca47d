#include "core/data/formats/hdf5.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "core/data/formats/lzf_filter.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::hdf5 {
namespace {

/// Deflate cannot expand by more than 1,032; a constant dataset without chunks may still be as large as this.
constexpr std::uint64_t most_expansion = 1100, always_allowed = 64ULL << 20;

/// Attribute by name, invalid where there is none.
Handle open_attribute(const File& file, const std::string& path, const char* name) {
  if (H5Aexists_by_name(file.id(), path.c_str(), name, H5P_DEFAULT) <= 0) return {-1, H5Aclose};
  return {H5Aopen_by_name(file.id(), path.c_str(), name, H5P_DEFAULT, H5P_DEFAULT), H5Aclose};
}

/// Number of values of a dataspace, −1 if above `limit` or not known.
std::int64_t count_values(hid_t space, std::int64_t limit) {
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  return n < 0 || n > limit ? -1 : n;
}

std::string fixed_text(const char* begin, std::size_t width, H5T_str_t padding) {
  std::size_t length = 0;
  while (length < width && begin[length] != '\0') ++length;
  if (padding == H5T_STR_SPACEPAD)
    while (length > 0 && begin[length - 1] == ' ') --length;
  return valid_utf8({begin, length});
}

std::vector<std::string> read_attribute_text(hid_t attribute) {
  const Handle type{H5Aget_type(attribute), H5Tclose}, space{H5Aget_space(attribute), H5Sclose};
  if (!type.valid() || !space.valid() || H5Tget_class(type) != H5T_STRING) return {};
  const std::int64_t n = count_values(space, 1 << 20);
  if (n <= 0) return {};
  std::vector<std::string> out;
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> pointers(n, nullptr);
    const Handle memory{H5Tcopy(H5T_C_S1), H5Tclose};
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (H5Aread(attribute, memory, pointers.data()) < 0) return {};
    for (const char* text : pointers) out.push_back(text == nullptr ? std::string{} : valid_utf8(text));
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data());
    return out;
  }
  const std::size_t width = H5Tget_size(type);
  if (width == 0 || width > (1U << 20) || static_cast<std::uint64_t>(n) * width > always_allowed) return {};
  std::vector<char> bytes(static_cast<std::size_t>(n) * width);
  if (H5Aread(attribute, type, bytes.data()) < 0) return {};
  for (std::int64_t i = 0; i < n; ++i) out.push_back(fixed_text(bytes.data() + i * width, width, H5Tget_strpad(type)));
  return out;
}

template <class T>
hid_t memory_type();
template <>
hid_t memory_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t memory_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t memory_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}

/// An enumeration of small integers, as h5py writes booleans.
bool is_boolean_type(hid_t type) {
  return H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2;
}

}  // namespace

bool has_signature(const std::string& path) {
  static constexpr std::array<unsigned char, 8> signature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  std::ifstream in(path, std::ios::binary);
  std::array<char, 8> begin{};
  for (std::int64_t at = 0; at <= 1 << 16; at = at == 0 ? 512 : at * 2) {
    in.seekg(at);
    if (!in.read(begin.data(), begin.size())) return false;
    if (std::equal(begin.begin(), begin.end(), signature.begin(),
                   [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; }))
      return true;
  }
  return false;
}

File::File(const std::string& path)
    : name_(file_name(path)),
      bytes_(std::filesystem::file_size(path)),
      handle_(
          [&] {
            H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // per thread: our messages say more than its stack
            register_lzf();
            return H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
          }(),
          H5Fclose) {
  if (!handle_.valid())
    throw Error(ErrorCode::BadInput, name_ + " is damaged or cut short: HDF5 cannot open it",
                "Copy or download the file again.");
}

Kind kind(const File& file, const std::string& path) {
  if (path.empty() || path == "/") return Kind::Group;
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string part = path.substr(0, slash);
    if (H5Lexists(file.id(), part.c_str(), H5P_DEFAULT) <= 0) return Kind::None;
    H5L_info_t link{};
    if (H5Lget_info(file.id(), part.c_str(), &link, H5P_DEFAULT) < 0) return Kind::None;
    if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT) return Kind::Other;
    if (H5Oexists_by_name(file.id(), part.c_str(), H5P_DEFAULT) <= 0) return Kind::None;
  }
  H5O_info_t info{};
  if (H5Oget_info_by_name2(file.id(), path.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return Kind::None;
  return info.type == H5O_TYPE_GROUP ? Kind::Group : info.type == H5O_TYPE_DATASET ? Kind::Dataset : Kind::Other;
}

std::vector<std::string> children(const File& file, const std::string& group) {
  std::vector<std::string> names;
  const Handle id{H5Gopen2(file.id(), group.empty() ? "/" : group.c_str(), H5P_DEFAULT), H5Gclose};
  if (!id.valid()) return names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* into) -> herr_t {
    auto& list = *static_cast<std::vector<std::string>*>(into);
    list.emplace_back(name);
    return list.size() < 100'000 ? 0 : 1;
  };
  hsize_t at = 0;
  H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, &at, collect, &names);
  return names;
}

std::optional<std::string> text_attribute(const File& file, const std::string& path, const char* name) {
  auto values = text_list_attribute(file, path, name);
  return values.empty() ? std::nullopt : std::optional(std::move(values.front()));
}

std::vector<std::string> text_list_attribute(const File& file, const std::string& path, const char* name) {
  const Handle attribute = open_attribute(file, path, name);
  return attribute.valid() ? read_attribute_text(attribute) : std::vector<std::string>{};
}

std::vector<std::int64_t> integer_attribute(const File& file, const std::string& path, const char* name) {
  const Handle attribute = open_attribute(file, path, name);
  if (!attribute.valid()) return {};
  const Handle type{H5Aget_type(attribute), H5Tclose}, space{H5Aget_space(attribute), H5Sclose};
  const std::int64_t n = space.valid() ? count_values(space, 64) : -1;
  if (n <= 0 || !type.valid() || H5Tget_class(type) != H5T_INTEGER) return {};
  std::vector<std::int64_t> values(n);
  return H5Aread(attribute, H5T_NATIVE_INT64, values.data()) < 0 ? std::vector<std::int64_t>{} : values;
}

std::optional<bool> boolean_attribute(const File& file, const std::string& path, const char* name) {
  const Handle attribute = open_attribute(file, path, name);
  if (!attribute.valid()) return {};
  const Handle type{H5Aget_type(attribute), H5Tclose}, space{H5Aget_space(attribute), H5Sclose};
  if (!type.valid() || !space.valid() || H5Tget_size(type) != 1 || count_values(space, 1) != 1) return {};
  std::int8_t value = 0;
  return H5Aread(attribute, type, &value) < 0 ? std::nullopt : std::optional(value != 0);
}

Dataset::Dataset(const File& file, const std::string& path)
    : file_(file),
      path_(path),
      id_(
          [&] {
            if (kind(file, path) != Kind::Dataset) fail("is missing or no dataset of this file");
            return H5Dopen2(file.id(), path.c_str(), H5P_DEFAULT);
          }(),
          H5Dclose),
      type_(H5Dget_type(id_), H5Tclose),
      space_(H5Dget_space(id_), H5Sclose),
      class_(H5Tget_class(type_)) {
  if (!id_.valid() || !type_.valid() || !space_.valid()) fail("cannot be opened");
  const int rank = H5Sget_simple_extent_ndims(space_);
  if (rank < 0 || rank > 2) fail("has " + std::to_string(rank) + " dimensions where at most 2 are expected");
  std::array<hsize_t, 2> extent{}, chunk{};
  if (H5Sget_simple_extent_type(space_) == H5S_NULL) {
    shape_ = {0};
  } else {
    H5Sget_simple_extent_dims(space_, extent.data(), nullptr);
    shape_.assign(extent.begin(), extent.begin() + rank);
  }
  const std::uint64_t width = std::max<std::size_t>(H5Tget_size(type_), 1);
  const std::uint64_t most = std::max(always_allowed, file.bytes() * most_expansion) / width;
  std::uint64_t values = 1;
  for (const std::int64_t n : shape_) {
    if (n < 0 || (n > 0 && values > most / static_cast<std::uint64_t>(n)))
      fail("claims more values than a file of " + grouped(static_cast<std::int64_t>(file.bytes())) + " bytes can hold");
    values *= static_cast<std::uint64_t>(n);
  }
  size_ = static_cast<std::int64_t>(values);
  row_size_ = rank == 2 ? shape_[1] : 1;
  const Handle created{H5Dget_create_plist(id_), H5Pclose};
  const H5D_layout_t layout = H5Pget_layout(created);
  if (layout == H5D_VIRTUAL || H5Pget_external_count(created) > 0) fail("keeps its values in another file");
  if (layout != H5D_CHUNKED) return;
  for (int i = 0; i < H5Pget_nfilters(created); ++i) {
    unsigned flags = 0;
    std::size_t parameters = 0;
    std::array<char, 64> filter_name{};
    const H5Z_filter_t filter = H5Pget_filter2(created, static_cast<unsigned>(i), &flags, &parameters, nullptr,
                                               filter_name.size() - 1, filter_name.data(), nullptr);
    if (filter < 0 || H5Zfilter_avail(filter) <= 0)
      fail("is compressed with “" + valid_utf8(filter_name.data()) + "”, which this program cannot unpack");
  }
  if (H5Pget_chunk(created, 2, chunk.data()) < 1) return;
  chunk_rows_ = static_cast<std::int64_t>(chunk[0]);
  // A cache that holds one row of chunks, so that reading in blocks unpacks each chunk once.
  const std::uint64_t across = rank == 2 ? (extent[1] + chunk[1] - 1) / std::max<hsize_t>(chunk[1], 1) * chunk[1] : 1;
  const std::uint64_t cache =
      std::min<std::uint64_t>(chunk[0] * std::max<std::uint64_t>(across, 1) * width, 1ULL << 30);
  if (cache <= 1U << 20) return;
  const Handle access{H5Pcreate(H5P_DATASET_ACCESS), H5Pclose};
  H5Pset_chunk_cache(access, 12421, cache, 1.0);
  id_ = Handle{H5Dopen2(file.id(), path.c_str(), access), H5Dclose};
  if (!id_.valid()) fail("cannot be opened");
}

void Dataset::fail(const std::string& what) const {
  throw Error(ErrorCode::BadInput, "`" + path_ + "` of " + file_.name() + " " + what,
              "Copy or download the file again, or write it anew with the program that made it.");
}

bool Dataset::is_boolean() const {
  return is_boolean_type(type_);
}

std::string Dataset::dtype() const {
  const std::string bits = std::to_string(H5Tget_size(type_) * 8);
  switch (class_) {
    case H5T_FLOAT:
      return "float" + bits;
    case H5T_INTEGER:
      return (H5Tget_sign(type_) == H5T_SGN_NONE ? "uint" : "int") + bits;
    case H5T_STRING:
      return "text";
    case H5T_COMPOUND:
      return "compound";
    case H5T_ENUM:
      return is_boolean() ? "boolean" : "enumeration";
    default:
      return "another type";
  }
}

void Dataset::read_raw(hid_t memory, std::int64_t first, std::int64_t n, void* out) const {
  if (n == 0) return;
  herr_t status = -1;
  if (shape_.empty()) {
    status = H5Dread(id_, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
  } else {
    std::array<hsize_t, 2> start{static_cast<hsize_t>(first), 0}, count{static_cast<hsize_t>(n), 1};
    if (shape_.size() == 2) count[1] = static_cast<hsize_t>(shape_[1]);
    const Handle in_file{H5Scopy(space_), H5Sclose};
    const Handle in_memory{H5Screate_simple(static_cast<int>(shape_.size()), count.data(), nullptr), H5Sclose};
    if (H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr) >= 0)
      status = H5Dread(id_, memory, in_memory, in_file, H5P_DEFAULT, out);
  }
  if (status < 0) fail("cannot be read: the file is damaged or cut short");
}

template <class T>
void Dataset::read_as(std::int64_t first, std::int64_t n, std::vector<T>& out) const {
  if (class_ != H5T_FLOAT && class_ != H5T_INTEGER && !is_boolean())
    fail("holds " + dtype() + " where numbers are needed");
  if (std::is_integral_v<T> && class_ == H5T_FLOAT) fail("holds " + dtype() + " where whole numbers are needed");
  out.resize(static_cast<std::size_t>(n * row_size_));
  if (class_ == H5T_ENUM) {
    std::vector<std::int8_t> bytes(out.size());
    read_raw(type_, first, n, bytes.data());
    std::copy(bytes.begin(), bytes.end(), out.begin());
  } else {
    read_raw(memory_type<T>(), first, n, out.data());
  }
}
template void Dataset::read_as(std::int64_t, std::int64_t, std::vector<double>&) const;
template void Dataset::read_as(std::int64_t, std::int64_t, std::vector<float>&) const;
template void Dataset::read_as(std::int64_t, std::int64_t, std::vector<std::int64_t>&) const;

std::vector<std::string> Dataset::read_text() const {
  if (class_ != H5T_STRING) fail("holds " + dtype() + " where text is needed");
  return read_text_as(Handle{H5Tcopy(type_), H5Tclose}, {});
}

std::vector<std::string> Dataset::read_text_as(const Handle& stored, const std::string& field) const {
  const bool variable = H5Tis_variable_str(stored) > 0;
  const std::size_t width = variable ? sizeof(char*) : H5Tget_size(stored);
  if (width == 0 || (size_ > 0 && static_cast<std::uint64_t>(size_) * width >
                                      std::max(always_allowed, file_.bytes() * most_expansion)))
    fail("claims text longer than the file");
  const Handle text{H5Tcopy(stored), H5Tclose};
  const Handle memory{field.empty() ? H5Tcopy(text) : H5Tcreate(H5T_COMPOUND, width), H5Tclose};
  if (!field.empty()) H5Tinsert(memory, field.c_str(), 0, text);
  constexpr std::int64_t block = 1 << 16;
  const std::int64_t n = shape_.empty() ? 1 : shape_[0];
  std::vector<std::string> out;
  std::vector<char> bytes;
  for (std::int64_t first = 0; first < n; first += block) {
    const std::int64_t rows = std::min(block, n - first), values = rows * row_size_;
    bytes.assign(static_cast<std::size_t>(values) * width, '\0');
    read_raw(memory, first, rows, bytes.data());
    for (std::int64_t i = 0; i < values; ++i) {
      if (!variable) {
        out.push_back(fixed_text(bytes.data() + i * width, width, H5Tget_strpad(stored)));
        continue;
      }
      char* pointer = nullptr;
      std::copy_n(bytes.data() + i * width, sizeof pointer, reinterpret_cast<char*>(&pointer));
      out.push_back(pointer == nullptr ? std::string{} : valid_utf8(pointer));
      if (pointer != nullptr) H5free_memory(pointer);
    }
  }
  return out;
}

std::vector<Dataset::Field> Dataset::fields() const {
  std::vector<Field> out;
  if (!is_compound()) return out;
  for (int i = 0; i < H5Tget_nmembers(type_); ++i) {
    char* name = H5Tget_member_name(type_, static_cast<unsigned>(i));
    const Handle type{H5Tget_member_type(type_, static_cast<unsigned>(i)), H5Tclose};
    if (name == nullptr || !type.valid()) fail("has a column that cannot be read");
    Field field{valid_utf8(name), H5Tget_class(type), 1, is_boolean_type(type)};
    H5free_memory(name);
    if (field.type_class == H5T_ARRAY) {
      hsize_t dims = 0;
      const Handle base{H5Tget_super(type), H5Tclose};
      field.dims = H5Tget_array_ndims(type) == 1 && H5Tget_array_dims2(type, &dims) == 1 && dims <= 100'000
                       ? static_cast<int>(dims)
                       : 0;
      field.type_class = H5Tget_class(base);
    }
    out.push_back(std::move(field));
  }
  return out;
}

template <class T>
std::vector<T> Dataset::read_field(const Field& field) const {
  const auto dims = static_cast<hsize_t>(field.dims);
  const Handle one{field.is_boolean ? H5Tget_member_type(
                                          type_, static_cast<unsigned>(H5Tget_member_index(type_, field.name.c_str())))
                                    : H5Tcopy(memory_type<T>()),
                   H5Tclose};
  const Handle values{field.dims == 1 ? H5Tcopy(one) : H5Tarray_create2(one, 1, &dims), H5Tclose};
  const Handle memory{H5Tcreate(H5T_COMPOUND, H5Tget_size(values)), H5Tclose};
  H5Tinsert(memory, field.name.c_str(), 0, values);
  const std::int64_t n = shape_.empty() ? 1 : shape_[0];
  std::vector<T> out(static_cast<std::size_t>(n * row_size_ * field.dims));
  if (field.is_boolean) {
    std::vector<std::int8_t> bytes(out.size());
    read_raw(memory, 0, n, bytes.data());
    std::copy(bytes.begin(), bytes.end(), out.begin());
  } else {
    read_raw(memory, 0, n, out.data());
  }
  return out;
}
template std::vector<double> Dataset::read_field(const Field&) const;
template std::vector<float> Dataset::read_field(const Field&) const;
template std::vector<std::int64_t> Dataset::read_field(const Field&) const;

std::vector<std::string> Dataset::read_text_field(const Field& field) const {
  const int index = H5Tget_member_index(type_, field.name.c_str());
  if (index < 0) fail("has no column " + field.name);
  return read_text_as(Handle{H5Tget_member_type(type_, static_cast<unsigned>(index)), H5Tclose}, field.name);
}

}  // namespace scriptorium::data::hdf5
