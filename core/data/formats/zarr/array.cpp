#include "core/data/formats/zarr/array.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::zarr {
namespace {

constexpr std::size_t large_chunk = 64 << 20;               ///< bytes: no two of them are held for one array
constexpr std::int64_t most_filled = 1 << 26;               ///< values read that stand for chunks that are not there
constexpr std::int64_t short_text = 16;                     ///< bytes; a longer text counts as several values
constexpr std::size_t most_at_once = std::size_t{1} << 31;  ///< values of one read

/// A stored value as T; whole numbers above the largest are cut to it, so that they are refused as counts.
template <class T, class Stored>
T converted(Stored value) {
  if constexpr (std::is_same_v<T, std::int64_t> && std::is_same_v<Stored, std::uint64_t>)
    return static_cast<T>(std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
  else
    return static_cast<T>(value);
}

}  // namespace

ChunkedArray::ChunkedArray(const Store& store, const std::string& path, Description description,
                           const RunControl& control)
    : map_(store, path, std::move(description)), control_(control) {
  shape_.push_back(map_.description().rows);
  if (map_.description().rank == 2) shape_.push_back(map_.description().columns);
}

bool ChunkedArray::is_integer() const {
  return description().type.kind == ValueType::Kind::Integer || description().type.kind == ValueType::Kind::Unsigned;
}

std::unique_ptr<ChunkedArray::Held> ChunkedArray::take(std::int64_t chunk) const {
  const bool alone = description().chunk_values() * std::max<std::size_t>(1, description().type.bytes) > large_chunk;
  std::unique_lock lock(mutex_);
  if (alone) returned_.wait(lock, [&] { return taken_ == 0; });
  if (idle_.empty()) idle_.push_back(std::make_unique<Held>(map_));
  auto at = std::find_if(idle_.begin(), idle_.end(), [&](const auto& held) { return held->chunk == chunk; });
  if (at == idle_.end()) at = idle_.begin();
  std::unique_ptr<Held> held = std::move(*at);
  idle_.erase(at);
  ++taken_;
  return held;
}

void ChunkedArray::give_back(std::unique_ptr<Held> held) const {
  {
    const std::lock_guard lock(mutex_);
    --taken_;
    idle_.push_back(std::move(held));
  }
  returned_.notify_one();
}

template <class T>
void ChunkedArray::read_as(std::int64_t first, std::int64_t n, std::vector<T>& out) const {
  const Description& d = description();
  if (is_text())
    throw Error(ErrorCode::BadInput, map_.name() + " holds text where numbers are needed",
                "Write it again as numbers.");
  if (std::is_integral_v<T> && is_float())
    throw Error(ErrorCode::BadInput, map_.name() + " holds " + dtype() + " where whole numbers are needed",
                "Write it again as whole numbers.");
  if (n <= 0 || d.columns == 0) return;
  if (static_cast<std::uint64_t>(n) > most_at_once / static_cast<std::uint64_t>(d.columns))
    throw Error(ErrorCode::BadInput, map_.name() + " claims " + grouped(n) + " rows, too many to be read at a time");
  const auto columns = static_cast<std::size_t>(d.columns);
  for (std::int64_t row = first / d.chunk_rows; row * d.chunk_rows < first + n; ++row) {
    const std::int64_t begin = std::max(first, row * d.chunk_rows), end = std::min(first + n, (row + 1) * d.chunk_rows);
    out.resize(static_cast<std::size_t>(end - first) * columns);  // as chunks come: a claimed size gets no memory
    for (std::int64_t column = 0; column < d.grid_columns(); ++column) {
      const std::int64_t chunk = row * d.grid_columns() + column;
      const auto back = [this](Held* held) { give_back(std::unique_ptr<Held>(held)); };
      const std::unique_ptr<Held, decltype(back)> held(take(chunk).release(), back);
      if (held->chunk != chunk) {
        held->chunk = -1;
        held->values = held->reader.read(row, column, false, control_);
        held->chunk = chunk;
      }
      const std::int64_t left = column * d.chunk_columns, width = std::min(d.chunk_columns, d.columns - left);
      if (held->values == nullptr && (filled_ += width * (end - begin)) > most_filled)
        throw Error(ErrorCode::BadInput, map_.name() + " lacks many of its chunks",
                    "Copy or download the store again.");
      with_type(d.type, [&](auto zero) {
        using Stored = decltype(zero);
        for (std::int64_t r = begin; r < end; ++r) {
          T* to = out.data() + static_cast<std::size_t>(r - first) * columns + left;
          const std::byte* from =
              held->values == nullptr
                  ? d.fill.data()
                  : held->values->data() +
                        static_cast<std::size_t>((r - row * d.chunk_rows) * d.chunk_columns) * sizeof(Stored);
          for (std::int64_t c = 0; c < width; ++c) {
            Stored value;
            std::memcpy(&value, from, sizeof value);
            to[c] = converted<T>(value);
            if (held->values != nullptr) from += sizeof value;
          }
        }
      });
    }
  }
}

void ChunkedArray::read_into(std::int64_t first, std::int64_t n, std::vector<double>& out) const {
  read_as(first, n, out);
}
void ChunkedArray::read_into(std::int64_t first, std::int64_t n, std::vector<float>& out) const {
  read_as(first, n, out);
}
void ChunkedArray::read_into(std::int64_t first, std::int64_t n, std::vector<std::int64_t>& out) const {
  read_as(first, n, out);
}

std::vector<std::string> ChunkedArray::read_text() const {
  const Description& d = description();
  if (!is_text() || d.rank != 1)
    throw Error(ErrorCode::BadInput,
                map_.name() + (is_text() ? " holds a table of text where a list is needed"
                                         : " holds " + dtype() + " where text is needed"),
                "Write it again as a list of text.");
  std::vector<std::string> out, texts;
  ChunkReader reader(map_);
  for (std::int64_t chunk = 0; chunk < d.grid_rows(); ++chunk) {
    control_.check();
    const std::int64_t n = std::min(d.chunk_rows, d.rows - chunk * d.chunk_rows);
    if (reader.read_text(chunk, 0, texts, control_)) {
      out.insert(out.end(), std::make_move_iterator(texts.begin()), std::make_move_iterator(texts.begin() + n));
      continue;
    }
    const std::int64_t weight = 1 + static_cast<std::int64_t>(d.fill_text.size()) / short_text;
    if (!d.fill_is_known || static_cast<std::int64_t>(out.size()) + n > most_filled / weight)
      throw Error(ErrorCode::BadInput, map_.chunk_name(chunk, 0) + " is missing", "Copy or download the store again.");
    out.insert(out.end(), static_cast<std::size_t>(n), d.fill_text);
  }
  return out;
}

void ChunkedArray::scan(MatrixReading& reading, Major rows) const {
  scan_chunks(map_, reading, rows);
}

}  // namespace scriptorium::data::zarr
