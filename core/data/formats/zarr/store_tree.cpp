#include "core/data/formats/zarr/store_tree.hpp"

#include <algorithm>
#include <set>

#include "core/data/formats/names.hpp"
#include "core/data/formats/zarr/array.hpp"
#include "core/error.hpp"

namespace scriptorium::data::zarr {
namespace {

/// Paths without slashes at their ends; "/" is the root.
std::string tidy(std::string path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  return path;
}

constexpr int deepest = 200;  ///< lists and objects within one another; real descriptions have a dozen

/// Whether brackets stand within more than `deepest` others. The JSON library copies and prints values by recursion.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text && c == '\\')
      ++i;
    else if (c == '"')
      in_text = !in_text;
    else if (!in_text && (c == '[' || c == '{') && ++depth > deepest)
      return true;
    else if (!in_text && (c == ']' || c == '}'))
      --depth;
  }
  return false;
}

}  // namespace

/// A description, from a file of its own or from the one that has all.
std::optional<nlohmann::json> StoreTree::json(const std::string& folder, const char* key) const {
  const auto parse = [&](const std::string& at) -> std::optional<nlohmann::json> {
    const std::optional<std::string> text = store_.text(at);
    if (!text) return {};
    if (is_too_deep(*text))
      throw Error(ErrorCode::BadInput,
                  quoted(at) + " of " + name() + " holds lists within more than " + std::to_string(deepest) + " others",
                  "Copy or download the store again.");
    nlohmann::json value = nlohmann::json::parse(*text, nullptr, false);
    if (!value.is_object())
      throw Error(ErrorCode::BadInput, quoted(at) + " of " + name() + " is no JSON object",
                  "Copy or download the store again.");
    return value;
  };
  if (auto own = parse(join(folder, key))) return own;
  if (!consolidated_) {
    consolidated_ = nlohmann::json::object();
    if (const auto all = parse(".zmetadata")) consolidated_ = all->value("metadata", nlohmann::json::object());
  }
  const auto at = consolidated_->is_object() ? consolidated_->find(join(folder, key)) : consolidated_->end();
  return at != consolidated_->end() && at->is_object() ? std::optional(*at) : std::nullopt;
}

StoreTree::Node StoreTree::find(const std::string& path) const {
  Node out;
  if (auto node = json(path, "zarr.json")) {
    out.version = 3;
    const auto type = node->value("node_type", nlohmann::json());
    out.kind = type == "array" ? NodeKind::Dataset : type == "group" ? NodeKind::Group : NodeKind::Other;
    out.attributes = node->value("attributes", nlohmann::json::object());
    out.description = std::move(*node);
    return out;
  }
  if (auto array = json(path, ".zarray")) {
    out.kind = NodeKind::Dataset;
    out.description = std::move(*array);
  } else if (json(path, ".zgroup")) {
    out.kind = NodeKind::Group;
  } else {
    return out;
  }
  out.attributes = json(path, ".zattrs").value_or(nlohmann::json::object());
  return out;
}

const StoreTree::Node& StoreTree::node(const std::string& path) const {
  const std::string at = tidy(path);
  if (const auto known = nodes_.find(at); known != nodes_.end()) return known->second;
  return nodes_.emplace(at, find(at)).first->second;
}

NodeKind StoreTree::kind(const std::string& path) const {
  return node(path).kind;
}

std::vector<std::string> StoreTree::children(const std::string& group) const {
  const std::string folder = tidy(group);
  std::set<std::string> found;
  if (node(folder).kind != NodeKind::Group) return {};
  for (const std::string& child : store_.children(folder)) found.insert(child);
  if (consolidated_) {
    const std::string below = folder.empty() ? folder : folder + "/";
    for (const auto& [key, value] : consolidated_->items())
      if (key.starts_with(below)) found.insert(key.substr(below.size(), key.find('/', below.size()) - below.size()));
  }
  std::vector<std::string> out;
  for (const std::string& child : found)
    if (!child.empty() && kind(join(folder, child)) != NodeKind::None) out.push_back(child);
  return out;
}

const nlohmann::json* StoreTree::attribute(const std::string& path, const char* name) const {
  const nlohmann::json& all = node(path).attributes;
  const auto at = all.is_object() ? all.find(name) : all.end();
  return at == all.end() ? nullptr : &*at;
}

std::optional<std::string> StoreTree::text_attribute(const std::string& path, const char* attribute_name) const {
  const nlohmann::json* const value = attribute(path, attribute_name);
  return value != nullptr && value->is_string() ? std::optional(valid_utf8(value->get<std::string>())) : std::nullopt;
}

std::vector<std::string> StoreTree::text_list_attribute(const std::string& path, const char* attribute_name) const {
  std::vector<std::string> out;
  const nlohmann::json* const value = attribute(path, attribute_name);
  if (value == nullptr || !value->is_array()) return out;
  for (const nlohmann::json& entry : *value)
    if (entry.is_string()) out.push_back(valid_utf8(entry.get<std::string>()));
  return out;
}

std::vector<std::int64_t> StoreTree::integer_attribute(const std::string& path, const char* attribute_name) const {
  std::vector<std::int64_t> out;
  const nlohmann::json* const value = attribute(path, attribute_name);
  if (value == nullptr || !value->is_array()) return out;
  for (const nlohmann::json& entry : *value) {
    if (!entry.is_number_integer()) return {};
    out.push_back(entry.get<std::int64_t>());
  }
  return out;
}

std::optional<bool> StoreTree::boolean_attribute(const std::string& path, const char* attribute_name) const {
  const nlohmann::json* const value = attribute(path, attribute_name);
  return value != nullptr && value->is_boolean() ? std::optional(value->get<bool>()) : std::nullopt;
}

Description StoreTree::describe(const std::string& path) const {
  const std::string at = tidy(path), what = quoted(at.empty() ? "/" : at) + " of " + name();
  const Node& found = node(at);
  if (found.kind != NodeKind::Dataset)
    throw Error(ErrorCode::BadInput, what + " is missing or no array of this store",
                "Copy or download the store again.");
  return found.version == 3 ? describe_v3(found.description, what) : describe_v2(found.description, what);
}

std::unique_ptr<Array> StoreTree::array(const std::string& path) const {
  return std::make_unique<ChunkedArray>(store_, tidy(path), describe(path), control_);
}

std::vector<Column> StoreTree::read_records(const std::string& path, std::vector<std::string>&,
                                            const RunControl&) const {
  throw Error(ErrorCode::Unsupported,
              "`" + path + "` of " + name() + (kind(path) == NodeKind::None ? " is missing" : " is no table"),
              "Open the store with anndata 0.7 or newer and write it again.");
}

std::vector<Embedding> StoreTree::read_record_lists(const std::string&) const {
  return {};
}

}  // namespace scriptorium::data::zarr
