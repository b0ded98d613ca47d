#include <algorithm>
#include <qdtsne/qdtsne.hpp>

#include "core/compute/parallel.hpp"
#include "core/embedding/neighbours.hpp"
#include "core/embedding/start_of_layout.hpp"

namespace scriptorium::embedding {

Coordinates tsne(const PrincipalComponents& components, const EmbedOptions& options, const RunControl& control) {
  Coordinates out{to_string(Method::Tsne), 2, start_of_layout(components, 1e-4, Method::Tsne, options.pca.seed)};
  qdtsne::Options settings;
  settings.infer_perplexity = false;
  settings.perplexity = std::clamp(options.perplexity, 1.0, static_cast<double>(components.n_cells - 1) / 3);
  settings.max_iterations = options.iterations;
  settings.num_threads = compute::resolve_threads(options.pca.threads);
  const Neighbours near =
      nearest_neighbours(components.scores, components.dims, qdtsne::perplexity_to_k<std::int32_t>(settings.perplexity),
                         settings.num_threads, control);

  auto state = qdtsne::initialize<2>(near.lists(), settings);
  for (int iteration = 0; iteration < settings.max_iterations;) {
    control.check();
    control.tell(static_cast<double>(iteration) / settings.max_iterations,
                 "t-SNE, iteration " + std::to_string(iteration) + " of " + std::to_string(settings.max_iterations));
    state.run(out.values.data(), ++iteration);
  }
  return out;
}

}  // namespace scriptorium::embedding
