#pragma once
#include <zlib.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/progress.hpp"

namespace scriptorium::data {

/// Reads a text file, plain or gzipped, line by line. A line may be up to 1 MiB long.
class ByteStream {
 public:
  explicit ByteStream(const std::string& path);  ///< @throws Error when it cannot be opened
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// The next line without its end; valid until the next call. False at the end of the file.
  /// @throws Error when the file is damaged or cut short, Cancelled
  bool line(std::string_view& out, const RunControl& control);
  /// Part of the file read so far, 0…1, by its bytes on disk.
  double fraction() const;
  const std::string& name() const { return name_; }

 private:
  bool refill(const RunControl& control);

  std::string name_;
  double bytes_ = 0;
  gzFile file_ = nullptr;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool at_end_ = false;
};

}  // namespace scriptorium::data
