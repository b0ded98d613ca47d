#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace scriptorium::report {

/// One column. Missing values: NaN, an integer equal to `missing_integer`, an empty text.
inline constexpr std::int64_t missing_integer = INT64_MIN;
struct TableColumn {
  std::string name;
  std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>, std::vector<bool>> values;
  std::size_t size() const;
};

/// A table as it is written to files and shown in the window: columns of one length.
struct Table {
  std::vector<TableColumn> columns;
  template <class Values>
  void add(std::string name, Values values) {
    columns.push_back({std::move(name), std::move(values)});
  }
  std::size_t rows() const { return columns.empty() ? 0 : columns.front().size(); }
};

enum class TableFormat { Tsv, Csv, Json };
/// By the extension: .csv, .json, anything else TSV.
TableFormat table_format(const std::string& path);

/// Header and rows. Numbers with 17 significant digits; missing is empty (null in JSON); booleans True and False; text
/// with separators in quotes. JSON: one object {column: [values]}, numbers that are not finite as "nan", "inf", "-inf".
std::string to_text(const Table& table, TableFormat format);
/// As to_text() gives it, the whole file or nothing; "-" is standard output. @throws Error(Io).
void write_table(const Table& table, const std::string& path);
/// One value as the tables write it.
std::string number_text(double value);

}  // namespace scriptorium::report
