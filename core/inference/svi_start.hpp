#pragma once
#include <optional>
#include <vector>

#include "core/inference/guide.hpp"
#include "core/inference/mixture_start.hpp"

namespace scriptorium::inference {

/// Where our stochastic fits begin: the moments of the counts that exact fits begin with; those of the components of a
/// mixture once its cells are shared out as MixtureStarts has them.
class SviStarts {
 public:
  SviStarts(const FitInput& input, const FitOptions& options, const Problem& one, const Guide& guide,
            const RunControl& control);
  /// How many there are: FitOptions::restarts, of a mixture.
  int size() const;
  /// Coordinates of the guide at a start.
  std::vector<double> coordinates(int start, const RunControl& control) const;

 private:
  std::vector<double> of_mixture(int start, const RunControl& control) const;

  const FitInput& input_;
  const FitOptions& options_;
  const Problem& problem_;
  const Guide& guide_;
  std::optional<MixtureStarts> clusters_;
};

}  // namespace scriptorium::inference
