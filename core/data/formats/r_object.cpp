#include "core/data/formats/r_object.hpp"

#include <algorithm>
#include <limits>

#include "core/data/formats/names.hpp"

namespace scriptorium::data::rds {
namespace {

constexpr std::int32_t missing_integer = std::numeric_limits<std::int32_t>::min();

const rds2cpp::Attributes* attributes_of(const RObject* object) {
  return object == nullptr ? nullptr : rds::attributes_of(const_cast<RObject&>(*object));
}

std::vector<std::uint8_t> missing_among(const std::vector<std::int32_t>& values) {
  std::vector<std::uint8_t> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(),
                 [](std::int32_t v) { return v == missing_integer ? 1 : 0; });
  if (std::find(out.begin(), out.end(), 1) == out.end()) out.clear();
  return out;
}

Categorical labels_of(const rds2cpp::IntegerVector& factor) {
  Categorical out;
  out.categories = strings(slot(&factor, "levels"));
  out.ordered = is_a(&factor, "ordered");
  const auto n = static_cast<std::int32_t>(out.categories.size());
  for (const std::int32_t code : factor.data) out.codes.push_back(code >= 1 && code <= n ? code - 1 : -1);
  return out;
}

/// A plain vector or factor as a column; false for anything else.
bool fill(Column& column, const RObject* object) {
  if (const auto* numbers = as<rds2cpp::DoubleVector>(object)) {
    column.values = numbers->data;
  } else if (const auto* whole = as<rds2cpp::IntegerVector>(object)) {
    if (is_a(object, "factor")) {
      column.values = labels_of(*whole);
      return true;
    }
    column.values = std::vector<std::int64_t>(whole->data.begin(), whole->data.end());
    column.missing = missing_among(whole->data);
  } else if (const auto* logical = as<rds2cpp::LogicalVector>(object)) {
    std::vector<std::uint8_t> values;
    for (const std::int32_t v : logical->data) values.push_back(v != 0 && v != missing_integer ? 1 : 0);
    column.values = std::move(values);
    column.missing = missing_among(logical->data);
  } else if (const auto* texts = as<rds2cpp::StringVector>(object)) {
    column.values = strings(object);
    if (std::find(texts->missing.begin(), texts->missing.end(), 1) != texts->missing.end())
      column.missing.assign(texts->missing.begin(), texts->missing.end());
  } else {
    return false;
  }
  return is_null(slot(object, "dim"));
}

}  // namespace

const RObject* slot(const RObject* object, const std::string& name) {
  const rds2cpp::Attributes* const all = attributes_of(object);
  if (all == nullptr) return nullptr;
  const auto found = std::find(all->names.begin(), all->names.end(), name);
  return found == all->names.end() ? nullptr : all->values[static_cast<std::size_t>(found - all->names.begin())].get();
}

const RObject* element(const RObject* list, const std::string& name) {
  const auto* const values = as<rds2cpp::GenericVector>(list);
  const std::vector<std::string> names = names_of(list);
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? nullptr : values->data[static_cast<std::size_t>(found - names.begin())].get();
}

std::vector<std::string> names_of(const RObject* list) {
  const auto* const values = as<rds2cpp::GenericVector>(list);
  if (values == nullptr) return {};
  std::vector<std::string> names = strings(slot(list, "names"));
  if (names.size() != values->data.size()) names.clear();
  return names;
}

std::string class_of(const RObject* object) {
  if (object == nullptr) return "nothing";
  if (const auto* s4 = as<rds2cpp::S4Object>(object)) return valid_utf8(s4->class_name);
  if (const auto classes = strings(slot(object, "class")); !classes.empty()) return classes.front();
  if (!is_null(slot(object, "dim"))) return "matrix";
  switch (object->type()) {
    case rds2cpp::SEXPType::NIL:
      return "NULL";
    case rds2cpp::SEXPType::VEC:
      return "list";
    case rds2cpp::SEXPType::INT:
      return "integer";
    case rds2cpp::SEXPType::REAL:
      return "double";
    case rds2cpp::SEXPType::LGL:
      return "logical";
    case rds2cpp::SEXPType::STR:
      return "character";
    case rds2cpp::SEXPType::ENV:
      return "environment";
    default:
      return "another type";
  }
}

bool is_a(const RObject* object, const std::string& class_name) {
  if (const auto* s4 = as<rds2cpp::S4Object>(object)) return s4->class_name == class_name;
  const auto classes = strings(slot(object, "class"));
  return std::find(classes.begin(), classes.end(), class_name) != classes.end();
}

bool is_null(const RObject* object) {
  // S4 writes a slot that is NULL as a symbol.
  return object == nullptr || object->type() == rds2cpp::SEXPType::NIL || object->type() == rds2cpp::SEXPType::SYM;
}

std::vector<std::string> strings(const RObject* object) {
  const auto* const texts = as<rds2cpp::StringVector>(object);
  if (texts == nullptr) return {};
  std::vector<std::string> out;
  out.reserve(texts->data.size());
  for (std::size_t i = 0; i < texts->data.size(); ++i)
    out.push_back(texts->missing[i] != 0 ? std::string{} : valid_utf8(texts->data[i]));
  return out;
}

std::vector<std::int64_t> integers(const RObject* object) {
  if (const auto* whole = as<rds2cpp::IntegerVector>(object)) return {whole->data.begin(), whole->data.end()};
  if (const auto* logical = as<rds2cpp::LogicalVector>(object)) return {logical->data.begin(), logical->data.end()};
  const auto* const numbers = as<rds2cpp::DoubleVector>(object);
  if (numbers == nullptr) return {};
  std::vector<std::int64_t> out;
  for (const double v : numbers->data) out.push_back(v > -0x1p53 && v < 0x1p53 ? static_cast<std::int64_t>(v) : -1);
  return out;
}

Table table_of(const RObject* object, const std::string& what, std::vector<std::string>& notes) {
  Table out;
  const RObject* const lists = as<rds2cpp::S4Object>(object) != nullptr ? slot(object, "listData") : object;
  out.names = strings(slot(object, as<rds2cpp::S4Object>(object) != nullptr ? "rownames" : "row.names"));
  const auto* const values = as<rds2cpp::GenericVector>(lists);
  const std::vector<std::string> names = names_of(lists);
  for (std::size_t i = 0; i < names.size(); ++i) {
    Column column{.name = names[i], .values = {}, .missing = {}};
    const bool plain = fill(column, values->data[i].get());
    const bool fits = out.columns.empty() ? out.names.empty() || column.size() == out.names.size()
                                          : column.size() == out.columns.front().size();
    if (plain && fits)
      out.columns.push_back(std::move(column));
    else
      notes.push_back("The column `" + names[i] + "` of " + what + " is left out: it is no plain vector or factor.");
  }
  return out;
}

Embedding embedding_of(const std::string& name, const RObject* object, std::int64_t n_cells) {
  Embedding out{.name = name, .dims = 0, .coordinates = {}};
  const auto* const numbers = as<rds2cpp::DoubleVector>(object);
  const std::vector<std::int64_t> shape = integers(slot(object, "dim"));
  if (numbers == nullptr || shape.size() != 2 || shape[0] != n_cells || n_cells < 1 || shape[1] < 1 ||
      numbers->data.size() / static_cast<std::size_t>(n_cells) != static_cast<std::size_t>(shape[1]))
    return out;
  out.dims = static_cast<int>(shape[1]);
  out.coordinates.resize(numbers->data.size());
  for (std::int64_t cell = 0; cell < n_cells; ++cell)
    for (std::int64_t d = 0; d < shape[1]; ++d)
      out.coordinates[cell * shape[1] + d] = static_cast<float>(numbers->data[d * n_cells + cell]);
  return out;
}

}  // namespace scriptorium::data::rds
