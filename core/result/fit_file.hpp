#pragma once
#include <string>
#include <vector>

#include "core/inference/fit.hpp"

namespace scriptorium::result {

/// A finished fit with all that is needed to ask it anything: one HDF5 file (layout: README beside this file).
struct Fit {
  model::Model model;
  inference::FitOptions options;
  inference::FitResult result;
  summary::CountSummary summary;               ///< of the data as fitted (after filters)
  std::vector<std::string> genes, cells;       ///< names, in the order of the posterior
  std::string name;                            ///< what the window shows; may be empty
  std::string data_path, data_layer, data_id;  ///< where the counts came from; data_id as data::data_identity
  std::string data_filter;                     ///< the filters applied, as the command line writes them
  std::string device;                          ///< "cpu, 2 threads"
  std::string version, created_at;             ///< of the program; ISO 8601
  std::vector<std::string> component_names;    ///< of a mixture, e.g. its annotation labels; empty: 1, 2, …
  std::string annotation;           ///< the columns and confidence that informed the components; may be empty
  std::vector<double> cell_logits;  ///< of point estimates with an annotation prior: cells × components
  bool point_only = false;          ///< made from a P.json: point estimates, no posterior
};

/// Written aside, then renamed. @throws Error(Io) that names the path and the reason; the old file stays as it was.
void save_fit(const Fit& fit, const std::string& path);
/// @throws Error when `path` is not a fit, is damaged, or comes from a newer version.
Fit load_fit(const std::string& path);

void save_checkpoint(const inference::Checkpoint& checkpoint, const std::string& path);
inference::Checkpoint load_checkpoint(const std::string& path);

}  // namespace scriptorium::result
