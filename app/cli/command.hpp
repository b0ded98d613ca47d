#pragma once
#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/compute/backend.hpp"
#include "core/data/filter.hpp"
#include "core/data/open.hpp"
#include "core/progress.hpp"
#include "core/report/table.hpp"
#include "core/result/estimates.hpp"
#include "core/result/likelihood.hpp"

/// What the commands share: reading data and fits, progress, output. One file per command beside this one.
namespace scriptorium::cli {

/// The words were wrong, not the job: exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// --progress and --threads, and the stop that Ctrl-C asks for.
struct Common {
  std::string progress = "auto";  ///< bar, json, none; auto: a bar on a terminal
  int threads = 0;
  void add_to(CLI::App& command);
  RunControl control() const;
};
/// Requested by Ctrl-C (a second one ends the program at once).
std::stop_token interrupted();
void watch_for_interrupts();

/// --layer, --genome, --missing, --modality, --orientation of a command that reads data.
struct DataOptions {
  std::string path;
  data::OpenOptions open;
  void add_to(CLI::App& command, bool required);
  /// The words alone, without DATA.
  void add_words_to(CLI::App& command);
  data::Dataset read(const RunControl& control) const;
};
/// @throws Error when a file is one of our own (a fit, a summary) where data are wanted.
void refuse_own_file(const std::string& path);

/// Check of a whole number from 0 up, such as a seed.
extern const CLI::Validator whole_number;
/// Checks of a number of draws, and of a number above or from 0.
extern const CLI::Validator draws_number, positive_number, number_from_zero;
/// Check of the name of a netCDF file to write.
extern const CLI::Validator netcdf_name;
/// For transform(): one of some words, in any case; `later` are words of the contract that say they are not built yet.
CLI::Validator one_of(std::vector<std::string> words, std::vector<std::string> later = {});

/// --point mode|mean.
struct PointOption {
  std::string point = "mode";
  void add_to(CLI::App& command);
  bool mean() const { return point == "mean"; }
  result::MapOptions options() const { return {.use_mean = true, .mean_everywhere = mean()}; }
};

/// --component of commands that can look at one component of a mixture.
struct ComponentOption {
  std::string component;
  void add_to(CLI::App& command);
  /// Puts that component in the place of the fit, if one was named.
  void apply(result::Fit& fit) const;
  /// The same, with the cells that most probably belong to it. @throws UsageError without data
  void apply_with_cells(result::Fit& fit, std::optional<data::Dataset>& dataset, const RunControl& control) const;
};

/// --group of predictive checks.
struct GroupOption {
  std::string group;
  void add_to(CLI::App& command);
  /// Puts the cells of the group in the place of the fit and the data, if one was named.
  /// @return  analysis::CellGroup::shares
  std::vector<double> apply(result::Fit& fit, std::optional<data::Dataset>& dataset, const RunControl& control) const;
};

/// --weights and --weight-type of what asks the components of mixtures.
struct WeightOption {
  std::string weights, type = "multiplicative";
  void add_to(CLI::App& command);
  result::WeightType weight_type() const;
  /// One weight a gene or cell of the fit; empty when none were given. "separation[:N]" are those that tell
  /// components apart at the point (of the N largest 1, of the others 0).
  std::vector<double> of(const std::string& axis, const result::Fit& fit, const RunControl& control) const;
};

/// --device auto|cpu|cuda:N.
struct DeviceOption {
  std::string device = "auto";
  void add_to(CLI::App& command);
  /// Where the work goes. A GPU that is named and cannot be used is a note, and the CPU does the work.
  std::shared_ptr<const compute::Backend> choose(int threads) const;
};
/// What a backend had to do otherwise than asked, on standard error.
void tell_notes(const compute::Backend& backend);

/// A list of names: separated by commas (those with commas in double quotes), or a file with one a line. Empty: none
/// given.
/// @throws UsageError for a list without a name, Error for a file that is not there
std::vector<std::string> names_of(const std::string& flag, const std::string& what, const std::string& text);
/// Indices for --genes; empty when it was not given.
std::vector<std::int64_t> chosen_genes(const result::Fit& fit, const std::string& text);

/// The cells and genes of a fit, taken from a data set by name. Point estimates take their names and summary from it.
/// @throws Error if `same_counts` is asked for and the counts are not those that were fitted; else that is a note.
data::Dataset match_data(result::Fit& fit, const data::Dataset& dataset, bool same_counts, const RunControl& control);
/// Reads DATA when it was given and brings it and the fit together; @throws UsageError when point estimates lack it.
std::optional<data::Dataset> data_of_fit(result::Fit& fit, const DataOptions& data, bool same_counts,
                                         const RunControl& control);

/// What the fit says of itself that a reader of its numbers should know (not converged, a ridge), on standard error.
void tell_notes(const result::Fit& fit);
/// @throws Error when `out` is one of the inputs: an input is never written over.
void keep_inputs(const std::string& out, std::initializer_list<std::string> inputs);
/// --out of a command that writes a table, required; an unknown kind of table is a wrong word.
void add_table_output(CLI::App& command, std::string& path);
/// "-" is standard output; else by the extension.
void write(const report::Table& table, const std::string& path);
void print_json(const nlohmann::json& json);

void add_inspect(CLI::App& app);
void add_models(CLI::App& app);
void add_summarise(CLI::App& app);
void add_convert(CLI::App& app);
void add_fit(CLI::App& app);
void add_show(CLI::App& app);
void add_loss(CLI::App& app);
void add_map(CLI::App& app);
void add_distributions(CLI::App& app);
void add_sample(CLI::App& app);
void add_ppc(CLI::App& app);
void add_diagnose(CLI::App& app);
void add_loglik(CLI::App& app);
void add_density(CLI::App& app);
void add_subset(CLI::App& app);
void add_assign(CLI::App& app);
void add_entropy(CLI::App& app);
void add_component(CLI::App& app);
void add_composition(CLI::App& app);
void add_mixing(CLI::App& app);
void add_export(CLI::App& app);
void add_embed(CLI::App& app);
void add_devices(CLI::App& app);
void add_perturb(CLI::App& app);
/// The commands of the contract that are not built yet: hidden, and they say so.
void add_later(CLI::App& app);

}  // namespace scriptorium::cli
