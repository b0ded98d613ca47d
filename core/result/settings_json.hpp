#pragma once
#include <nlohmann/json_fwd.hpp>

#include "core/inference/fit.hpp"

/// The settings of a fit as JSON: what a fit file stores, `show --json` prints and `--config` reads.
namespace scriptorium::inference {

std::string to_string(Method method);                   ///< "exact", "structured", "svi"
std::string to_string(SviMode mode);                    ///< "ours", "scribe"
std::string to_string(Start start);                     ///< "data", "scribe"
Start start_from_string(const std::string& name);       ///< @throws Error(BadInput)
Method method_from_string(const std::string& name);     ///< @throws Error(BadInput)
SviMode svi_mode_from_string(const std::string& name);  ///< @throws Error(BadInput)

void to_json(nlohmann::json& json, const FitOptions& options);
/// Keys that are absent keep their default. @throws Error(BadInput) for unknown keys and wrong types, naming the key.
void from_json(const nlohmann::json& json, FitOptions& options);
void to_json(nlohmann::json& json, const Convergence& convergence);
void from_json(const nlohmann::json& json, Convergence& convergence);

}  // namespace scriptorium::inference
