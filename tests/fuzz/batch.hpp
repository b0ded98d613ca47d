#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "source.hpp"

namespace scriptorium::fuzz {

/// What became of one copy. A failure is a fault of our own code.
enum class Outcome : std::uint8_t { Opened, Refused, Library, Failed };

struct Trial {
  Outcome outcome = Outcome::Failed;
  double seconds = 0;
  std::string what;  ///< Refused: the message; Library, Failed: what happened, with the report of the sanitizers
};

/// Which copies: number `i` of a source, 0 being whole, is the same at every run with the same seed.
struct Copies {
  const Source* source = nullptr;
  std::string seed;
  std::int64_t first = 0, n = 0;
  Dice dice(std::int64_t copy) const;
};

/// Seconds of processor time in which `inspect` has to answer.
inline constexpr double most_seconds = 10;

/// Tells what became of a copy, which still lies at `path` when it failed.
using Tell = std::function<void(std::int64_t copy, const Trial& trial, const std::string& path)>;

/// Runs the code of `inspect --json`, and that of the window's preview, on copies in forked children of this process,
/// several copies in each, with a search for leaks at the end. HDF5 and RDS are read as the reading child of the
/// programs does; where that would die or be ended, for the library's fault, the copy counts as `Library`.
/// This process may not have threads.
void run_forked(const Copies& copies, const std::filesystem::path& work, const Tell& tell);

/// Runs the program itself, with its reading child, on each copy.
void run_program(const std::string& program, const Copies& copies, const std::filesystem::path& work, const Tell& tell);

}  // namespace scriptorium::fuzz
