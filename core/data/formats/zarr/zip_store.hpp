#pragma once
#include <memory>
#include <string>

#include "core/data/formats/zarr/store.hpp"

namespace scriptorium::data::zarr {

/// Whether a file begins as .zip files do.
bool is_zip(const std::string& path);
/// Whether there is a description at the root or in the only folder at the root. @throws Error when it is damaged
bool zip_holds_store(const std::string& path);
std::unique_ptr<Store> open_zip_store(const std::string& path);

}  // namespace scriptorium::data::zarr
