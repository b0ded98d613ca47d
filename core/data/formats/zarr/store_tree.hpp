#pragma once
#include <map>
#include <nlohmann/json.hpp>

#include "core/data/formats/tree.hpp"
#include "core/data/formats/zarr/description.hpp"
#include "core/data/formats/zarr/store.hpp"

namespace scriptorium::data::zarr {

/// The groups and arrays of a store, of either version of the format. For one thread; its arrays are for several.
class StoreTree final : public Tree {
 public:
  /// `control` is looked at while arrays are read.
  StoreTree(const Store& store, const RunControl& control) : store_(store), control_(control) {}

  const std::string& name() const override { return store_.name(); }
  NodeKind kind(const std::string& path) const override;
  std::vector<std::string> children(const std::string& group) const override;
  std::optional<std::string> text_attribute(const std::string& path, const char* attribute) const override;
  std::vector<std::string> text_list_attribute(const std::string& path, const char* attribute) const override;
  std::vector<std::int64_t> integer_attribute(const std::string& path, const char* attribute) const override;
  std::optional<bool> boolean_attribute(const std::string& path, const char* attribute) const override;
  std::unique_ptr<Array> array(const std::string& path) const override;
  std::vector<Column> read_records(const std::string& path, std::vector<std::string>& notes,
                                   const RunControl& control) const override;
  std::vector<Embedding> read_record_lists(const std::string& path) const override;

  /// What the description of an array says, without its chunks. @throws Error when there is none or it is damaged
  Description describe(const std::string& path) const;

 private:
  struct Node {
    NodeKind kind = NodeKind::None;
    int version = 2;
    nlohmann::json description, attributes;
  };
  const Node& node(const std::string& path) const;
  Node find(const std::string& path) const;
  std::optional<nlohmann::json> json(const std::string& folder, const char* key) const;
  const nlohmann::json* attribute(const std::string& path, const char* name) const;

  const Store& store_;
  const RunControl& control_;
  mutable std::map<std::string, Node> nodes_;
  mutable std::optional<nlohmann::json> consolidated_;  // of version 2: one file with all descriptions
};

}  // namespace scriptorium::data::zarr
