#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace scriptorium {

enum class ErrorCode { BadInput, Unsupported, OutOfMemory, Device, Numerical, Io };

/// Thrown by core and gpu. `what()` says what happened to which thing;
/// `remedy()` says what the user can do and is shown under it.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what, std::string remedy = {})
      : std::runtime_error(what), code_(code), remedy_(std::move(remedy)) {}
  ErrorCode code() const noexcept { return code_; }
  const std::string& remedy() const noexcept { return remedy_; }

 private:
  ErrorCode code_;
  std::string remedy_;
};

/// Thrown by RunControl::check() after a stop was asked for. Not an Error: nothing went wrong.
struct Cancelled {};

}  // namespace scriptorium
