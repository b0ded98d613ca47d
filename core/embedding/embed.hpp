#pragma once
#include <string>

#include "core/embedding/principal_components.hpp"

namespace scriptorium::embedding {

enum class Method { Pca, Umap, Tsne };
/// "pca", "umap", "tsne". @throws Error(BadInput) naming the known ones
Method method_from_string(const std::string& text);
std::string to_string(Method method);

struct EmbedOptions {
  Method method = Method::Umap;
  PcaOptions pca = {};     ///< UMAP and t-SNE start from these components, and take their seed and threads
  int neighbours = 15;     ///< UMAP: how many tie a cell to the others
  double min_dist = 0.1;   ///< UMAP: least distance of cells on the map
  int epochs = 0;          ///< UMAP; 0: 500, fewer beyond 10,000 cells
  double perplexity = 30;  ///< t-SNE: neighbours that count; less where there are fewer than three times as many cells
  int iterations = 1000;   ///< t-SNE
};

/// Where each cell lies.
struct Coordinates {
  std::string name;  ///< "pca", "umap", "tsne"
  int dims = 0;
  std::vector<double> values;  ///< cells × dims, row-major
};

/// The fewest cells of a UMAP or t-SNE.
inline constexpr std::int64_t fewest_cells = 5;

/// UMAP (McInnes et al. 2018) and t-SNE (van der Maaten 2014; Barnes–Hut) of principal components, begun at the first
/// two of them (Kobak and Linderman 2021). The same seed gives the same bits at any number of threads. Cancelled
/// between epochs: within 0.1 s up to about 50,000 cells.
/// @param components  at least one; @throws Error(BadInput) for too few cells
Coordinates umap(const PrincipalComponents& components, const EmbedOptions& options, const RunControl& control = {});
Coordinates tsne(const PrincipalComponents& components, const EmbedOptions& options, const RunControl& control = {});

/// The whole way from counts. @throws Error(BadInput) as principal_components() and for too few cells; Cancelled
Coordinates embed(std::int64_t n_cells, std::int64_t n_genes, const data::CountSource& counts,
                  const data::Missing& missing, const EmbedOptions& options, const RunControl& control = {});
Coordinates embed(const data::Dataset& dataset, const EmbedOptions& options, const RunControl& control = {});

}  // namespace scriptorium::embedding
