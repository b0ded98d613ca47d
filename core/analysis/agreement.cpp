#include "core/analysis/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::analysis {
namespace {

/// Leaves out names that no cell has.
Labels without_unused(Labels labels) {
  std::vector<std::int32_t> new_code(labels.names.size(), -1);
  for (const std::int32_t code : labels.code)
    if (code >= 0) new_code[code] = 0;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < new_code.size(); ++i)
    if (new_code[i] == 0) {
      new_code[i] = static_cast<std::int32_t>(names.size());
      names.push_back(std::move(labels.names[i]));
    }
  for (std::int32_t& code : labels.code)
    if (code >= 0) code = new_code[code];
  labels.names = std::move(names);
  return labels;
}

/// Sorted as numbers where the column holds numbers.
struct ByValue {
  bool numeric;
  bool operator()(const std::pair<double, std::string>& a, const std::pair<double, std::string>& b) const {
    return numeric ? a.first < b.first : a.second < b.second;
  }
};

double pairs(std::int64_t n) {
  return static_cast<double>(n) * static_cast<double>(n - 1) / 2;
}

std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> margins(const Contingency& table) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(table.rows), 0),
      columns(static_cast<std::size_t>(table.columns), 0);
  for (std::int64_t i = 0; i < table.rows; ++i)
    for (std::int64_t j = 0; j < table.columns; ++j) {
      rows[i] += table.cells[i * table.columns + j];
      columns[j] += table.cells[i * table.columns + j];
    }
  return {std::move(rows), std::move(columns)};
}

}  // namespace

Labels labels_of(const data::Column& column, std::size_t most) {
  Labels labels;
  if (const auto* categorical = std::get_if<data::Categorical>(&column.values)) {
    labels.names = categorical->categories;
    labels.code = categorical->codes;
    for (std::size_t i = 0; i < labels.code.size(); ++i)
      if (column.is_missing(i)) labels.code[i] = -1;
    labels = without_unused(std::move(labels));
  } else {
    const bool numeric = !std::holds_alternative<std::vector<std::string>>(column.values);
    std::map<std::pair<double, std::string>, std::int32_t, ByValue> code_of(ByValue{numeric});
    const auto key = [&](std::size_t i) {
      return std::pair(numeric ? column.number(i) : 0, numeric ? std::string() : column.text(i));
    };
    const std::size_t n = column.size();
    for (std::size_t i = 0; i < n && code_of.size() <= most; ++i)
      if (!column.is_missing(i)) code_of.try_emplace(key(i), static_cast<std::int32_t>(i));
    if (code_of.size() <= most) {
      for (auto& [value, code] : code_of) {
        labels.names.push_back(column.text(static_cast<std::size_t>(code)));  // the first cell that has it
        code = static_cast<std::int32_t>(labels.names.size()) - 1;
      }
      for (std::size_t i = 0; i < n; ++i) labels.code.push_back(column.is_missing(i) ? -1 : code_of.at(key(i)));
    } else {
      labels.names.resize(code_of.size());
    }
  }
  if (labels.names.size() > most)
    throw Error(ErrorCode::BadInput,
                "The column " + column.name + " has more than " + data::grouped(static_cast<std::int64_t>(most)) +
                    " different values, too many to be groups of cells",
                "Choose a column of labels.");
  return labels;
}

Labels labels_of(const data::Table& cells, const std::string& column) {
  const data::Column* found = cells.find(column);
  if (!found) {
    std::vector<std::string> have;
    for (const auto& one : cells.columns) have.push_back(one.name);
    throw Error(
        ErrorCode::BadInput, "The cell table has no column \"" + column + "\".",
        have.empty() ? "It has no columns at all; choose other data." : "It has " + data::listed(have, 12) + ".");
  }
  return labels_of(*found);
}

Contingency contingency(std::span<const std::int32_t> a, std::int64_t rows, std::span<const std::int32_t> b,
                        std::int64_t columns) {
  Contingency out{rows, columns, std::vector<std::int64_t>(static_cast<std::size_t>(rows * columns), 0), 0};
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] >= 0 && b[i] >= 0) {
      ++out.cells[static_cast<std::size_t>(a[i] * columns + b[i])];
      ++out.total;
    }
  return out;
}

Contingency contingency(const Labels& a, const Labels& b) {
  return contingency(a.code, static_cast<std::int64_t>(a.names.size()), b.code,
                     static_cast<std::int64_t>(b.names.size()));
}

double adjusted_rand_index(const Contingency& table) {
  if (table.total == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto [rows, columns] = margins(table);
  double both = 0, in_rows = 0, in_columns = 0;
  for (const std::int64_t n : table.cells) both += pairs(n);
  for (const std::int64_t n : rows) in_rows += pairs(n);
  for (const std::int64_t n : columns) in_columns += pairs(n);
  const double all = pairs(table.total);
  const double by_chance = all > 0 ? in_rows * in_columns / all : 0, most = (in_rows + in_columns) / 2;
  if (most == by_chance) return 1;
  return (both - by_chance) / (most - by_chance);
}

double normalised_mutual_information(const Contingency& table) {
  if (table.total == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto [rows, columns] = margins(table);
  const auto n = static_cast<double>(table.total);
  const auto entropy = [n](const std::vector<std::int64_t>& sizes) {
    double sum = 0;
    for (const std::int64_t size : sizes)
      if (size > 0) sum -= static_cast<double>(size) / n * std::log(static_cast<double>(size) / n);
    return sum;
  };
  double shared = 0;
  for (std::int64_t i = 0; i < table.rows; ++i)
    for (std::int64_t j = 0; j < table.columns; ++j) {
      const auto cells = static_cast<double>(table.cells[i * table.columns + j]);
      if (cells > 0)
        shared += cells / n * std::log(cells * n / static_cast<double>(rows[i]) / static_cast<double>(columns[j]));
    }
  const double mean = (entropy(rows) + entropy(columns)) / 2;
  return mean == 0 ? 1 : std::clamp(shared / mean, 0.0, 1.0);
}

std::vector<std::int32_t> assignment(std::span<const double> probability, std::int64_t components) {
  const auto k = static_cast<std::size_t>(components);
  std::vector<std::int32_t> out;
  for (std::size_t first = 0; k > 0 && first + k <= probability.size(); first += k) {
    const auto row = probability.subspan(first, k);
    const bool finite = std::all_of(row.begin(), row.end(), [](double p) { return std::isfinite(p); });
    out.push_back(finite ? static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin()) : -1);
  }
  return out;
}

Composition composition(std::span<const double> probability, std::int64_t components, const Labels& labels) {
  const auto n_labels = static_cast<std::int64_t>(labels.names.size());
  const std::vector<std::int32_t> assigned = assignment(probability, components);
  Composition out{contingency(assigned, components, labels.code, n_labels),
                  std::vector<double>(static_cast<std::size_t>(components * n_labels), 0)};
  for (std::size_t i = 0; i < assigned.size(); ++i)
    for (std::int64_t k = 0; k < components && assigned[i] >= 0 && labels.code[i] >= 0; ++k)
      out.expected[static_cast<std::size_t>(k * n_labels + labels.code[i])] +=
          probability[i * static_cast<std::size_t>(components) + static_cast<std::size_t>(k)];
  return out;
}

}  // namespace scriptorium::analysis
