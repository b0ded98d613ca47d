#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/data/count_matrix.hpp"
#include "core/result/point_file.hpp"

namespace conformance {

using nlohmann::json;

/// One case of a golden file while it is being checked.
class Case {
 public:
  Case(std::string name, const json& inputs, const json& expected, const json& file, std::string folder = {})
      : name_(std::move(name)), inputs_(inputs), expected_(expected), file_(file), folder_(std::move(folder)) {}
  const std::string& name() const { return name_; }
  const json& inputs() const { return inputs_; }
  const json& expected() const { return expected_; }
  const json& file() const { return file_; }  ///< the whole file, for what a case borrows from another
  /// Another golden file of the same folder. @throws Error(Io), json::exception
  json sibling(const std::string& name) const;

  /// A number of the file's `tolerance`; `otherwise` when it has none of that name.
  double tolerance(const std::string& key, double otherwise = 0) const;
  /// Every number of `wanted` against `found`, |difference| ≤ atol + rtol·|wanted|; NaN equals NaN.
  void compare(const std::string& what, const std::vector<double>& found, const json& wanted, double rtol, double atol);
  void compare(const std::string& what, double found, const json& wanted, double rtol, double atol);
  /// An error in units of its limit (passes up to 1).
  void limit(const std::string& what, double error, double limit);
  void check(const std::string& what, bool good);

  std::size_t values() const { return values_; }
  double worst() const { return worst_; }
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  std::string name_;
  const json &inputs_, &expected_, &file_;
  std::string folder_;
  std::size_t values_ = 0;
  double worst_ = 0;  // largest error in units of its tolerance
  std::vector<std::string> failures_;
};

using Handler = std::function<void(Case&)>;
/// The handler of a kind, or null.
Handler handler_of(const std::string& kind);

/// Why a case is left out: the line of the list of things not built yet that it falls under, or −1.
int missing_capability(const std::string& kind, const json& inputs);
struct Capability {
  std::string name, reason;
};
const std::vector<Capability>& missing_capabilities();

// Readers that several kinds share.
scriptorium::data::CountMatrix counts_of(const json& rows);
scriptorium::model::Model model_of(const json& inputs);

/// The marginals that a set of SCRIBE's variational parameters describes.
std::vector<scriptorium::inference::SitePosterior> marginals_of(const scriptorium::model::Model& model,
                                                                const json& parameters);
/// A point of `model` from values by name.
scriptorium::model::Values point_of(const scriptorium::model::Model& model, const json& values);
/// A number as an array of one.
json flat(const json& value);

void check_loglik(Case& test);
void check_mixture(Case& test);
void check_mixture_assignment(Case& test);
void check_dirichlet_fit(Case& test);
void check_dead_components(Case& test);
void check_log_joint(Case& test);
void check_capture_prior(Case& test);
void check_parameters(Case& test);
void check_fits(Case& test);
void check_ppc_verdict(Case& test);
void check_panel_genes(Case& test);
void check_screen(Case& test);
void check_signature(Case& test);
void check_markers(Case& test);
void check_mixscale(Case& test);
void check_mixscape(Case& test);
void check_discriminant(Case& test);
void check_r_mixscale(Case& test);
void check_r_mixscape(Case& test);
void check_r_wald(Case& test);
void check_r_weighted_de(Case& test);
void check_r_set_tests(Case& test);

}  // namespace conformance
