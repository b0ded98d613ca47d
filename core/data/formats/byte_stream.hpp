#pragma once
#include <zlib.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/progress.hpp"

namespace scriptorium::data {

/// Reads a text file, plain or gzipped, line by line. A file that unpacks to more lines than its bytes can tell apart
/// is refused: a few kilobytes of gzip may hold billions of empty ones.
class ByteStream {
 public:
  static constexpr std::size_t short_lines = 1 << 20;
  /// @param longest_line in bytes; a longer one is refused. Memory grows with the longest line that there is.
  /// @throws Error when it cannot be opened
  explicit ByteStream(const std::string& path, std::size_t longest_line = short_lines);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// The next line without its end; valid until the next call. False at the end of the file.
  /// @throws Error when the file is damaged, cut short or no honest list of lines, Cancelled
  bool line(std::string_view& out, const RunControl& control);
  /// Part of the file read so far, 0…1, by its bytes on disk.
  double fraction() const;
  /// Bytes of text in the lines handed out so far, and how many the whole file should hold if it goes on like that.
  double consumed() const { return inflated_ - static_cast<double>(end_ - begin_); }
  double estimated_bytes() const;
  const std::string& name() const { return name_; }

 private:
  bool refill(const RunControl& control);

  std::string name_;
  double bytes_ = 0, inflated_ = 0;
  double lines_ = 0, most_lines_ = 0;
  std::size_t longest_line_;
  gzFile file_ = nullptr;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool at_end_ = false;
};

}  // namespace scriptorium::data
