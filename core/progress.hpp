#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "core/error.hpp"

namespace scriptorium {

/// What a long function tells while it runs. Reported by value, from any thread, one call at a time.
struct Progress {
  double fraction = -1;  ///< 0…1, or negative while the end is not known
  std::string message;   ///< what is being done, e.g. "reading 1,200 of 2,896 cells"
};

/// Handed to every long function: how to stop it, and whom to tell. Default: runs to the end in silence.
struct RunControl {
  std::stop_token stop;
  std::function<void(const Progress&)> report;

  /// Throws Cancelled when a stop was asked for. Called at least every 50 ms of work.
  void check() const {
    if (stop.stop_requested()) throw Cancelled{};
  }
  void tell(double fraction, std::string message) const {
    if (report) report({fraction, std::move(message)});
  }
};

}  // namespace scriptorium
