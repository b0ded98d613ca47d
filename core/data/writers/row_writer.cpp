#include "core/data/writers/row_writer.hpp"

#include "core/data/formats/names.hpp"

namespace scriptorium::data {
namespace {
constexpr std::size_t entries_at_once = 1 << 16;  ///< between two looks at the stop token
}

RowWriter::RowWriter(hid_t group, std::int64_t rows, const Types& types)
    : rows_(rows),
      data_(group, "data", types.data),
      indices_(group, "indices", types.indices),
      indptr_(group, "indptr", types.indptr) {}

void RowWriter::begin(const Table& /*cells*/, const Table& /*genes*/) {
  const std::int64_t zero = 0;
  indptr_.append({&zero, 1});
}

void RowWriter::pass_rows(std::int64_t to) {
  for (; next_ < to; ++next_) indptr_.append({&entries_, 1});
}

void RowWriter::add(const CountBlock& block) {
  pass_rows(block.first);
  data_.append(block.count);
  indices_.append(block.minor);
  std::vector<std::int64_t> ends(block.row_start.begin() + 1, block.row_start.end());
  for (std::int64_t& end : ends) end += entries_;
  indptr_.append(ends);
  entries_ += static_cast<std::int64_t>(block.count.size());
  next_ += block.rows();
}

std::int64_t RowWriter::finish() {
  pass_rows(rows_);
  data_.finish();
  indices_.finish();
  indptr_.finish();
  return entries_;
}

void Told::add(const CountBlock& block) {
  // Row by row where rows are many, so that a stop need not wait for a large block to be compressed.
  std::int64_t first = 0;
  while (first < block.rows()) {
    control_.check();
    const auto begin = static_cast<std::size_t>(block.row_start[static_cast<std::size_t>(first)]);
    std::int64_t last = first + 1;
    while (last < block.rows() &&
           static_cast<std::size_t>(block.row_start[static_cast<std::size_t>(last)]) - begin < entries_at_once)
      ++last;
    std::vector<std::int64_t> start;
    for (std::int64_t row = first; row <= last; ++row)
      start.push_back(block.row_start[static_cast<std::size_t>(row)] - static_cast<std::int64_t>(begin));
    const auto length = static_cast<std::size_t>(start.back());
    next_.add({block.major, block.first + first, start, block.minor.subspan(begin, length),
               block.count.subspan(begin, length)});
    done_ += static_cast<std::int64_t>(length);
    first = last;
  }
  control_.tell(entries_ > 0 ? static_cast<double>(done_) / static_cast<double>(entries_) : -1,
                what_ + ": " + grouped(done_) + " counts");
}

}  // namespace scriptorium::data
