#pragma once
#include <QTest>
#include <initializer_list>
#include <string>

#include "core/data/open.hpp"
#include "core/error.hpp"

/// What opening a file says, for the tests of the readers.
namespace opening {

/// What opening `path` says: message and remedy, or "no error".
inline std::string says(const std::string& path, const scriptorium::data::OpenOptions& options = {}) {
  try {
    scriptorium::data::open(path, options, {});
  } catch (const scriptorium::Error& error) {
    return std::string(error.what()) + " | " + error.remedy();
  }
  return "no error";
}

/// Fails unless all parts are in what was found.
inline void verify(const std::string& found, std::initializer_list<const char*> parts) {
  for (const char* part : parts)
    if (found.find(part) == std::string::npos) QFAIL(("“" + std::string(part) + "” is not in: " + found).c_str());
}

}  // namespace opening
