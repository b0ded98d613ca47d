#pragma once
#include <string>

#include "core/data/count_sink.hpp"
#include "core/storage/hdf5_stream.hpp"

namespace scriptorium::data {

/// Writes blocks that come in order as the lists data, indices and indptr of a compressed matrix.
class RowWriter final : public CountSink {
 public:
  /// Types that the lists have in the file.
  struct Types {
    hid_t data, indices, indptr;
  };
  RowWriter(hid_t group, std::int64_t rows, const Types& types);
  void begin(const Table& cells, const Table& genes) override;
  void add(const CountBlock& block) override;
  /// Ends the rows that never came. @returns the number of entries
  std::int64_t finish();

 private:
  void pass_rows(std::int64_t to);
  std::int64_t rows_, next_ = 0, entries_ = 0;
  storage::hdf5::GrowingList<std::uint32_t> data_, indices_;
  storage::hdf5::GrowingList<std::int64_t> indptr_;
};

/// Hands blocks on and tells how far it is.
class Told final : public CountSink {
 public:
  Told(CountSink& next, std::string what, std::int64_t entries, const RunControl& control)
      : next_(next), what_(std::move(what)), entries_(entries), control_(control) {}
  void begin(const Table& cells, const Table& genes) override { next_.begin(cells, genes); }
  void add(const CountBlock& block) override;

 private:
  CountSink& next_;
  std::string what_;
  std::int64_t entries_, done_ = 0;
  const RunControl& control_;
};

}  // namespace scriptorium::data
