#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "command.hpp"
#include "core/analysis/assignments.hpp"
#include "core/data/formats/text_table.hpp"
#include "core/error.hpp"

namespace scriptorium::cli {
namespace {

/// One weight a name from a file of two columns, a name and a number; lines of other names are left alone.
std::vector<double> read_weights(const std::string& path, const std::string& axis,
                                 const std::vector<std::string>& names, const RunControl& control) {
  const auto table = data::read_text_table(path, axis == "cell", control);
  std::unordered_map<std::string, double> known;
  for (const auto& line : table.lines) {
    double weight = 0;
    const char* end = line.size() < 2 ? nullptr : line[1].data() + line[1].size();
    if (end && std::from_chars(line[1].data(), end, weight).ptr == end)
      known[line[0]] = weight;
    else if (&line != &table.lines.front())
      throw Error(ErrorCode::BadInput, table.file + " gives \"" + line[0] + "\" no number as its weight.",
                  "Write one " + axis + " a line: its name, a tab, its weight.");
  }
  std::vector<double> out;
  for (const auto& name : names) {
    const auto at = known.find(name);
    if (at == known.end())
      throw Error(ErrorCode::BadInput, table.file + " has no weight for the " + axis + " \"" + name + "\".",
                  "Give every " + axis + " of the fit one; 0 leaves it out.");
    out.push_back(at->second);
  }
  return out;
}

}  // namespace

void WeightOption::add_to(CLI::App& command) {
  command.add_option("--weights", weights,
                     "mixtures: a file with a weight for every gene (for every cell where values are by gene), or "
                     "separation[:N]: genes by how much their dispersions tell components apart (the N best alone)");
  command
      .add_option("--weight-type", type, "multiplicative: of the log likelihoods; additive: added to every component")
      ->transform(one_of({"multiplicative", "additive"}));
}

result::WeightType WeightOption::weight_type() const {
  return type == "additive" ? result::WeightType::Additive : result::WeightType::Multiplicative;
}

std::vector<double> WeightOption::of(const std::string& axis, const result::Fit& fit, const RunControl& control) const {
  if (weights.empty()) return {};
  const std::string word = "separation";
  if (weights != word && !weights.starts_with(word + ":"))
    return read_weights(weights, axis, axis == "gene" ? fit.genes : fit.cells, control);
  if (axis != "gene") throw UsageError("--weights separation are of genes; values by gene take weights of cells");
  const auto point = analysis::point_of_mixture(fit, {});
  const auto r = point.find("r");
  const auto genes = static_cast<std::int64_t>(fit.genes.size());
  if (r == point.end() || static_cast<std::int64_t>(r->second.values.size()) != genes * fit.model.components)
    throw Error(ErrorCode::BadInput,
                "The components of this fit share their dispersions, which therefore separate none.",
                "Give a file of weights.");
  auto out = analysis::separation_weights(r->second.values, fit.model.components);
  if (weights == word) return out;
  std::int64_t top = 0;
  const char *first = weights.data() + word.size() + 1, *last = weights.data() + weights.size();
  if (std::from_chars(first, last, top).ptr != last || top < 1)
    throw UsageError("--weights separation:N takes a number of genes, 1 or more");
  return analysis::top_mask(out, std::min(top, genes));
}

}  // namespace scriptorium::cli
