#include "core/perturbation/call.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/jobs.hpp"
#include "core/perturbation/score.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double no_cap = std::numeric_limits<double>::infinity();

struct MeanSd {
  double mean = 0, sd = nan;  // n − 1
};
MeanSd mean_sd(std::span<const double> values) {
  MeanSd out;
  for (const double value : values) out.mean += value;
  out.mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - out.mean) * (value - out.mean);
  if (values.size() > 1) out.sd = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return out;
}

/// What one target in one group came to.
struct Called {
  GroupCall group;
  std::vector<CellState> state;   // of the target's cells
  std::vector<double> posterior;  // likewise
  std::string note;
};

class Caller {
 public:
  Caller(const Signature& signature, const Screen& screen, const CallOptions& options, const Job& job,
         std::vector<std::int64_t> markers)
      : signature_(signature), options_(options), job_(job), n_target_(0) {
    auto& group = out_.group;
    group.target = job.target;
    group.split = job.split;
    group.cells = screen.cells_of(job.target, job.split);
    n_target_ = group.n_target = group.cells.size();
    const auto controls = screen.cells_of(screen.control, job.split);
    group.cells.insert(group.cells.end(), controls.begin(), controls.end());
    group.markers = std::move(markers);
    out_.state.assign(n_target_, CellState::NotPerturbed);
    out_.posterior.assign(n_target_, 0);
  }

  Called run(const RunControl& control) {
    auto& group = out_.group;
    if (group.markers.empty() || n_target_ == 0 || group.cells.size() == n_target_) return std::move(out_);
    values_ = signature_.columns(group.cells, group.markers, 1, control);
    if (options_.scale)
      scale_columns(values_, group.markers.size(), options_.rule == Rule::R ? scaled_at_most : no_cap);
    called_.assign(n_target_, true);
    group.converged = false;
    while (group.rounds < options_.iterations && !group.converged) {
      control.check();
      if (!round()) break;
    }
    for (std::size_t i = 0; i < n_target_; ++i)
      if (called_[i]) out_.state[i] = CellState::Perturbed;
    return std::move(out_);
  }

 private:
  /// One direction, one mixture, new calls. @returns false where it cannot go on
  bool round() {
    auto& group = out_.group;
    CallIteration step;
    if (!project_called(step)) return give_up("no direction tells its cells from the controls");
    if (!start_of(step)) return give_up("its cells or the controls do not vary along its direction");
    if (!fit(step)) return give_up("no mixture could be fitted");
    if (group.rounds == 0) group.projection = step.projection;
    if (!step.fit.converged && out_.note.empty()) out_.note = "the mixture had not converged after 100 steps";
    const std::vector<bool> before = called_;
    for (std::size_t i = 0; i < n_target_; ++i) {
      const double p = posterior_of_second(step.fit, step.projection[i], options_.rule == Rule::Py);
      out_.posterior[i] = p;
      if (options_.rule == Rule::Py || p != 0.5) called_[i] = p > 0.5;
    }
    step.posterior = out_.posterior;
    step.n_called = std::count(called_.begin(), called_.end(), true);
    ++group.rounds;
    group.converged = called_ == before;
    if (step.n_called < options_.min_cells) {
      for (std::size_t i = 0; i < n_target_; ++i)
        if (before[i]) {
          called_[i] = false;
          out_.state[i] = CellState::TooFewPerturbed;
        }
      group.converged = true;
    }
    if (options_.trace) group.iterations.push_back(std::move(step));
    return true;
  }

  /// Projection on the direction of the cells called at present.
  bool project_called(CallIteration& step) const {
    const auto& group = out_.group;
    const std::size_t m = group.markers.size(), n = group.cells.size();
    std::vector<double> target(m, 0), controls(m, 0);
    for (std::size_t i = 0; i < n; ++i) {
      if (i < n_target_ && !called_[i]) continue;
      auto& sum = i < n_target_ ? target : controls;
      for (std::size_t j = 0; j < m; ++j) sum[j] += values_[i * m + j];
    }
    step.n_direction = std::count(called_.begin(), called_.end(), true);
    double vv = 0;
    for (std::size_t j = 0; j < m; ++j) {
      target[j] = target[j] / static_cast<double>(step.n_direction) - controls[j] / static_cast<double>(n - n_target_);
      vv += target[j] * target[j];
    }
    if (!(vv > 0)) return false;
    step.projection.assign(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < m; ++j) step.projection[i] += values_[i * m + j] * target[j];
      step.projection[i] /= vv;
    }
    return true;
  }

  bool start_of(CallIteration& step) const {
    std::vector<double> called;
    for (std::size_t i = 0; i < n_target_; ++i)
      if (called_[i]) called.push_back(step.projection[i]);
    const MeanSd control = mean_sd(std::span(step.projection).subspan(n_target_)), target = mean_sd(called);
    const double share = 1 - static_cast<double>(n_target_) / static_cast<double>(out_.group.cells.size());
    step.start.mean = {control.mean, target.mean};
    step.start.sd = {control.sd, target.sd};
    step.start.weight = {share, 1 - share};
    if (options_.initial_weights)
      if (const auto given = options_.initial_weights(job_.target, job_.split, out_.group.rounds))
        step.start.weight = *given;
    return control.sd > 0 && target.sd > 0;
  }

  bool fit(CallIteration& step) const {
    if (options_.rule == Rule::Py) {
      step.fit = fit_two_normals(step.projection, step.start);
      return std::isfinite(step.fit.mean[1]) && step.fit.sd[1] > 0;
    }
    // Where the free component shrinks to a point, other weights are tried, as the source does at random.
    constexpr int starts = 100;
    math::Random random(0, math::Purpose::Start, static_cast<std::uint64_t>(job_.target));
    TwoNormals start = step.start;
    for (int i = 0; i < starts; ++i) {
      step.fit = fit_two_normals_closely(step.projection, start);
      if (step.fit.converged) return true;
      start.weight[1] = random.uniform();
      start.weight[0] = 1 - start.weight[1];
    }
    return false;
  }

  bool give_up(const std::string& why) {
    if (out_.group.rounds == 0) called_.assign(n_target_, false);
    out_.note = why;
    return false;
  }

  const Signature& signature_;
  const CallOptions& options_;
  Job job_;
  std::size_t n_target_;
  Called out_;
  std::vector<double> values_;  // cells × markers
  std::vector<bool> called_;
};

void check(const Signature& signature, const Screen& screen, const CallOptions& options) {
  if (signature.empty())
    throw Error(ErrorCode::BadInput, "There is no perturbation signature to call cells by.",
                "Run the signature first.");
  if (signature.n_cells() != screen.n_cells)
    throw Error(ErrorCode::BadInput, "The perturbation signature is of other cells than the screen.",
                "Run the signature again.");
  if (options.iterations < 1) throw Error(ErrorCode::BadInput, "Mixscape needs at least one round.", "Usual are 10.");
  if (options.perturbation_type.empty())
    throw Error(ErrorCode::BadInput, "The word for perturbed cells is empty.", "Usual is KO.");
}

/// Labels of cells from a name for each; empty: none.
analysis::Labels labels_by(const Screen& screen, const std::vector<std::string>& order,
                           const std::function<std::string(std::int64_t)>& name) {
  analysis::Labels out;
  std::map<std::string, std::int32_t> code;
  std::vector<std::string> of_cell;
  for (std::int64_t i = 0; i < screen.n_cells; ++i) {
    of_cell.push_back(name(i));
    code.emplace(of_cell.back(), -1);
  }
  for (const std::string& one : order)
    if (const auto at = code.find(one); !one.empty() && at != code.end() && at->second < 0) {
      at->second = static_cast<std::int32_t>(out.names.size());
      out.names.push_back(one);
    }
  for (const std::string& one : of_cell) out.code.push_back(code.at(one));
  return out;
}

constexpr const char* not_perturbed = "NP";

}  // namespace

CallOptions call_defaults(Rule rule) {
  CallOptions options;
  options.rule = rule;
  if (rule == Rule::R) options.markers.test = Test::LikelihoodRatio;
  return options;
}

void to_json(nlohmann::json& json, const CallOptions& options) {
  json = options.markers;
  json.erase("max_de_genes");
  json["rule"] = to_string(options.rule);
  json["scale"] = options.scale;
  json["iter_num"] = options.iterations;
  json["min_cells"] = options.min_cells;
  json["perturbation_type"] = options.perturbation_type;
}

void from_json(const nlohmann::json& json, CallOptions& options) {
  options = call_defaults(rule_from_string(json.value("rule", "py")));
  from_json(json, options.markers);
  const CallOptions standard = options;
  options.scale = json.value("scale", standard.scale);
  options.iterations = json.value("iter_num", standard.iterations);
  options.min_cells = json.value("min_cells", standard.min_cells);
  options.perturbation_type = json.value("perturbation_type", standard.perturbation_type);
}

analysis::Labels Calls::classes(const Screen& screen) const {
  const std::string& control = screen.target.names[screen.control];
  std::vector<std::string> order{control};
  for (const std::string& target : screen.target.names) {
    order.push_back(target + " " + perturbation_type);
    order.push_back(target + " " + not_perturbed);
  }
  order.emplace_back(not_perturbed);
  return labels_by(screen, order, [&](std::int64_t i) -> std::string {
    if (state[i] == CellState::Unknown) return {};
    if (state[i] == CellState::Control) return control;
    if (state[i] == CellState::TooFewPerturbed) return not_perturbed;
    return screen.target.names[screen.target.code[i]] + " " +
           (state[i] == CellState::Perturbed ? perturbation_type : not_perturbed);
  });
}

analysis::Labels Calls::global_classes(const Screen& screen) const {
  const std::string& control = screen.target.names[screen.control];
  return labels_by(screen, {control, perturbation_type, not_perturbed}, [&](std::int64_t i) -> std::string {
    if (state[i] == CellState::Unknown) return {};
    if (state[i] == CellState::Control) return control;
    return state[i] == CellState::Perturbed ? perturbation_type : not_perturbed;
  });
}

Calls mixscape(const Expression& x, const Signature& signature, const Screen& screen, const CallOptions& options,
               const RunControl& control) {
  check(signature, screen, options);
  MarkerOptions markers = options.markers;
  markers.threads = options.threads;
  const auto jobs = jobs_of(screen);
  std::vector<std::vector<std::int64_t>> lists(static_cast<std::size_t>(screen.n_targets()) * screen.n_splits());
  const auto list_of = [&](std::int32_t target, std::int32_t split) -> auto& {
    return lists[static_cast<std::size_t>(target) * screen.n_splits() + split];
  };
  for (std::int32_t s = 0; s < screen.n_splits(); ++s)
    visit_markers_of_targets(
        x, screen, screen.has_split ? s : -1, markers,
        [&](std::int32_t target, const MarkerTable& table) { list_of(target, s) = select_all(table, markers); },
        control);
  std::vector<Called> called(jobs.size());
  run_jobs(jobs, screen, "calling cells of", options.threads, control, [&](std::size_t i) {
    called[i] = Caller(signature, screen, options, jobs[i], list_of(jobs[i].target, jobs[i].split)).run(control);
  });

  Calls out;
  out.perturbation_type = options.perturbation_type;
  out.notes = screen.notes;
  out.state.assign(static_cast<std::size_t>(screen.n_cells), CellState::Unknown);
  out.posterior.assign(out.state.size(), nan);
  for (std::int64_t i = 0; i < screen.n_cells; ++i)
    if (screen.target.code[i] == screen.control) {
      out.state[i] = CellState::Control;
      out.posterior[i] = 0;
    }
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    Called& one = called[j];
    if (one.group.n_target == 0) continue;
    for (std::size_t i = 0; i < one.group.n_target; ++i) {
      out.state[one.group.cells[i]] = one.state[i];
      out.posterior[one.group.cells[i]] = one.posterior[i];
    }
    if (!one.note.empty()) out.notes.push_back(name_of(screen, jobs[j]) + ": " + one.note + ".");
    if (one.group.rounds > 0 && !one.group.converged)
      out.notes.push_back(name_of(screen, jobs[j]) + ": calls had not settled after " +
                          std::to_string(one.group.rounds) + " rounds.");
    out.groups.push_back(std::move(one.group));
  }
  return out;
}

}  // namespace scriptorium::perturbation
