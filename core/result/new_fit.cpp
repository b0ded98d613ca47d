#include "core/result/new_fit.hpp"

#include <ctime>

#include "core/compute/parallel.hpp"
#include "core/error.hpp"

namespace scriptorium::result {

Fit new_fit(const data::Dataset& dataset, summary::Digest digest, const model::Model& model,
            const inference::FitOptions& options) {
  model::validate(model);
  if (digest.summary.n_cells == 0 || digest.summary.n_genes == 0)
    throw Error(ErrorCode::BadInput, "The data have no cells or no genes.", "Choose other data, or a wider filter.");
  if (digest.summary.total() == 0)
    throw Error(ErrorCode::BadInput, "All counts are zero: there is nothing to fit.",
                "Choose another layer or other data.");
  Fit fit;
  fit.model = model;
  fit.options = options;
  fit.summary = std::move(digest.summary);
  fit.genes = dataset.genes.names;
  fit.cells = dataset.cells.names;
  fit.data_path = dataset.path;
  fit.data_layer = dataset.layer;
  fit.data_id = std::move(digest.data_id);
  const int threads = compute::resolve_threads(options.threads);
  fit.device = "cpu, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
  fit.version = SCRIPTORIUM_VERSION;
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  fit.created_at = text;
  return fit;
}

}  // namespace scriptorium::result
