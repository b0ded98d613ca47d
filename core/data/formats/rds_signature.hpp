#pragma once
#include <string>

namespace scriptorium::data::rds {

/// Whether the file begins as R's binary, text or native serialisation does, plain or gzipped.
bool has_signature(const std::string& path);

}  // namespace scriptorium::data::rds
