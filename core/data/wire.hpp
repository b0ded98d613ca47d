#pragma once
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"

/// How a data set goes from the reading child to its parent: the same program version on the same machine, so native
/// byte order and no version number.
namespace scriptorium::data::wire {

enum class Frame : std::uint8_t { Progress = 'P', Failure = 'F', Begin = 'B', Block = 'C', Result = 'R' };

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
  /// Held while a frame is written: they come from several threads.
  std::unique_lock<std::mutex> frame() { return std::unique_lock(mutex_); }

 private:
  std::FILE* out_;
  std::mutex mutex_;
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

/// Tables, layers, notes and what was not measured; counts go before it, block by block.
void write(Writer& out, const Dataset& dataset);
/// @throws Error(BadInput) when the parts do not belong together
Dataset read(Reader& in);
std::vector<std::string> read_names(Reader& in);

/// Sends counts as frames of their own.
class CountWriter final : public CountSink {
 public:
  explicit CountWriter(Writer& out) : out_(out) {}
  void begin(const Table& cells, const Table& genes) override;
  void add(const CountBlock& block) override;

 private:
  Writer& out_;
};

/// A block that came over the pipe.
struct Block {
  Major major = Major::Cell;
  std::int64_t first = 0;
  std::vector<std::int64_t> row_start;
  std::vector<std::uint32_t> minor;
  std::vector<Count> count;
  CountBlock view() const { return {major, first, row_start, minor, count}; }
};
/// @throws Error(BadInput) when it does not lie within `sizes` (cells, genes)
Block read_block(Reader& in, const std::array<std::size_t, 2>& sizes);

}  // namespace scriptorium::data::wire
