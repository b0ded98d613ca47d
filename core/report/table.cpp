#include "core/report/table.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/storage/atomic_file.hpp"

namespace scriptorium::report {
namespace {

std::string quoted(const std::string& text, char separator) {
  if (text.find_first_of(std::string{separator, '"', '\n', '\r'}) == std::string::npos) return text;
  std::string result = "\"";
  for (char c : text) result.append(c == '"' ? 2 : 1, c);
  return result + '"';
}

std::string cell_text(const TableColumn& column, std::size_t row, char separator) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&column.values))
    return std::isnan((*numbers)[row]) ? std::string() : number_text((*numbers)[row]);
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values))
    return (*integers)[row] == missing_integer ? std::string() : std::to_string((*integers)[row]);
  if (const auto* words = std::get_if<std::vector<std::string>>(&column.values))
    return quoted((*words)[row], separator);
  return std::get<std::vector<bool>>(column.values)[row] ? "True" : "False";
}

std::string json_text(const TableColumn& column, std::size_t row) {
  const auto word = [](const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) {
    const double value = (*numbers)[row];
    return std::isfinite(value) ? number_text(value) : word(std::isnan(value) ? "nan" : number_text(value));
  }
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values))
    return (*integers)[row] == missing_integer ? "null" : std::to_string((*integers)[row]);
  if (const auto* words = std::get_if<std::vector<std::string>>(&column.values))
    return (*words)[row].empty() ? "null" : word((*words)[row]);
  return std::get<std::vector<bool>>(column.values)[row] ? "true" : "false";
}

}  // namespace

std::size_t TableColumn::size() const {
  return std::visit([](const auto& list) { return list.size(); }, values);
}

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

TableFormat table_format(const std::string& path) {
  const auto ends = [&](const char* ending) {
    const std::string wanted = ending;
    return path.size() >= wanted.size() && path.compare(path.size() - wanted.size(), wanted.size(), wanted) == 0;
  };
  const auto slash = path.find_last_of('/'), dot = path.find_last_of('.');
  const bool extension = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  if (extension && !ends(".tsv") && !ends(".txt") && !ends(".csv") && !ends(".json"))
    throw Error(ErrorCode::BadInput, "\"" + path + "\" ends in an unknown kind of table.",
                "Tables are written as .tsv, .csv or .json.");
  return ends(".csv") ? TableFormat::Csv : ends(".json") ? TableFormat::Json : TableFormat::Tsv;
}

std::string to_text(const Table& table, TableFormat format) {
  std::string text;
  if (format == TableFormat::Json) {
    text = "{";
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const auto& column = table.columns[c];
      text.append(c ? ",\n" : "\n").append(nlohmann::json(column.name).dump()).append(": [");
      for (std::size_t row = 0; row < column.size(); ++row) text.append(row ? "," : "").append(json_text(column, row));
      text += "]";
    }
    return text + "\n}\n";
  }
  const char separator = format == TableFormat::Csv ? ',' : '\t';
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    if (c) text += separator;
    text += quoted(table.columns[c].name, separator);
  }
  text += '\n';
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      if (c) text += separator;
      text += cell_text(table.columns[c], row, separator);
    }
    text += '\n';
  }
  return text;
}

void write_table(const Table& table, const std::string& path) {
  const std::string text = to_text(table, path == "-" ? TableFormat::Tsv : table_format(path));
  if (path != "-") return storage::write_whole_file(path, text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw Error(ErrorCode::Io, "The table could not be written to standard output.", {});
}

}  // namespace scriptorium::report
