#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/data/filter.hpp"
#include "core/data/layer_values.hpp"
#include "core/error.hpp"
#include "core/perturbation/tables.hpp"
#include "core/storage/atomic_file.hpp"
#include "perturb.hpp"

namespace scriptorium::cli {

using namespace perturbation;

void ScreenWords::add_columns(CLI::App& command) {
  auto& columns = chain_.columns;
  command.add_option("--target", columns.target, "column with the target of each cell")->required();
  command.add_option("--control", columns.control, "its label of control cells, such as NT")->required();
  command.add_option("--guide", columns.guide, "column with the guide of each cell");
  command.add_option("--split", columns.split, "column of groups (replicates, cell types) that are treated apart");
}

void ScreenWords::add_data(CLI::App& command) {
  data_.add_to(command, true);
  add_columns(command);
  command.add_option("--cells", cells_, "expression on the cell table: only these cells");
  command.add_option("--method", method_, "mixscale (a score a cell) or mixscape (perturbed or not)")
      ->transform(one_of({"mixscale", "mixscape"}));
  command.add_option("--rule", rule_, "whose choices where the references differ: py (pertpy) or r (Seurat, Mixscale)")
      ->transform(one_of({"py", "r"}))
      ->capture_default_str();
  common_.add_to(command);
}

void ScreenWords::add_signature(CLI::App& command) {
  auto& signature = chain_.signature;
  command
      .add_option("--mode", mode_,
                  "what a cell is compared with: nn, its nearest controls, or split_by, the mean of its group's")
      ->transform(one_of({"nn", "split_by"}))
      ->capture_default_str();
  command.add_option("--n-neighbors,--neighbours", signature.neighbours, "nn: how many")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command.add_option("--n-dims,--dims", signature.dims, "nn: dimensions of the representation that count")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--representation", signature.representation,
                     "nn: where neighbours are looked for: X, pca or an embedding of the data; default: X with at "
                     "most 50 genes, else X_pca of the data or components made here");
  device_.add_to(command);
}

void ScreenWords::add_markers(CLI::App& command) {
  auto& markers = chain_.score.markers;
  command
      .add_option("--test", test_,
                  "of marker genes: wilcoxon, t-test, t-test_overestim_var or lr; default: wilcoxon, by rule r lr")
      ->transform(one_of({"wilcoxon", "t-test", "t-test_overestim_var", "lr"}));
  command.add_option("--pval-cutoff", markers.pval_cutoff, "adjusted p of a marker, below")
      ->check(positive_number)
      ->capture_default_str();
  command.add_option("--logfc-threshold", markers.logfc_threshold, "|log2 fold change| of a marker, at least")
      ->check(number_from_zero)
      ->capture_default_str();
  command.add_option("--min-de-genes", markers.min_de_genes, "fewer markers are none")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command.add_option("--max-de-genes", markers.max_de_genes, "Mixscale takes the best so many")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command.add_option("--min-pct", markers.min_pct, "lr: share of expressing cells that one side must reach")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_flag("--tie-correction", markers.tie_correction, "wilcoxon: correct the variance for ties");
  command.add_flag("--fine-mode", chain_.score.fine_mode, "Mixscale: markers of each guide, strung together");
  command.add_flag("--harmonize", chain_.score.harmonize,
                   "Mixscale: controls of the marker test drawn to the target's mix of groups");
  command
      .add_option("--harmonize-min-proportion", chain_.score.harmonize_min_proportion,
                  "share of the controls that must remain")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_option("--de-genes", lists_,
                     "FILE with marker genes instead of a test: JSON {\"TARGET\": [\"GENE\", …]}, or a table with the "
                     "columns target and gene");
  command.add_option("--seed", chain_.score.seed, "of drawn controls")->check(whole_number)->capture_default_str();
}

void ScreenWords::add_score(CLI::App& command) {
  command.add_flag("--no-scale", no_scale_, "signature of the markers as it is, not at mean 0 and sd 1");
  command.add_option("--score-column", chain_.score_column, "name of the scores")->capture_default_str();
}

void ScreenWords::add_call(CLI::App& command) {
  auto& call = chain_.call;
  command.add_option("--iter-num,--iterations", call.iterations, "Mixscape: most rounds")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command.add_option("--min-cells", call.min_cells, "Mixscape: fewer perturbed cells are none")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command.add_option("--perturbation-type", call.perturbation_type, "word for perturbed cells")->capture_default_str();
  command.add_option("--class-column", chain_.class_column, "name of the classes")->capture_default_str();
}

void ScreenWords::add_discriminant(CLI::App& command) {
  command.add_option("--n-comps,--components", chain_.discriminant.components, "principal components of each target")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void ScreenWords::add_layers(CLI::App& command) {
  command.add_option("--signature-layer", signature_layer_,
                     "layer of DATA (h5ad) that holds the signature, such as X_pert: it is not made again");
  command.add_option(
      "--de-layer", de_layer_,
      "layer of DATA (h5ad) with log-normalised values that markers are tested on instead of the counts'");
}

Signature ScreenWords::signature(std::shared_ptr<const Expression> x, const data::Dataset& dataset,
                                 const Screen& screen, const SignatureOptions& options,
                                 const RunControl& control) const {
  if (signature_layer_.empty()) return make_signature(std::move(x), dataset, screen, options, control);
  return Signature::of_values(x->n_cells(), x->n_genes(),
                              data::layer_values(dataset, signature_layer_,
                                                 "Run the signature first (`perturb signature DATA … --out "
                                                 "FILE.h5ad` writes X_pert), or name another layer.",
                                                 control));
}

std::shared_ptr<const Expression> ScreenWords::tested(std::shared_ptr<const Expression> x, const data::Dataset& dataset,
                                                      const RunControl& control) const {
  if (de_layer_.empty()) return x;
  const auto values = data::layer_values(dataset, de_layer_, "Choose another one with --de-layer.", control);
  return std::make_shared<Expression>(Expression::of_dense(x->n_cells(), x->n_genes(), values, control));
}

data::Dataset ScreenWords::read(std::initializer_list<std::string> outputs, const RunControl& control) const {
  std::set<std::string> places;
  for (const std::string& out : outputs) {
    keep_inputs(out, {data_.path, lists_});
    if (!out.empty() && out != "-" && !places.insert(out).second)
      throw UsageError("two results would be written to " + out + ": give each its own file");
  }
  data::Dataset dataset = data_.read(control);
  if (cells_.empty()) return dataset;
  const auto kept = data::apply({.cells = cells_}, dataset);
  return dataset.select(kept.cells, kept.genes);
}

namespace {

/// No column of results may take the place of another one, or of a column that the screen is read from.
void check_names(const ChainOptions& chain) {
  std::set<std::string> taken{"cell", "target", "guide", "split"};  // of tables
  taken.insert({chain.columns.target, chain.columns.guide, chain.columns.split});
  const std::string& type = chain.call.perturbation_type;
  Calls calls;
  calls.perturbation_type = type;
  for (const auto& [flag, name] :
       {std::pair{"--score-column", chain.score_column}, std::pair{"--class-column", chain.class_column},
        std::pair{"--class-column", chain.class_column + "_global"},
        std::pair{"--class-column", posterior_column(chain.class_column, calls)}})
    if (name.empty() || !taken.insert(name).second)
      throw UsageError(std::string(flag) +
                       (name.empty() ? " is empty" : ": there would be two columns \"" + name + "\""));
  if (type.empty() || type == "NP" || type == chain.columns.control || type.find(' ') != std::string::npos)
    throw UsageError("--perturbation-type \"" + type + "\": a word is needed that is neither NP nor the control label");
}

}  // namespace

ChainOptions ScreenWords::options() const {
  ChainOptions chain = chain_;
  const Rule rule = rule_from_string(rule_);
  chain.signature.reference = reference_from_string(mode_);
  chain.score.rule = chain.call.rule = rule;
  chain.score.markers.test = test_.empty() ? score_defaults(rule).markers.test : test_from_string(test_);
  chain.score.scale = chain.call.scale = !no_scale_;
  if (!lists_.empty()) chain.score.de_genes_by_target = gene_lists(lists_);
  chain.call.markers = chain.score.markers;
  chain.with_scores = method_ != "mixscape";
  chain.with_calls = method_ != "mixscale";
  chain.threads = chain.signature.threads = chain.score.threads = chain.call.threads = chain.discriminant.threads =
      common_.threads;
  chain.backend = chain.signature.backend = device_.choose(common_.threads);
  if (chain.signature.reference == Reference::SplitMean && chain.columns.split.empty())
    throw UsageError("--mode split_by needs a column of groups: --split");
  if (chain.score.fine_mode && chain.columns.guide.empty())
    throw UsageError("--fine-mode needs the column of guides: --guide");
  if (chain.score.harmonize && chain.columns.split.empty())
    throw UsageError("--harmonize needs a column of groups: --split");
  check_names(chain);
  return chain;
}

void ScreenWords::only_method(const std::string& method, const std::string& other_command) const {
  if (!method_.empty() && method_ != method)
    throw UsageError("this command is " + method + "'s; for --method " + method_ + " use `perturb " + other_command +
                     "`");
}

void check_new_folder(const std::string& folder, const std::string& flag) {
  std::error_code problem;
  if (folder.empty() || !std::filesystem::exists(folder, problem) || std::filesystem::is_empty(folder, problem)) return;
  throw Error(ErrorCode::Io, "\"" + folder + "\" exists already.",
              "Give another folder with " + flag + ", or empty this one.");
}

void tell(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) std::fprintf(stderr, "note: %s\n", note.c_str());
}

std::map<std::string, std::vector<std::string>> gene_lists(const std::string& path) {
  const std::string text = storage::read_whole_file(path);
  std::map<std::string, std::vector<std::string>> lists;
  const auto wrong = [&](const std::string& why) {
    return Error(ErrorCode::BadInput, "\"" + path + "\" holds no lists of marker genes: " + why + ".",
                 "Give JSON {\"TARGET\": [\"GENE\", …]}, or a table with the columns target and gene.");
  };
  if (const auto first = text.find_first_not_of(" \t\r\n"); first != std::string::npos && text[first] == '{') {
    try {
      return nlohmann::json::parse(text).get<std::map<std::string, std::vector<std::string>>>();
    } catch (const nlohmann::json::exception&) {
      throw wrong("it is not an object of lists of names");
    }
  }
  std::istringstream lines(text);
  const char separator = path.ends_with(".csv") ? ',' : '\t';
  std::int64_t target = -1, gene = -1;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    std::vector<std::string> cells;
    std::istringstream words(line);
    for (std::string word; std::getline(words, word, separator);) cells.push_back(word);
    const auto column = [&](const std::string& name) {
      const auto at = std::find(cells.begin(), cells.end(), name);
      return at == cells.end() ? std::int64_t{-1} : at - cells.begin();
    };
    if (target < 0) {
      target = column("target");
      gene = column("gene");
      if (target < 0 || gene < 0) throw wrong("its first line does not name the columns target and gene");
      continue;
    }
    if (static_cast<std::int64_t>(cells.size()) <= std::max(target, gene)) throw wrong("a line is too short: " + line);
    lists[cells[target]].push_back(cells[gene]);
  }
  if (lists.empty()) throw wrong("there is none");
  return lists;
}

}  // namespace scriptorium::cli
