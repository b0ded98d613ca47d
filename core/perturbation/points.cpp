// Where neighbours are looked for: x itself, its principal components, or an embedding of the file.
#include <algorithm>
#include <numeric>

#include "core/data/formats/names.hpp"
#include "core/embedding/log_counts.hpp"
#include "core/error.hpp"
#include "core/perturbation/signature.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr const char* existing_components = "X_pca";

Points dense(const Expression& x, int dims) {
  Points out{"X", static_cast<int>(std::min<std::int64_t>(dims, x.n_genes())), {}};
  out.values.assign(static_cast<std::size_t>(x.n_cells() * out.dims), 0);
  for (std::int64_t i = 0; i < x.n_cells(); ++i) {
    const auto row = x.cell(i);
    for (std::size_t e = 0; e < row.index.size() && static_cast<int>(row.index[e]) < out.dims; ++e)
      out.values[i * out.dims + row.index[e]] = row.value[e];
  }
  return out;
}

Points components(const Expression& x, const std::vector<std::int64_t>& genes, const SignatureOptions& options,
                  const RunControl& control) {
  control.tell(-1, "principal components of " + data::grouped(x.n_cells()) + " cells");
  embedding::LogCounts values;
  values.n_cells = x.n_cells();
  values.genes = genes;
  if (static_cast<std::int64_t>(genes.size()) == x.n_genes()) {
    values.column.reserve(static_cast<std::size_t>(x.stored()));
    values.value.reserve(static_cast<std::size_t>(x.stored()));
  }
  std::vector<std::int64_t> column(static_cast<std::size_t>(x.n_genes()), -1);
  for (std::size_t j = 0; j < genes.size(); ++j) column[genes[j]] = static_cast<std::int64_t>(j);
  for (std::int64_t i = 0; i < x.n_cells(); ++i) {
    if (i % 512 == 0) control.check();
    const auto row = x.cell(i);
    for (std::size_t e = 0; e < row.index.size(); ++e) {
      if (column[row.index[e]] < 0) continue;
      values.column.push_back(static_cast<std::uint32_t>(column[row.index[e]]));
      values.value.push_back(row.value[e]);
    }
    values.row_start.push_back(static_cast<std::int64_t>(values.value.size()));
  }
  embedding::set_moments(values);
  // Later components do not change earlier ones: no more are found than are looked at.
  auto found = embedding::principal_components(
      values, {.dims = options.dims, .seed = options.seed, .threads = options.threads}, control);
  return {"principal components", found.dims, std::move(found.scores)};
}

Points of_embedding(const data::Dataset& dataset, const std::string& name, int dims) {
  std::vector<std::string> have;
  for (const auto& embedding : dataset.embeddings) {
    have.push_back(embedding.name);
    if (embedding.name != name) continue;
    Points out{embedding.name, std::min(dims, embedding.dims), {}};
    out.values.reserve(dataset.cells.size() * static_cast<std::size_t>(out.dims));
    for (std::size_t i = 0; i < dataset.cells.size(); ++i)
      for (int d = 0; d < out.dims; ++d) out.values.push_back(embedding.coordinates[i * embedding.dims + d]);
    for (const double value : out.values)
      if (!(value - value == 0))
        throw Error(ErrorCode::BadInput, "The embedding " + embedding.name + " has cells without finite coordinates.",
                    "Leave these cells out, or choose another representation.");
    return out;
  }
  throw Error(ErrorCode::BadInput, "The data have no embedding \"" + name + "\".",
              have.empty() ? "They have none; leave the representation out, or use X."
                           : "They have " + data::listed(have) + "; X is the expression itself.");
}

std::vector<std::int64_t> all_genes(const Expression& x) {
  std::vector<std::int64_t> genes(static_cast<std::size_t>(x.n_genes()));
  std::iota(genes.begin(), genes.end(), 0);
  return genes;
}

/// The genes that a boolean column marks; all of them where there is no such column or it marks none.
std::vector<std::int64_t> variable_genes(const data::Dataset& dataset, const Expression& x) {
  const data::Column* column = dataset.genes.find("highly_variable");
  const auto* marked = column == nullptr ? nullptr : std::get_if<std::vector<std::uint8_t>>(&column->values);
  std::vector<std::int64_t> genes;
  for (std::size_t g = 0; marked != nullptr && g < marked->size(); ++g)
    if ((*marked)[g] != 0 && !column->is_missing(g)) genes.push_back(static_cast<std::int64_t>(g));
  return genes.empty() ? all_genes(x) : genes;
}

void check(const SignatureOptions& options) {
  if (options.dims < 1)
    throw Error(ErrorCode::BadInput, "A search for neighbours needs at least one dimension.",
                "Ask for 1 or more; usual are 15.");
}

}  // namespace

Points points_of(const data::Dataset& dataset, const Expression& x, const SignatureOptions& options,
                 const RunControl& control) {
  check(options);
  if (options.representation == "pca") return components(x, variable_genes(dataset, x), options, control);
  if (options.representation == "X" || (options.representation.empty() && x.n_genes() <= few_genes))
    return dense(x, options.dims);
  if (!options.representation.empty()) return of_embedding(dataset, options.representation, options.dims);
  const auto is_pca = [](const data::Embedding& embedding) { return embedding.name == existing_components; };
  if (std::any_of(dataset.embeddings.begin(), dataset.embeddings.end(), is_pca))
    return of_embedding(dataset, existing_components, options.dims);
  return components(x, variable_genes(dataset, x), options, control);
}

Points points_of(const Expression& x, const SignatureOptions& options, const RunControl& control) {
  check(options);
  if (options.representation == "pca") return components(x, all_genes(x), options, control);
  if (options.representation == "X" || (options.representation.empty() && x.n_genes() <= few_genes))
    return dense(x, options.dims);
  return components(x, all_genes(x), options, control);
}

}  // namespace scriptorium::perturbation
