#include "core/data/packed_counts.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "core/compute/parallel.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

constexpr std::uint64_t payload_bits = 7;
constexpr std::uint8_t more = 1 << payload_bits;  ///< another byte follows

void put(std::vector<std::uint8_t>& out, std::uint64_t value) {
  for (; value >= more; value >>= payload_bits) out.push_back(static_cast<std::uint8_t>(value | more));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::uint64_t take(const std::uint8_t*& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += payload_bits) {
    const std::uint8_t byte = *at++;
    value |= static_cast<std::uint64_t>(byte & (more - 1)) << shift;
    if ((byte & more) == 0) return value;
  }
}

/// Rows one after the other: the number of entries, then for each the step to its minor, doubled, plus one where a
/// count above 1 follows. Two thirds of all counts are 1, and steps are small.
std::vector<std::uint8_t> pack(const CountBlock& block, Count& most) {
  std::vector<std::uint8_t> out;
  out.reserve(2 * block.count.size() + static_cast<std::size_t>(block.rows()));
  for (std::size_t row = 0; row < static_cast<std::size_t>(block.rows()); ++row) {
    const auto begin = static_cast<std::size_t>(block.row_start[row]),
               end = static_cast<std::size_t>(block.row_start[row + 1]);
    put(out, end - begin);
    std::uint64_t before = 0;
    for (std::size_t k = begin; k < end; ++k) {
      const Count count = block.count[k];
      most = std::max(most, count);
      put(out, (block.minor[k] - before) << 1 | (count > 1 ? 1 : 0));
      if (count > 1) put(out, count - 2);
      before = block.minor[k];
    }
  }
  return out;
}

[[noreturn]] void fail(const std::string& folder, int code) {
  throw Error(ErrorCode::Io,
              "The counts cannot be set aside in " + folder + ": " + std::generic_category().message(code),
              code == ENOSPC || code == EDQUOT || code == EFBIG
                  ? "Free some space there, or allow more memory (--memory)."
                  : "Choose a folder for temporary files that may be written to (TMPDIR).");
}

}  // namespace

PackedCounts::~PackedCounts() {
  forget();
}

void PackedCounts::forget() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  pieces_.clear();
  nnz_ = 0;
  max_count_ = 0;
  memory_bytes_ = file_bytes_ = 0;
}

void PackedCounts::begin(const Table& /*cells*/, const Table& /*genes*/) {
  const std::lock_guard lock(mutex_);
  forget();
}

void PackedCounts::open_file() {
  if (storage_.folder.empty()) storage_.folder = std::filesystem::temp_directory_path().string();
  file_ = ::open(storage_.folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file_ < 0) {  // file systems that have no files without a name
    std::string name = storage_.folder + "/.scriptorium-counts-XXXXXX";
    file_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (file_ < 0) fail(storage_.folder, errno);
    ::unlink(name.c_str());
  }
}

void PackedCounts::add(const CountBlock& block) {
  Count most = 0;
  Piece piece{block.first, block.rows(), 0, 0, pack(block, most)};
  piece.bytes = piece.in_memory.size();
  const std::lock_guard lock(mutex_);
  major_ = block.major;
  nnz_ += static_cast<std::int64_t>(block.count.size());
  max_count_ = std::max(max_count_, most);
  if (memory_bytes_ + piece.bytes <= storage_.memory) {
    piece.in_memory.shrink_to_fit();
    memory_bytes_ += piece.bytes;
  } else {
    if (file_ < 0) open_file();
    piece.at = file_bytes_;
    for (std::uint64_t done = 0; done < piece.bytes;) {
      const ssize_t n =
          ::pwrite(file_, piece.in_memory.data() + done, piece.bytes - done, static_cast<off_t>(file_bytes_ + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(storage_.folder, errno);
      done += static_cast<std::uint64_t>(n);
    }
    file_bytes_ += piece.bytes;
    piece.in_memory = {};
  }
  pieces_.push_back(std::move(piece));
}

void PackedCounts::unpack(const Piece& piece, CountSink& sink) const {
  std::vector<std::uint8_t> read;
  const std::vector<std::uint8_t>& bytes = piece.in_memory.empty() ? read : piece.in_memory;
  if (piece.in_memory.empty()) {
    read.resize(piece.bytes);
    for (std::uint64_t done = 0; done < piece.bytes;) {
      const ssize_t n = ::pread(file_, read.data() + done, piece.bytes - done, static_cast<off_t>(piece.at + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail(storage_.folder, n < 0 ? errno : EIO);
      done += static_cast<std::uint64_t>(n);
    }
  }
  std::vector<std::int64_t> start{0};
  std::vector<std::uint32_t> minor;
  std::vector<Count> count;
  const std::uint8_t* at = bytes.data();
  for (std::int64_t row = 0; row < piece.rows; ++row) {
    std::uint64_t before = 0;
    for (auto left = take(at); left > 0; --left) {
      const std::uint64_t word = take(at);
      before += word >> 1;
      minor.push_back(static_cast<std::uint32_t>(before));
      count.push_back((word & 1) != 0 ? static_cast<Count>(take(at) + 2) : 1);
    }
    start.push_back(static_cast<std::int64_t>(count.size()));
  }
  sink.add({major_, piece.first, start, minor, count});
}

void PackedCounts::send(CountSink& sink, int threads, const RunControl& control) const {
  std::vector<const Piece*> order;
  for (const Piece& piece : pieces_) order.push_back(&piece);
  std::sort(order.begin(), order.end(), [](const Piece* a, const Piece* b) { return a->first < b->first; });
  for (std::size_t i = 1; i < order.size(); ++i)
    if (order[i]->first < order[i - 1]->first + order[i - 1]->rows)
      throw Error(ErrorCode::BadInput, "Row " + grouped(order[i]->first + 1) + " of a matrix came twice",
                  "Copy or download the file again.");
  compute::for_each_in_order(static_cast<std::int64_t>(order.size()), threads, [&](std::int64_t i) {
    control.check();
    unpack(*order[static_cast<std::size_t>(i)], sink);
  });
}

}  // namespace scriptorium::data
