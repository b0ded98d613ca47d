#include "core/perturbation/chain.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/data/identity.hpp"
#include "core/error.hpp"
#include "core/fingerprint.hpp"
#include "core/perturbation/chain_state.hpp"
#include "core/perturbation/jobs.hpp"

namespace scriptorium::perturbation {
namespace {

void add(Fingerprint& print, const std::string& text) {
  print.add(text.c_str(), text.size() + 1);
}
void add(Fingerprint& print, const analysis::Labels& labels) {
  for (const std::string& name : labels.names) add(print, name);
  print.add(labels.code);
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void add_notes(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const std::string& note : more)
    if (std::find(all.begin(), all.end(), note) == all.end()) all.push_back(note);
}

/// The steps of a chain, each timed and kept.
class Chain {
 public:
  Chain(const ChainOptions& options, std::string path, const RunControl& control)
      : options_(options), path_(std::move(path)), control_(control) {}

  Screening run(const data::Dataset& dataset, bool resume) {
    out_.options = options_;
    out_.screen = make_screen(dataset, options_.columns);
    if (!path_.empty()) begin_state(dataset, resume);
    timed("expression", false, [&] {
      out_.expression = std::make_shared<Expression>(
          Expression::of_counts(dataset.counts, dataset.missing, options_.threads, part(control_, 0, 0.02)));
    });
    make_signature_step(dataset);
    keep_step("score", options_.with_scores, state_.scores, out_.scores, [&] {
      out_.scores = mixscale(*out_.expression, out_.signature, out_.screen, options_.score, part(control_, 0.4, 0.6));
    });
    keep_step("call", options_.with_calls, state_.calls, out_.calls, [&] {
      out_.calls = mixscape(*out_.expression, out_.signature, out_.screen, options_.call, part(control_, 0.6, 0.8));
    });
    discriminant_step();
    timed("verdicts", false, [&] {
      out_.targets =
          judge_targets(*out_.expression, out_.screen, options_.with_scores ? &out_.scores : nullptr,
                        options_.with_calls ? &out_.calls : nullptr, {}, options_.threads, part(control_, 0.95, 1));
    });
    for (const std::vector<std::string>* notes : {&std::as_const(out_.screen.notes), &out_.signature.notes(),
                                                  &std::as_const(out_.scores.notes), &std::as_const(out_.calls.notes)})
      add_notes(out_.notes, *notes);
    return std::move(out_);
  }

 private:
  template <class Body>
  void timed(const std::string& name, bool resumed, const Body& body) {
    control_.check();
    const double start = seconds_now();
    body();
    out_.steps.push_back({name, seconds_now() - start, resumed});
  }

  void begin_state(const data::Dataset& dataset, bool resume) {
    const std::string wanted = fingerprint(dataset, options_, control_);
    const bool there = std::filesystem::exists(path_);
    if (there && !is_state(path_))
      throw UnusableState("\"" + path_ + "\" is in the place of the state of this run, and is none.",
                          "Move it away, or write to another place.");
    if (resume && there) {
      state_ = load_state(path_);
      if (state_.fingerprint != wanted) {
        out_.notes.emplace_back("The state file is of other data or options: all steps were run again.");
        state_ = {};
      }
    }
    state_.fingerprint = wanted;
  }
  void save() const {
    if (!path_.empty()) save_state(state_, path_);
  }

  void make_signature_step(const data::Dataset& dataset) {
    const bool kept = state_.neighbours.has_value();
    timed("signature", kept, [&] {
      if (kept) {
        out_.signature = Signature::of_neighbours(out_.expression, options_.signature.neighbours, *state_.neighbours);
        out_.signature.add_notes(state_.signature_notes);
        return;
      }
      out_.signature =
          make_signature(out_.expression, dataset, out_.screen, options_.signature, part(control_, 0.02, 0.4));
      if (options_.signature.reference != Reference::Neighbours || path_.empty()) return;
      state_.neighbours = out_.signature.neighbours();
      state_.signature_notes = out_.signature.notes();
      save();
    });
  }

  template <class Result, class Body>
  void keep_step(const std::string& name, bool wanted, std::optional<Result>& kept, Result& result, const Body& body) {
    if (!wanted) return;
    const bool resumed = kept.has_value();
    timed(name, resumed, [&] {
      if (resumed) {
        result = *kept;
        return;
      }
      body();
      if (path_.empty()) return;
      kept = result;
      save();
    });
  }

  void discriminant_step() {
    if (!options_.with_discriminant || !options_.with_calls) return;
    std::int64_t called = 0;
    for (const CellState state : out_.calls.state) called += state == CellState::Perturbed;
    if (called == 0) {
      out_.notes.emplace_back("No cell is perturbed, so there are no targets to tell apart by discriminant analysis.");
      return;
    }
    Discriminant found;
    keep_step("discriminant", true, state_.discriminant, found, [&] {
      found = discriminant(*out_.expression, out_.screen, out_.calls, options_.discriminant, part(control_, 0.8, 0.95));
    });
    add_notes(out_.notes, found.notes);
    out_.discriminant = std::move(found);
  }

  ChainOptions options_;
  std::string path_;
  const RunControl& control_;
  ChainState state_;
  Screening out_;
};

}  // namespace

void to_json(nlohmann::json& json, const ChainOptions& options) {
  json = {{"columns",
           {{"target", options.columns.target},
            {"control", options.columns.control},
            {"guide", options.columns.guide},
            {"split", options.columns.split}}},
          {"signature", options.signature},
          {"score", options.score},
          {"call", options.call},
          {"discriminant", options.discriminant},
          {"with_scores", options.with_scores},
          {"with_calls", options.with_calls},
          {"with_discriminant", options.with_discriminant},
          {"score_column", options.score_column},
          {"class_column", options.class_column}};
}

void from_json(const nlohmann::json& json, ChainOptions& options) {
  const ChainOptions standard;
  const auto part_of = [&](const char* key) { return json.value(key, nlohmann::json::object()); };
  const auto columns = part_of("columns");
  options.columns = {columns.value("target", ""), columns.value("control", ""), columns.value("guide", ""),
                     columns.value("split", "")};
  part_of("signature").get_to(options.signature);
  part_of("score").get_to(options.score);
  part_of("call").get_to(options.call);
  part_of("discriminant").get_to(options.discriminant);
  options.with_scores = json.value("with_scores", standard.with_scores);
  options.with_calls = json.value("with_calls", standard.with_calls);
  options.with_discriminant = json.value("with_discriminant", standard.with_discriminant);
  options.score_column = json.value("score_column", standard.score_column);
  options.class_column = json.value("class_column", standard.class_column);
}

namespace {
/// data::data_identity(), to be stopped between blocks.
std::string identity_of(const data::Dataset& dataset, const RunControl& control) {
  data::IdentitySink identity;
  identity.begin(dataset.cells, dataset.genes);
  data::BlockVisitor watched([&](const data::CountBlock& block) {
    control.check();
    identity.add(block);
  });
  data::source_of(dataset.counts)(watched);
  return identity.finish(dataset.missing);
}
}  // namespace

std::string fingerprint(const data::Dataset& dataset, const ChainOptions& options, const RunControl& control) {
  Fingerprint print;
  add(print, nlohmann::json(options).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  const Screen screen = make_screen(dataset, options.columns);
  add(print, screen.target);
  add(print, screen.guide);
  add(print, screen.split);
  // Order of cells and genes is part of the numbers' layout; the identity below is the same for any order.
  for (const auto* names : {&dataset.cells.names, &dataset.genes.names})
    for (const std::string& name : *names) add(print, name);
  for (const auto& embedding : dataset.embeddings) {
    add(print, embedding.name);
    print.add(embedding.coordinates);
  }
  if (const data::Column* variable = dataset.genes.find("highly_variable"))
    for (std::size_t g = 0; g < variable->size(); ++g) add(print, variable->text(g));
  return identity_of(dataset, control) + "-" + print.text();
}

Screening run_chain(const data::Dataset& dataset, const ChainOptions& options, const std::string& state, bool resume,
                    const RunControl& control) {
  if (!options.with_scores && !options.with_calls)
    throw Error(ErrorCode::BadInput, "Neither scores nor calls are asked for.", "Ask for one of them at least.");
  ChainOptions all = options;
  all.signature.threads = all.score.threads = all.call.threads = all.discriminant.threads = options.threads;
  all.signature.backend = options.backend;
  return Chain(all, state, control).run(dataset, resume);
}

}  // namespace scriptorium::perturbation
