#include "core/data/formats/count_builder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

/// Sorts every row by gene and sums entries with the same gene. Returns how many entries were merged away.
std::int64_t tidy_rows(CountMatrix& m) {
  std::vector<std::pair<std::uint32_t, Count>> row;
  std::int64_t out = 0, merged = 0, begin = 0;
  for (std::int64_t cell = 0; cell < m.n_cells; ++cell) {
    const std::int64_t end = m.row_start[cell + 1];
    row.clear();
    for (std::int64_t k = begin; k < end; ++k) row.emplace_back(m.gene[k], m.count[k]);
    std::sort(row.begin(), row.end());
    const std::int64_t row_begin = out;
    for (const auto& [gene, count] : row) {
      if (out > row_begin && m.gene[out - 1] == gene) {
        if (m.count[out - 1] > std::numeric_limits<Count>::max() - count)
          throw Error(ErrorCode::BadInput,
                      "Entries stored twice for cell " + std::to_string(cell + 1) + " and gene " +
                          std::to_string(gene + 1) + " add up to more than 32 bits hold",
                      "Write the matrix anew with one entry for each cell and gene.");
        m.count[out - 1] += count;
        ++merged;
      } else {
        m.gene[out] = gene;
        m.count[out++] = count;
      }
    }
    begin = end;
    m.row_start[cell + 1] = out;
  }
  m.gene.resize(out);
  m.count.resize(out);
  return merged;
}

bool rows_ascend(const CountMatrix& m) {
  for (std::int64_t cell = 0; cell < m.n_cells; ++cell)
    for (std::int64_t k = m.row_start[cell] + 1; k < m.row_start[cell + 1]; ++k)
      if (m.gene[k] <= m.gene[k - 1]) return false;
  return true;
}

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

void CountBuilder::reserve(std::int64_t entries) {
  minor_.reserve(entries);
  count_.reserve(entries);
}

CountMatrix CountBuilder::finish(bool gene_major, std::vector<std::string>& notes) {
  CountMatrix m;
  m.n_cells = majors_;
  m.n_genes = minors_;
  m.row_start = std::move(start_);
  m.gene = std::move(minor_);
  m.count = std::move(count_);
  if (gene_major) m = m.transposed();
  if (rows_ascend(m)) return m;
  const std::int64_t merged = tidy_rows(m);
  if (merged > 0) notes.push_back(grouped(merged) + " entries were stored twice for a cell and gene: added up.");
  return m;
}

}  // namespace scriptorium::data
