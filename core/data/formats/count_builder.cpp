#include "core/data/formats/count_builder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

constexpr std::size_t block_entries = 1 << 17;  // a megabyte at a time

}  // namespace

std::string describe(Fault fault) {
  switch (fault) {
    case Fault::Fraction:
      return "a fraction";
    case Fault::Negative:
      return "negative";
    case Fault::NotANumber:
      return "not a number";
    case Fault::Infinite:
      return "infinite";
    case Fault::TooLarge:
      return "more than the 32 bits of a count hold";
    case Fault::None:
      break;
  }
  return "a count";
}

std::string number_text(double value, bool single) {
  if (std::isnan(value)) return "NaN";
  std::array<char, 32> buffer{};
  char* const end = buffer.data() + buffer.size();
  const auto written =
      single ? std::to_chars(buffer.data(), end, static_cast<float>(value)) : std::to_chars(buffer.data(), end, value);
  return {buffer.data(), written.ptr};
}

void CountBuilder::tidy_row() {
  const auto begin = static_cast<std::size_t>(start_.back());
  std::vector<std::pair<std::uint32_t, Count>> row;
  for (std::size_t k = begin; k < minor_.size(); ++k) row.emplace_back(minor_[k], count_[k]);
  std::sort(row.begin(), row.end());
  std::size_t out = begin;
  for (const auto& [minor, count] : row) {
    if (out > begin && minor_[out - 1] == minor) {
      if (count_[out - 1] > std::numeric_limits<Count>::max() - count) {
        const std::int64_t at = first_ + static_cast<std::int64_t>(start_.size());
        const bool by_cell = major_ == Major::Cell;
        throw Error(ErrorCode::BadInput,
                    "Entries stored twice for cell " + std::to_string(by_cell ? at : minor + 1) + " and gene " +
                        std::to_string(by_cell ? minor + 1 : at) + " add up to more than 32 bits hold",
                    "Write the matrix anew with one entry for each cell and gene.");
      }
      count_[out - 1] += count;
      ++merged_;
    } else {
      minor_[out] = minor;
      count_[out++] = count;
    }
  }
  minor_.resize(out);
  count_.resize(out);
  sorted_ = true;
}

void CountBuilder::end_row() {
  if (!sorted_) tidy_row();
  start_.push_back(static_cast<std::int64_t>(count_.size()));
  if (count_.size() >= block_entries) flush();
}

void CountBuilder::flush() {
  if (start_.size() > 1 && sink_) sink_->add({major_, first_, start_, minor_, count_});
  first_ += static_cast<std::int64_t>(start_.size()) - 1;
  start_.assign(1, 0);
  minor_.clear();
  count_.clear();
}

std::int64_t CountBuilder::finish() {
  flush();
  return merged_;
}

void note_merged(std::int64_t merged, std::vector<std::string>& notes) {
  if (merged > 0) notes.push_back(grouped(merged) + " entries were stored twice for a cell and gene: added up.");
}

}  // namespace scriptorium::data
