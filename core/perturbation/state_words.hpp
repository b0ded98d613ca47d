#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/storage/hdf5_tree.hpp"

/// Texts in state files: any number of them, also none, as one JSON string.
namespace scriptorium::perturbation {

inline void write_words(hid_t group, const std::string& name, const std::vector<std::string>& words) {
  storage::hdf5::write_strings(group, name,
                               {nlohmann::json(words).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)});
}
inline std::vector<std::string> read_words(hid_t group, const std::string& name) {
  return nlohmann::json::parse(storage::hdf5::read_strings(group, name).at(0)).get<std::vector<std::string>>();
}

}  // namespace scriptorium::perturbation
