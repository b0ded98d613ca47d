#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <sstream>

#include "core/data/formats/delimited_text.hpp"
#include "core/error.hpp"
#include "core/perturbation/z_matrix.hpp"
#include "core/storage/atomic_file.hpp"

namespace scriptorium::perturbation {
namespace {

double number_of(const std::string& text, const std::string& where) {
  const auto value = data::text::value_of(text);
  if (value.kind == data::text::Value::Kind::Missing) return std::numeric_limits<double>::quiet_NaN();
  if (value.kind == data::text::Value::Kind::Text || std::isinf(value.number))
    throw Error(ErrorCode::BadInput, "\"" + text + "\" is no number, " + where + ".",
                "A Z matrix has a column of genes, and a column of numbers for each target.");
  return value.number;
}

}  // namespace

report::Table z_table(const ZMatrix& matrix) {
  report::Table table;
  table.add("gene", matrix.genes);
  for (std::size_t t = 0; t < matrix.targets.size(); ++t) {
    std::vector<double> column(matrix.genes.size());
    for (std::size_t r = 0; r < column.size(); ++r) column[r] = matrix.at(r, t);
    table.add(matrix.targets[t], std::move(column));
  }
  return table;
}

ZMatrix parse_z_table(const std::string& text, const std::string& group, const std::string& path) {
  std::istringstream lines(text);
  std::string line;
  const auto next = [&] {
    if (!std::getline(lines, line)) return false;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
  };
  next();
  const char separator = line.find('\t') != std::string::npos ? '\t' : ',';
  ZMatrix matrix;
  matrix.group = group;
  matrix.targets = data::text::split(line, separator);
  if (matrix.targets.size() < 2)
    throw Error(ErrorCode::BadInput, path + " is no Z matrix: its first line does not name targets.",
                "Write one with `perturb de --z`.");
  matrix.targets.erase(matrix.targets.begin());
  if (std::set<std::string>(matrix.targets.begin(), matrix.targets.end()).size() < matrix.targets.size())
    throw Error(ErrorCode::BadInput, path + " names a target twice.", "Give each column a name of its own.");
  std::set<std::string> seen;
  for (std::size_t number = 2; next(); ++number) {
    if (line.empty()) continue;
    const auto fields = data::text::split(line, separator);
    const std::string where = "line " + std::to_string(number) + " of " + path;
    if (fields.size() != matrix.targets.size() + 1)
      throw Error(ErrorCode::BadInput,
                  where + " has " + std::to_string(fields.size()) + " columns where the first has " +
                      std::to_string(matrix.targets.size() + 1) + ".",
                  "Write it anew with `perturb de --z`.");
    if (!seen.insert(fields[0]).second)
      throw Error(ErrorCode::BadInput, where + " repeats the gene " + fields[0] + ".", "Each gene has one row.");
    matrix.genes.push_back(fields[0]);
    for (std::size_t t = 0; t < matrix.targets.size(); ++t)
      matrix.z.push_back(number_of(fields[t + 1], where + ", column " + matrix.targets[t]));
  }
  if (matrix.genes.empty()) throw Error(ErrorCode::BadInput, path + " has no genes.", "Check the file.");
  return matrix;
}

ZMatrix read_z_table(const std::string& path) {
  std::string group = std::filesystem::path(path).stem().string();
  if (group.rfind("Z_", 0) == 0) group.erase(0, 2);
  return parse_z_table(storage::read_whole_file(path), group, path);
}

}  // namespace scriptorium::perturbation
