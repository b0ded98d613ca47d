#pragma once
#include <string>

namespace scriptorium::storage {

/// The kind of a file of our own by its first bytes ("fit", "summary", …; sealed_file.hpp); empty for anything else,
/// also for what cannot be read.
std::string sealed_kind(const std::string& path);

}  // namespace scriptorium::storage
