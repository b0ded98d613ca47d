#include "core/perturbation/nearest_controls.hpp"

#include <algorithm>

namespace scriptorium::perturbation {

std::vector<std::int32_t> nearest_controls(std::span<const double> points, int dims,
                                           std::span<const std::int64_t> candidates,
                                           std::span<const std::int64_t> queries, int k,
                                           const compute::Backend& backend, const RunControl& control) {
  const auto coordinates = [&](std::span<const std::int64_t> rows) {
    std::vector<double> out;
    out.reserve(rows.size() * static_cast<std::size_t>(dims));
    for (const std::int64_t row : rows) {
      const auto from = points.begin() + row * dims;
      out.insert(out.end(), from, from + dims);
    }
    return out;
  };
  const std::vector<double> candidate = coordinates(candidates), query = coordinates(queries);
  compute::Nearest job;
  job.dims = dims;
  job.candidates = static_cast<std::int64_t>(candidates.size());
  job.queries = static_cast<std::int64_t>(queries.size());
  job.k = k;
  job.candidate = candidate.data();
  job.query = query.data();
  std::vector<std::int32_t> out(queries.size() * static_cast<std::size_t>(k));
  backend.nearest(job, out.data(), control);
  for (std::int32_t& place : out) place = static_cast<std::int32_t>(candidates[static_cast<std::size_t>(place)]);
  return out;
}

}  // namespace scriptorium::perturbation
