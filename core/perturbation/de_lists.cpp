#include "core/perturbation/de_lists.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/data/formats/text_table.hpp"
#include "core/error.hpp"

namespace scriptorium::perturbation {
namespace {

/// Columns of a table of text by name.
class Fields {
 public:
  explicit Fields(data::TextTable table) : table_(std::move(table)) {
    if (table_.lines.empty()) throw Error(ErrorCode::BadInput, table_.file + " is empty.", "Check the file.");
  }
  std::int64_t find(const std::string& name) const {
    const auto& header = table_.lines.front();
    const auto found = std::find(header.begin(), header.end(), name);
    return found == header.end() ? -1 : found - header.begin();
  }
  std::size_t need(const std::string& name) const {
    const std::int64_t column = find(name);
    if (column < 0)
      throw Error(ErrorCode::BadInput, table_.file + " has no column \"" + name + "\".",
                  "Give a table that `perturb de` or `perturb markers` wrote.");
    return static_cast<std::size_t>(column);
  }
  const std::vector<std::string>& header() const { return table_.lines.front(); }
  std::size_t rows() const { return table_.lines.size() - 1; }
  const std::string& text(std::size_t row, std::size_t column) const { return table_.lines[row + 1][column]; }
  std::vector<double> numbers(std::size_t column) const {
    const data::Table typed = data::TextTable{table_.file, true, pairs(column)}.table(true);
    std::vector<double> values(rows());
    for (std::size_t r = 0; r < values.size(); ++r) values[r] = typed.columns.front().number(r);
    return values;
  }

 private:
  std::vector<std::vector<std::string>> pairs(std::size_t column) const {
    std::vector<std::vector<std::string>> some;
    for (const auto& line : table_.lines) some.push_back({line.front(), line[column]});
    return some;
  }
  data::TextTable table_;
};

/// The two lists of some rows of the table.
void add_lists(const Fields& table, const std::vector<std::size_t>& rows, std::size_t gene,
               const std::vector<double>& p_adj, const std::vector<double>& p, const std::vector<double>& log2fc,
               DeList list, const ListOptions& options, std::vector<DeList>& out) {
  for (const std::size_t r : rows)
    if (!std::isnan(p_adj[r])) list.background.push_back(table.text(r, gene));
  for (const bool up : {true, false}) {
    std::vector<std::size_t> chosen;
    for (const std::size_t r : rows)
      if (p_adj[r] <= options.p_adj && (up ? log2fc[r] > options.log2fc : log2fc[r] < -options.log2fc))
        chosen.push_back(r);
    if (static_cast<std::int64_t>(chosen.size()) < options.least) continue;
    std::stable_sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
      return p[a] != p[b] ? p[a] < p[b] : std::fabs(log2fc[a]) > std::fabs(log2fc[b]);
    });
    list.up = up;
    list.genes.clear();
    for (const std::size_t r : chosen) list.genes.push_back(table.text(r, gene));
    out.push_back(list);
  }
}

}  // namespace

std::vector<DeList> read_de_lists(const std::string& path, const ListOptions& options, const RunControl& control) {
  const Fields table(data::read_text_table(path, false, control));
  const std::size_t gene = table.need("gene");
  const std::int64_t target = table.find("target"), split = table.find("split");
  std::vector<std::pair<std::string, std::string>> parts;  // in the order in which they come
  std::map<std::pair<std::string, std::string>, std::vector<std::size_t>> rows;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto part = std::pair{target < 0 ? "" : table.text(r, static_cast<std::size_t>(target)),
                                split < 0 ? "" : table.text(r, static_cast<std::size_t>(split))};
    if (rows[part].empty()) parts.push_back(part);
    rows[part].push_back(r);
  }
  const std::string start = table.find("p_adj") >= 0 ? "p_adj" : "p_adj_weight";
  std::vector<DeList> lists;
  bool any = false;
  for (const std::string& column : table.header()) {
    if (!column.starts_with(start)) continue;
    const std::string ending = column.substr(start.size());
    if (!ending.empty() && ending.front() != '_') continue;
    any = true;
    const auto p_adj = table.numbers(table.need(column)), log2fc = table.numbers(table.need("log2fc" + ending));
    const std::int64_t raw = table.find((start == "p_adj" ? "p" : "p_weight") + ending);
    const auto p = raw < 0 ? p_adj : table.numbers(static_cast<std::size_t>(raw));
    for (const auto& part : parts) {
      control.check();
      const std::string group = ending.empty() ? part.second : ending.substr(1);
      add_lists(table, rows[part], gene, p_adj, p, log2fc, {part.first, group, true, {}, {}}, options, lists);
    }
  }
  if (!any) table.need(start);
  return lists;
}

}  // namespace scriptorium::perturbation
