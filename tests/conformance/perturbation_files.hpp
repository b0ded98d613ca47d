#pragma once
#include <map>
#include <memory>

#include "core/perturbation/call.hpp"
#include "core/perturbation/score.hpp"
#include "golden.hpp"

/// Golden files of perturbation screens name each other: a screen, signatures of it.
namespace conformance {

/// A golden screen: labels, and x as the file has it.
struct ScreenFile {
  json inputs, expected;
  std::shared_ptr<const scriptorium::perturbation::Expression> x;
  std::int64_t n_cells = 0;

  /// With the cells parted by the column `split` ("replicate", or null for none).
  scriptorium::perturbation::Screen screen(const json& split) const;
  std::vector<std::string> names(const std::vector<std::int64_t>& genes) const;
};
ScreenFile screen_file(const Case& test);
/// Values of a signature file.
scriptorium::perturbation::Signature signature_file(const Case& test, const std::string& name);

/// Numbers of nested lists, row by row; null and "nan" are NaN.
std::vector<double> numbers(const json& value);
/// |found − wanted| ≤ atol for all; NaN equals NaN.
void compare_all(Case& test, const std::string& what, const std::vector<double>& found,
                 const std::vector<double>& wanted, double atol);

/// Labels of cells as texts, empty where there is none.
std::vector<std::string> texts(const scriptorium::analysis::Labels& labels);
/// The share of cells that have the label wanted is 1; names the first that has not.
void compare_texts(Case& test, const std::string& what, const std::vector<std::string>& found, const json& wanted);

}  // namespace conformance
