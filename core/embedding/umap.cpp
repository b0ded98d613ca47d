#include <umappp/umappp.hpp>

#include "core/compute/parallel.hpp"
#include "core/embedding/neighbours.hpp"
#include "core/embedding/start_of_layout.hpp"

namespace scriptorium::embedding {

Coordinates umap(const PrincipalComponents& components, const EmbedOptions& options, const RunControl& control) {
  Coordinates out{to_string(Method::Umap), 2, start_of_layout(components, 4, Method::Umap, options.pca.seed)};
  const int threads = compute::resolve_threads(options.pca.threads);
  const Neighbours near = nearest_neighbours(components.scores, components.dims, options.neighbours, threads, control);

  umappp::Options settings;
  settings.min_dist = options.min_dist;
  settings.initialize_method = umappp::InitializeMethod::NONE;
  settings.optimize_seed = options.pca.seed;
  settings.num_threads = threads;
  if (options.epochs > 0) settings.num_epochs = options.epochs;
  auto state = umappp::initialize(near.lists(), 2, out.values.data(), settings);
  for (int epoch = 0; epoch < state.num_epochs();) {
    control.check();
    control.tell(static_cast<double>(epoch) / state.num_epochs(),
                 "UMAP, epoch " + std::to_string(epoch) + " of " + std::to_string(state.num_epochs()));
    state.run(out.values.data(), ++epoch);
  }
  return out;
}

}  // namespace scriptorium::embedding
