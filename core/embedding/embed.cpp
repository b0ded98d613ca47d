#include "core/embedding/embed.hpp"

#include <cmath>

#include "core/embedding/start_of_layout.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"

namespace scriptorium::embedding {
namespace {

void check_cells(std::int64_t n_cells, Method method) {
  if (method == Method::Pca || n_cells >= fewest_cells) return;
  throw Error(ErrorCode::BadInput,
              (method == Method::Umap ? "UMAP" : "t-SNE") + std::string(" needs at least ") +
                  std::to_string(fewest_cells) + " cells; there " + (n_cells == 1 ? "is " : "are ") +
                  std::to_string(n_cells),
              "Keep more cells, or take principal components.");
}

}  // namespace

Method method_from_string(const std::string& text) {
  for (const Method method : {Method::Pca, Method::Umap, Method::Tsne})
    if (to_string(method) == text) return method;
  throw Error(ErrorCode::BadInput, "\"" + text + "\" is no method of laying out cells", "Choose pca, umap or tsne.");
}

std::string to_string(Method method) {
  return method == Method::Pca ? "pca" : method == Method::Umap ? "umap" : "tsne";
}

std::vector<double> start_of_layout(const PrincipalComponents& components, double spread, Method method,
                                    std::uint64_t seed) {
  check_cells(components.n_cells, method);
  const double scale = spread / std::sqrt(components.variance.front());
  std::vector<double> out(static_cast<std::size_t>(components.n_cells) * 2, 0);
  for (std::size_t i = 0; i < out.size() / 2; ++i) {
    math::Random random(seed, math::Purpose::Layout, i);
    for (std::size_t d = 0; d < 2; ++d) {
      const auto dims = static_cast<std::size_t>(components.dims);
      out[2 * i + d] = (d < dims ? scale * components.scores[i * dims + d] : 0) + 1e-4 * spread * random.normal();
    }
  }
  return out;
}

Coordinates embed(std::int64_t n_cells, std::int64_t n_genes, const data::CountSource& counts,
                  const data::Missing& missing, const EmbedOptions& options, const RunControl& control) {
  check_cells(n_cells, options.method);
  PrincipalComponents components = principal_components(n_cells, n_genes, counts, missing, options.pca, control);
  if (options.method == Method::Umap) return umap(components, options, control);
  if (options.method == Method::Tsne) return tsne(components, options, control);
  return {to_string(Method::Pca), components.dims, std::move(components.scores)};
}

Coordinates embed(const data::Dataset& dataset, const EmbedOptions& options, const RunControl& control) {
  return embed(dataset.counts.n_cells, dataset.counts.n_genes, data::source_of(dataset.counts), dataset.missing,
               options, control);
}

}  // namespace scriptorium::embedding
