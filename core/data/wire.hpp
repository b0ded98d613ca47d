#pragma once
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"

/// How a data set goes from the reading child to its parent: the same program version on the same machine, so native
/// byte order and no version number.
namespace scriptorium::data::wire {

enum class Frame : std::uint8_t { Progress = 'P', Failure = 'F', Result = 'R' };

/// Writes to a pipe.
class Writer {
 public:
  explicit Writer(std::FILE* out) : out_(out) {}
  void bytes(const void* data, std::size_t n) {
    if (n > 0) std::fwrite(data, 1, n, out_);
  }
  template <class T>
  void value(const T& v) {
    bytes(&v, sizeof v);
  }
  void text(const std::string& s) {
    value<std::uint64_t>(s.size());
    bytes(s.data(), s.size());
  }
  void flush() { std::fflush(out_); }

 private:
  std::FILE* out_;
};

/// Reads what a Writer wrote. `fill` blocks until it has all the bytes asked for, or throws.
class Reader {
 public:
  using Fill = std::function<void(void* into, std::size_t n)>;
  explicit Reader(Fill fill) : fill_(std::move(fill)) {}
  template <class T>
  T value() {
    T v{};
    fill_(&v, sizeof v);
    return v;
  }
  std::string text();
  /// A list of plain values; grows as they arrive, so a broken length cannot ask for memory.
  template <class T>
  std::vector<T> list();

 private:
  Fill fill_;
};

void write(Writer& out, const Dataset& dataset);
/// @throws Error(BadInput) when counts and tables do not belong together
Dataset read(Reader& in);

}  // namespace scriptorium::data::wire
