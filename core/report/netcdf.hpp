#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/model/values.hpp"
#include "core/result/fit_file.hpp"

namespace scriptorium::report {

/// Data for one netCDF-4 file in ArviZ's layout: groups of variables over named dimensions.
struct InferenceData {
  struct Variable {
    std::string name;
    std::vector<std::string> dims;
    std::vector<std::int64_t> shape;
    std::vector<double> numbers;        ///< written as float64 …
    std::vector<std::uint32_t> counts;  ///< … or these as uint32, when not empty
  };
  struct Group {
    std::string name;
    std::vector<Variable> variables;
  };
  std::vector<Group> groups;
  std::map<std::string, std::vector<std::string>> labels;  ///< coordinate of a dimension: names; others count from 0
  std::map<std::string, std::string> attributes;           ///< of every group, beside created_at and the library
};

/// Writes it with plain HDF5 calls, so that xarray (both engines) and ArviZ read it. The whole file or nothing.
void write_netcdf(const InferenceData& data, const std::string& path);

/// Posterior draws (dims chain, draw, …), the loss and the library sizes of a fit.
InferenceData posterior_data(const result::Fit& fit, const model::Values& draws, bool descriptive);

}  // namespace scriptorium::report
