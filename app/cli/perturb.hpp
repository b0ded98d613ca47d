#pragma once
#include <map>

#include "command.hpp"
#include "core/perturbation/chain.hpp"

/// What the subcommands of `perturb` share.
namespace scriptorium::cli {

/// DATA, the columns of the screen, and the options of all steps as words.
class ScreenWords {
 public:
  /// DATA, --target, --control, --guide, --split, --cells, --rule, --method, --threads, --progress.
  void add_data(CLI::App& command);
  void add_signature(CLI::App& command);
  void add_markers(CLI::App& command);
  void add_score(CLI::App& command);
  void add_call(CLI::App& command);
  void add_discriminant(CLI::App& command);
  /// --signature-layer, --de-layer.
  void add_layers(CLI::App& command);

  /// Reads DATA and keeps the cells of --cells. @param outputs  files that must not be DATA
  data::Dataset read(std::initializer_list<std::string> outputs, const RunControl& control) const;
  /// The options that the words come to. @throws Error, UsageError
  perturbation::ChainOptions options() const;
  /// The signature: the values of --signature-layer, or else made as `options` say.
  perturbation::Signature signature(std::shared_ptr<const perturbation::Expression> x, const data::Dataset& dataset,
                                    const perturbation::Screen& screen, const perturbation::SignatureOptions& options,
                                    const RunControl& control) const;
  /// What markers are tested on: the values of --de-layer, or else x.
  std::shared_ptr<const perturbation::Expression> tested(std::shared_ptr<const perturbation::Expression> x,
                                                         const data::Dataset& dataset, const RunControl& control) const;
  RunControl control() const { return common_.control(); }
  int threads() const { return common_.threads; }
  /// "mixscale", "mixscape"; empty: not said.
  const std::string& method() const { return method_; }
  /// @throws UsageError when --method names another one than this command is of
  void only_method(const std::string& method, const std::string& other_command) const;

 private:
  void add_columns(CLI::App& command);
  DataOptions data_;
  Common common_;
  std::string cells_, method_, rule_ = "py", mode_ = "nn", test_, lists_, signature_layer_, de_layer_;
  perturbation::ChainOptions chain_;
  DeviceOption device_;
  bool no_scale_ = false;
};

/// For a folder that will be put in place whole in the end. @throws Error when it has something in it already
void check_new_folder(const std::string& folder, const std::string& flag);

/// Notes on standard error.
void tell(const std::vector<std::string>& notes);

/// Lists of marker genes by target: JSON {"TARGET": ["GENE", …]}, or a table with the columns target and gene.
std::map<std::string, std::vector<std::string>> gene_lists(const std::string& path);

void add_perturb_all(CLI::App& perturb);
/// Subcommands on genes: weighted differential expression, programs, set tests.
void add_perturb_genes(CLI::App& perturb);
void add_perturb_de(CLI::App& perturb);

}  // namespace scriptorium::cli
