#include "core/data/formats/byte_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {
constexpr std::size_t piece = 1 << 18;  ///< bytes asked for at a time: between two looks at the stop token
/// Lines that any file may have, and those for each byte of it. Names that count up, and entries of the emptiest
/// matrices, take about a byte each when they are packed.
constexpr double always_allowed = 1e6, most_lines_a_byte = 8;
}  // namespace

ByteStream::ByteStream(const std::string& path, std::size_t longest_line)
    : name_(file_name(path)), longest_line_(longest_line), buffer_(2 * piece) {
  std::error_code error;
  bytes_ = static_cast<double>(std::filesystem::file_size(path, error));
  most_lines_ = always_allowed + most_lines_a_byte * bytes_;
  file_ = error ? nullptr : gzopen(path.c_str(), "rb");
  if (file_ == nullptr)
    throw Error(ErrorCode::Io, name_ + " cannot be opened", "Check that the file exists and may be read.");
  gzbuffer(file_, piece);
}

ByteStream::~ByteStream() {
  gzclose(file_);
}

bool ByteStream::refill(const RunControl& control) {
  control.check();
  if (end_ - begin_ > longest_line_)
    throw Error(ErrorCode::BadInput, name_ + " has a line of more than " + grouped(longest_line_ >> 20) + " MiB",
                "It is no file of counts or names: open another one.");
  if (begin_ > 0) std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() - end_ < piece) buffer_.resize(2 * buffer_.size());
  const int got = gzread(file_, buffer_.data() + end_, piece);
  int code = Z_OK;
  const char* const what = gzerror(file_, &code);
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END))
    throw Error(ErrorCode::BadInput,
                name_ + (code == Z_BUF_ERROR ? " is cut short" : " is damaged (" + std::string(what) + ")"),
                "Copy or download the file again.");
  end_ += static_cast<std::size_t>(got);
  inflated_ += got;
  at_end_ = got == 0;
  return !at_end_;
}

bool ByteStream::line(std::string_view& out, const RunControl& control) {
  std::size_t searched = begin_;
  while (true) {
    const void* found = std::memchr(buffer_.data() + searched, '\n', end_ - searched);
    if (found != nullptr || at_end_) {
      const std::size_t stop = found != nullptr ? static_cast<const char*>(found) - buffer_.data() : end_;
      if (found == nullptr && begin_ == end_) return false;
      if (++lines_ > most_lines_)
        throw Error(ErrorCode::BadInput,
                    name_ + " unpacks to more than " + grouped(std::llround(most_lines_)) +
                        " lines, which no data of its size does",
                    "Copy or download the file again, or write it anew with the program that made it.");
      out = {buffer_.data() + begin_, stop - begin_};
      if (!out.empty() && out.back() == '\r') out.remove_suffix(1);
      begin_ = found != nullptr ? stop + 1 : end_;
      return true;
    }
    searched = end_ - begin_;
    refill(control);
  }
}

double ByteStream::estimated_bytes() const {
  const double read = fraction();
  return at_end_ || read <= 0 ? inflated_ : inflated_ / read;
}

double ByteStream::fraction() const {
  return bytes_ > 0 ? std::min(1.0, static_cast<double>(gzoffset(file_)) / bytes_) : 1;
}

}  // namespace scriptorium::data
