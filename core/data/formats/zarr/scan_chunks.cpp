#include <oneapi/tbb/enumerable_thread_specific.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/compute/parallel.hpp"
#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/matrix_reading.hpp"
#include "core/data/formats/names.hpp"
#include "core/data/formats/row_entries.hpp"
#include "core/data/formats/zarr/array.hpp"
#include "core/error.hpp"

namespace scriptorium::data::zarr {
namespace {

constexpr std::int64_t rows_between_checks = 1024;
constexpr std::int64_t values_together = 1 << 20;  ///< for one thread at a time
constexpr std::int64_t small_strip = 1 << 26;      ///< values: strips by row are preferred up to there
constexpr std::int64_t sample_values = 1 << 24;    ///< of a matrix that is only judged
constexpr std::size_t most_sampled = 16;           ///< chunks of it
constexpr std::int64_t most_filled = 1LL << 34;    ///< values of chunks that are not there and not zero
constexpr std::int64_t most_fillers = 1 << 22;     ///< such chunks
constexpr double memory_for_strips = 1 << 30;      ///< bytes, over all threads
constexpr double bytes_per_value = 1;              ///< of a strip taken apart, where one value in eight is positive

/// Reads a matrix along its rows or its columns of chunks, whichever makes strips that can be held: those of a matrix
/// with few rows of chunks would be nearly all of it.
class StripScan {
 public:
  StripScan(const ChunkMap& map, MatrixReading& reading, Major rows)
      : map_(map), reading_(reading), d_(map.description()), stored_(map.stored(reading.control())) {
    const std::int64_t by_row = std::min(d_.chunk_rows, d_.rows) * d_.columns,
                       by_column = std::min(d_.chunk_columns, d_.columns) * d_.rows;
    along_columns_ = by_row > small_strip && by_column < by_row;
    major_ = (rows == Major::Cell) != along_columns_ ? Major::Cell : Major::Gene;
    with_type(d_.type, [this](auto zero) {
      decltype(zero) fill;
      std::memcpy(&fill, d_.fill.data(), sizeof fill);
      fill_is_zero_ = fill == 0;
    });
  }

  void run() {
    const std::int64_t missing = d_.grid_rows() * d_.grid_columns() - static_cast<std::int64_t>(stored_.size());
    if (!fill_is_zero_ && missing > std::min(most_fillers, most_filled / static_cast<std::int64_t>(d_.chunk_values())))
      throw Error(ErrorCode::BadInput,
                  map_.name() + " lacks " + grouped(missing) + " chunks whose values would not be zero",
                  "Copy or download the store again.");
    if (!reading_.counts()) return sample();
    all();
    if (missing > 0)
      reading_.add_note(grouped(missing) + " of the " + grouped(d_.grid_rows() * d_.grid_columns()) + " chunks of " +
                        quoted(reading_.layer()) + " are not in the store: they stand for " +
                        (fill_is_zero_ ? "zeros." : "its fill value."));
  }

 private:
  /// What one thread works with.
  struct Room {
    explicit Room(const ChunkMap& map) : reader(map) {}
    ChunkReader reader;
    Bytes fill;
    RowEntries entries;
    // Of every row of every chunk of a strip, where it ends in the entries; before them 0.
    std::vector<std::size_t> counts_end, missing_end;
  };

  std::int64_t grid_majors() const { return along_columns_ ? d_.grid_columns() : d_.grid_rows(); }
  std::int64_t grid_minors() const { return along_columns_ ? d_.grid_rows() : d_.grid_columns(); }
  std::int64_t majors() const { return along_columns_ ? d_.columns : d_.rows; }
  std::int64_t minors() const { return along_columns_ ? d_.rows : d_.columns; }
  std::int64_t chunk_majors() const { return along_columns_ ? d_.chunk_columns : d_.chunk_rows; }
  std::int64_t chunk_minors() const { return along_columns_ ? d_.chunk_rows : d_.chunk_columns; }

  /// The chunks of every strip, by their place along it, ascending.
  std::vector<std::vector<std::int64_t>> strips() const {
    std::vector<std::vector<std::int64_t>> out;
    if (fill_is_zero_ && stored_.empty()) return out;
    out.resize(static_cast<std::size_t>(grid_majors()));
    if (!fill_is_zero_)
      for (auto& strip : out)
        for (std::int64_t i = 0; i < grid_minors(); ++i) strip.push_back(i);
    else
      for (const std::int64_t chunk : stored_) {
        const std::int64_t row = chunk / d_.grid_columns(), column = chunk % d_.grid_columns();
        out[static_cast<std::size_t>(along_columns_ ? column : row)].push_back(along_columns_ ? row : column);
      }
    return out;
  }

  int threads() const {
    const double chunk = static_cast<double>(d_.chunk_values() * d_.type.bytes_in_memory());
    const double one =
        2 * chunk + bytes_per_value * static_cast<double>(chunk_majors()) * static_cast<double>(minors());
    return std::max(1, static_cast<int>(std::min<double>(compute::resolve_threads(0), memory_for_strips / one)));
  }

  void all() {
    const std::vector<std::vector<std::int64_t>> of_strip = strips();
    const auto n = static_cast<std::int64_t>(of_strip.size());
    const std::int64_t together = 1 + values_together / (chunk_majors() * minors());
    tbb::enumerable_thread_specific<std::unique_ptr<Room>> rooms;
    std::atomic<std::int64_t> done = 0;
    compute::for_each_in_order(compute::pieces(n, together), threads(), [&](std::int64_t piece) {
      if (reading_.refused()) return;  // those begun before it are read to their end: the first value is found
      std::unique_ptr<Room>& room = rooms.local();
      if (!room) room = std::make_unique<Room>(map_);
      const std::int64_t first = piece * together, last = std::min(n, first + together);
      CountBuilder builder(reading_.counts(), major_, first * chunk_majors());
      for (std::int64_t strip = first; strip < last; ++strip)
        read_strip(strip, of_strip[static_cast<std::size_t>(strip)], *room, builder);
      if (!reading_.refused()) reading_.add_merged(builder.finish());
      done += std::min(last * chunk_majors(), majors()) - first * chunk_majors();
      reading_.step(done, majors(), major_ == Major::Cell ? "cells" : "genes");
    });
  }

  void read_strip(std::int64_t strip, const std::vector<std::int64_t>& chunks, Room& room, CountBuilder& builder) {
    const std::int64_t first = strip * chunk_majors();
    const auto rows = static_cast<std::size_t>(std::min(chunk_majors(), majors() - first));
    room.entries.clear();
    room.counts_end.assign(1, 0);
    room.missing_end.assign(1, 0);
    for (const std::int64_t minor : chunks) take_chunk(strip, minor, room);
    if (reading_.refused()) return;
    std::vector<std::uint32_t> lacking;
    for (std::size_t row = 0; row < rows; ++row) {
      lacking.clear();
      for (std::size_t at = row; at < chunks.size() * rows; at += rows) {
        for (std::size_t i = room.counts_end[at]; i < room.counts_end[at + 1]; ++i)
          builder.add(room.entries.minor()[i], room.entries.count()[i]);
        const std::span<const std::uint32_t> missing = room.entries.missing();
        lacking.insert(lacking.end(), missing.begin() + room.missing_end[at],
                       missing.begin() + room.missing_end[at + 1]);
      }
      builder.end_row();
      reading_.add_missing(major_, first + static_cast<std::int64_t>(row), lacking);
    }
  }

  /// Takes the values of one chunk apart, row by row; those beyond the edge of the array are passed over.
  void take_chunk(std::int64_t strip, std::int64_t minor, Room& room) {
    const Bytes* values = room.reader.read(along_columns_ ? minor : strip, along_columns_ ? strip : minor,
                                           along_columns_, reading_.control());
    if (values == nullptr) values = &filled(room);
    const std::int64_t first = strip * chunk_majors(), first_minor = minor * chunk_minors();
    const std::int64_t rows = std::min(chunk_majors(), majors() - first);
    const auto width = static_cast<std::size_t>(std::min(chunk_minors(), minors() - first_minor));
    with_type(d_.type, [&](auto zero) {
      using T = decltype(zero);
      const T* at = reinterpret_cast<const T*>(values->data());
      for (std::int64_t row = 0; row < rows; ++row, at += chunk_minors()) {
        if (row % rows_between_checks == 0) reading_.control().check();
        const std::span<const T> of_row(at, width);
        const auto fault = room.entries.take(of_row, static_cast<std::uint32_t>(first_minor));
        if (fault) {
          refuse(first + row, first_minor + static_cast<std::int64_t>(*fault), of_row[*fault]);
          break;
        }
        room.counts_end.push_back(room.entries.count().size());
        room.missing_end.push_back(room.entries.missing().size());
      }
    });
  }

  template <class T>
  void refuse(std::int64_t row, std::int64_t minor, T value) {
    if constexpr (std::is_floating_point_v<T>)
      reading_.refuse(major_, row, minor, static_cast<double>(value));
    else if constexpr (std::is_same_v<T, std::uint64_t>)
      reading_.refuse(major_, row, minor,
                      static_cast<std::int64_t>(std::min<T>(value, std::numeric_limits<std::int64_t>::max())));
    else
      reading_.refuse(major_, row, minor, static_cast<std::int64_t>(value));
  }

  const Bytes& filled(Room& room) const {
    if (room.fill.empty())
      for (std::size_t i = 0; i < d_.chunk_values(); ++i)
        room.fill.insert(room.fill.end(), d_.fill.begin(), d_.fill.end());
    return room.fill;
  }

  /// Some chunks from all over the matrix, and the fill value where a chunk is missing.
  void sample() {
    Room room(map_);
    const auto fit = static_cast<std::size_t>(
        std::max<std::int64_t>(1, sample_values / static_cast<std::int64_t>(d_.chunk_values())));
    const std::size_t n = d_.size() <= sample_values ? stored_.size() : std::min({stored_.size(), most_sampled, fit});
    const auto look = [&](std::int64_t chunk) {
      const std::int64_t row = chunk / d_.grid_columns(), column = chunk % d_.grid_columns();
      room.entries.clear();
      take_chunk(along_columns_ ? column : row, along_columns_ ? row : column, room);
    };
    for (std::size_t i = 0; i < n && !reading_.refused(); ++i) {
      reading_.step(static_cast<std::int64_t>(i), static_cast<std::int64_t>(n), "chunks");
      look(stored_[i * stored_.size() / n]);
    }
    if (fill_is_zero_ || reading_.refused()) return;
    std::int64_t missing = 0;  // the first chunk that is not there
    for (const std::int64_t chunk : stored_) {
      if (chunk != missing) break;
      ++missing;
    }
    if (missing < d_.grid_rows() * d_.grid_columns()) look(missing);
  }

  const ChunkMap& map_;
  MatrixReading& reading_;
  const Description& d_;
  const std::vector<std::int64_t> stored_;
  bool along_columns_ = false, fill_is_zero_ = true;
  Major major_ = Major::Cell;
};

}  // namespace

void scan_chunks(const ChunkMap& map, MatrixReading& reading, Major rows) {
  if (map.description().size() == 0) return;
  StripScan(map, reading, rows).run();
}

}  // namespace scriptorium::data::zarr
