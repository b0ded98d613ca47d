#include "perturbation_files.hpp"

#include <cmath>
#include <limits>

namespace conformance {

using namespace scriptorium;

namespace {

void flatten(const json& value, std::vector<double>& out) {
  if (value.is_array())
    for (const json& one : value) flatten(one, out);
  else if (value.is_null())
    out.push_back(std::numeric_limits<double>::quiet_NaN());
  else
    out.push_back(result::json_number(value, "value"));
}

data::Column text_column(const std::string& name, const json& labels) {
  std::vector<std::string> values;
  std::vector<std::uint8_t> missing;
  for (const json& label : labels) {
    values.push_back(label.is_null() ? "" : label.get<std::string>());
    missing.push_back(label.is_null() ? 1 : 0);
  }
  return {name, std::move(values), std::move(missing)};
}

}  // namespace

perturbation::Screen ScreenFile::screen(const json& split) const {
  data::Table cells;
  cells.names = inputs.at("cells").get<std::vector<std::string>>();
  cells.columns.push_back(text_column("target", inputs.at("target")));
  perturbation::Columns columns{"target", inputs.at("control"), "", ""};
  if (inputs.contains("guide")) {
    cells.columns.push_back(text_column("guide", inputs.at("guide")));
    columns.guide = "guide";
  }
  if (!split.is_null()) {
    columns.split = split.get<std::string>();
    cells.columns.push_back(
        text_column(columns.split, inputs.at(inputs.contains(columns.split) ? columns.split : "replicate")));
  }
  return perturbation::make_screen(cells, inputs.at("genes").get<std::vector<std::string>>(), columns);
}

std::vector<std::string> ScreenFile::names(const std::vector<std::int64_t>& genes) const {
  std::vector<std::string> out;
  for (const std::int64_t gene : genes) out.push_back(inputs.at("genes").at(gene).get<std::string>());
  return out;
}

ScreenFile screen_file(const Case& test) {
  const json file = test.sibling(test.inputs().at("screen").get<std::string>());
  ScreenFile out{file.at("inputs"), file.at("expected"), nullptr, 0};
  const auto values = numbers(out.expected.at("lognorm"));
  const auto n_genes = static_cast<std::int64_t>(out.inputs.at("genes").size());
  out.n_cells = static_cast<std::int64_t>(values.size()) / n_genes;
  out.x = std::make_shared<perturbation::Expression>(perturbation::Expression::of_dense(out.n_cells, n_genes, values));
  return out;
}

perturbation::Signature signature_file(const Case& test, const std::string& name) {
  const json file = test.sibling(name);
  const json& rows = file.at("expected").at("signature");
  return perturbation::Signature::of_values(static_cast<std::int64_t>(rows.size()),
                                            static_cast<std::int64_t>(rows.at(0).size()), numbers(rows));
}

std::vector<double> numbers(const json& value) {
  std::vector<double> out;
  flatten(value, out);
  return out;
}

void compare_all(Case& test, const std::string& what, const std::vector<double>& found,
                 const std::vector<double>& wanted, double atol) {
  if (found.size() != wanted.size()) {
    test.check(
        what + ": " + std::to_string(found.size()) + " values where " + std::to_string(wanted.size()) + " are expected",
        false);
    return;
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::string where = what + "[" + std::to_string(i) + "]";
    if (std::isnan(wanted[i]) || std::isnan(found[i]))
      test.check(where + ": NaN in one of them", std::isnan(wanted[i]) && std::isnan(found[i]));
    else
      test.limit(where, std::fabs(found[i] - wanted[i]), atol);
  }
}

std::vector<std::string> texts(const analysis::Labels& labels) {
  std::vector<std::string> out;
  for (const std::int32_t code : labels.code) out.push_back(code < 0 ? "" : labels.names[code]);
  return out;
}

void compare_texts(Case& test, const std::string& what, const std::vector<std::string>& found, const json& wanted) {
  test.check(what + ": number of cells", found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size() && i < wanted.size(); ++i) {
    const std::string label = wanted[i].is_null() ? "" : wanted[i].get<std::string>();
    test.check(what + " of cell " + std::to_string(i) + ": " + found[i] + " where " + label + " is expected",
               found[i] == label);
  }
}

}  // namespace conformance
