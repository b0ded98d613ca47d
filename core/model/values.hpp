#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace scriptorium::model {

/// Numbers with named axes, row-major. No axes: one number.
struct Array {
  std::vector<std::string> dims;    ///< of "draw", "component", "gene", "cell"
  std::vector<std::int64_t> shape;  ///< one length per name in `dims`
  std::vector<double> values;
};

/// Parameters by internal name (p, r, mu, phi, gate, p_capture, …): a point in parameter space, or draws of it.
using Values = std::map<std::string, Array>;

}  // namespace scriptorium::model
