#include "core/inference/solver.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/fingerprint.hpp"

namespace scriptorium::inference {

Recorder::Recorder(const FitControl& control, const FitOptions& options, std::string kind, std::string print,
                   const Checkpoint* resume)
    : control_(&control),
      options_(&options),
      kind_(std::move(kind)),
      fingerprint_(std::move(print)),
      start_(std::chrono::steady_clock::now()),
      last_keep_(start_) {
  if (!resume) return;
  trace_ = resume->trace;
  if (!trace_.empty()) earlier_ = trace_.back().seconds;
}

double Recorder::seconds() const {
  return earlier_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Recorder::add(std::int64_t iteration, double loss, double decrement, double fraction, const std::string& message) {
  // A resumed fit does the iteration again that it was stopped in.
  while (!trace_.empty() && trace_.back().iteration >= iteration) trace_.pop_back();
  trace_.push_back({iteration, seconds(), loss, decrement});
  if (control_->on_loss) control_->on_loss(trace_.back());
  control_->tell(fraction, message);
}

bool Recorder::due() const {
  return control_->on_checkpoint &&
         std::chrono::duration<double>(std::chrono::steady_clock::now() - last_keep_).count() >=
             options_->checkpoint_seconds;
}

void Recorder::keep(std::map<std::string, std::vector<double>> arrays) {
  if (!control_->on_checkpoint) return;
  control_->on_checkpoint({kind_, fingerprint_, std::move(arrays), trace_});
  last_keep_ = std::chrono::steady_clock::now();
}

std::string fingerprint(const FitInput& input, const FitOptions& options) {
  const auto& svi = options.svi;
  const auto& stop = svi.stopping;
  std::ostringstream text;
  text << std::hexfloat << nlohmann::json(input.model).dump();
  const auto add = [&text](const auto&... values) { ((text << '|' << values), ...); };
  add(static_cast<int>(options.method), options.structured_nodes, options.seed, input.summary->n_cells,
      input.summary->n_genes, input.summary->total(), input.summary->sum_log_factorial);
  if (options.method == Method::Svi)
    add(static_cast<int>(svi.mode), svi.decay ? svi.steps : 0, svi.batch_size, svi.draws, svi.optimizer,
        svi.learning_rate, svi.decay, svi.b1, svi.b2, svi.epsilon, svi.clip_norm, svi.momentum, stop.enabled,
        stop.restore_best, stop.patience, stop.min_delta, stop.min_delta_percent, stop.check_every, stop.warmup,
        stop.window);
  const std::string all = text.str();
  Fingerprint print;
  print.add(all.data(), all.size());
  print.add(input.cell_logits.data(), input.cell_logits.size_bytes());
  if (input.model.components > 1) print.add(std::vector{options.restarts, static_cast<int>(options.start)});
  print.add(input.summary->gene_total);
  for (const auto& entry : input.summary->classes) print.add(&entry.total, sizeof entry.total);
  return print.text();
}

Problem problem_of(const FitInput& input) {
  Problem problem(input.model, *input.summary, input.counts);
  if (problem.visits_nonzeros && input.backend && input.backend->is_gpu()) problem.gpu = input.backend;
  return problem;
}

void check_resume(const Checkpoint& resume, const std::string& kind, const std::string& print, std::size_t size) {
  if (resume.kind != kind || resume.fingerprint != print)
    throw Error(ErrorCode::BadInput,
                "the checkpoint belongs to another fit: its model, method, settings or data differ",
                "Start without it, or restore the settings it was made with.");
  const auto x = resume.arrays.find("x");
  if (x == resume.arrays.end() || x->second.size() != size)
    throw Error(ErrorCode::BadInput, "the checkpoint is incomplete", "Start without it.");
}

std::vector<SitePosterior> sites_at(const Objective& objective, const std::vector<double>& x) {
  const auto& p = objective.problem();
  std::vector<SitePosterior> sites;
  const auto add = [&](const SiteFamily& family, model::Extent extent, std::size_t n, auto&& at) {
    SitePosterior site{family.site().name,
                       extent,
                       family.site().guide,
                       family.beta() ? model::Transform::Sigmoid : family.transform(),
                       {},
                       {}};
    site.arg1.reserve(n);
    site.arg2.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t k = at(i);
      const auto a = family.arguments(x[k], x[k + 1]);
      site.arg1.push_back(a[0]);
      site.arg2.push_back(a[1]);
    }
    sites.push_back(std::move(site));
  };
  if (objective.scalar_size()) add(*p.scalar, model::Extent::Scalar, 1, [](std::size_t) { return std::size_t{0}; });
  for (std::size_t s = 0; s < p.gene_sites.size(); ++s)
    add(p.gene_sites[s], model::Extent::Gene, static_cast<std::size_t>(p.n_genes()),
        [&](std::size_t g) { return objective.gene_at(static_cast<std::int64_t>(g)) + 2 * s; });
  if (p.cell)
    add(*p.cell, model::Extent::Cell, static_cast<std::size_t>(p.n_cells()),
        [&](std::size_t c) { return objective.cell_at(p.unit_of_cell[c]); });
  return sites;
}

Posterior posterior_at(const Objective& objective, const std::vector<double>& x) {
  return {sites_at(objective, x), std::nullopt};
}

const SitePosterior& Posterior::site(const std::string& name) const {
  std::string names;
  for (const auto& s : sites) {
    if (s.name == name) return s;
    names += (names.empty() ? "" : ", ") + s.name;
  }
  throw Error(ErrorCode::BadInput, "this fit has no parameter " + name, "It has " + names + ".");
}

std::vector<std::string> identifiability_notes(const Problem& p) {
  std::vector<std::string> notes;
  // A Beta or Beta prime of total weight 2 or less says next to nothing of a capture.
  const auto flat = [](const model::Prior& prior) {
    return (prior.law == model::Law::Beta || prior.law == model::Law::BetaPrime) && prior.a + prior.b <= 2;
  };
  if (p.capture && flat(p.cell->site().prior)) {
    if (p.scalar)
      notes.push_back(
          "The counts determine only (1−p)/p divided by the capture probability of each cell: " +
          p.scalar->site().name +
          " and the capture probabilities trade off along a ridge and are held apart by their priors alone, so their "
          "own intervals mean little. Read "
          "effective probabilities, "
          "dispersions and predictions from this fit, not p or captures by themselves; give an organism to pin the "
          "captures.");
    else
      notes.push_back(
          "The counts determine only the products μ·ν: mean expression and capture probabilities trade off along a "
          "ridge and are held apart by their priors alone. "
          "Give an organism to pin the captures.");
  }
  std::int64_t silent = 0, empty = 0;
  for (const double n : p.summary->gene_nonzero) silent += n == 0;
  for (const auto& k : p.summary->classes)
    if (k.total == 0) empty += static_cast<std::int64_t>(k.cells);
  if (silent > 0)
    notes.push_back(std::to_string(silent) + (silent == 1 ? " gene has" : " genes have") +
                    " no counts: the posterior there is little more than the prior.");
  if (empty > 0)
    notes.push_back(std::to_string(empty) + (empty == 1 ? " cell has" : " cells have") + " no counts" +
                    (p.capture ? ": their capture is pulled low." : "."));
  return notes;
}

std::string losses_note(const std::vector<double>& losses, const std::string& when) {
  std::string text = std::to_string(losses.size()) + " starts, losses" + (when.empty() ? "" : " " + when);
  std::size_t best = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    char number[40];
    std::snprintf(number, sizeof number, "%s%.3f", i ? ", " : " ", losses[i]);
    text += number;
    if (losses[i] < losses[best]) best = i;
  }
  return text + ": start " + std::to_string(best + 1) + " was kept.";
}

void note_dead_components(const std::vector<double>& cells, std::vector<std::string>& notes) {
  constexpr double hardly_any = 0.5;
  for (std::size_t k = 0; k < cells.size(); ++k)
    if (cells[k] < hardly_any)
      notes.push_back("Component " + std::to_string(k + 1) +
                      " has died: no cell is left in it, and its parameters are the prior's. Fit with fewer "
                      "components, or from other starts (--restarts).");
}

bool needs_counts(const model::Model& model, const FitOptions& options) {
  return model.components > 1 || visits_nonzeros(model) ||
         (options.method == Method::Svi && options.svi.batch_size > 0);
}

FitResult fit(const FitInput& input, const FitOptions& options, const Checkpoint* resume, const FitControl& control) {
  if (!input.summary) throw Error(ErrorCode::BadInput, "a fit needs a count summary");
  control.check();  // a cancel may come before the start
  const auto positive = [](double value, const char* what) {
    if (!(value > 0) || !std::isfinite(value))
      throw Error(ErrorCode::BadInput, std::string("the ") + what + " must be a positive number",
                  std::string("Give another ") + what + ".");
  };
  positive(options.tolerance, "tolerance");
  positive(options.svi.learning_rate, "learning rate");
  model::validate(input.model);
  if (input.model.components > input.summary->n_cells)
    throw Error(ErrorCode::BadInput,
                "there are " + std::to_string(input.model.components) + " components and only " +
                    std::to_string(input.summary->n_cells) + " cells",
                "Ask for fewer components.");
  const auto logits = static_cast<std::size_t>(input.summary->n_cells * input.model.components);
  if (!input.cell_logits.empty() && (input.model.components < 2 || input.cell_logits.size() != logits))
    throw Error(ErrorCode::BadInput, "the annotation has not one number a cell and component",
                "Give logits of cells x components, or none.");
  switch (options.method) {
    case Method::Exact:
      if (input.model.components > 1) return fit_mixture(input, options, resume, control);
      return fit_exact(input, options, resume, control);
    case Method::Structured:
      if (input.model.components > 1)
        throw Error(ErrorCode::Unsupported, "structured fits have one shared scalar; a mixture has one a component",
                    "Fit the mixture by the exact method, or take one of its components.");
      return fit_structured(input, options, resume, control);
    case Method::Svi:
      return fit_svi(input, options, resume, control);
  }
  throw Error(ErrorCode::Unsupported, "unknown method");
}

bool uses_backend(const model::Model& model, const FitOptions& options, std::int64_t n_cells) {
  if (options.method != Method::Svi) return model.components > 1 || visits_nonzeros(model);
  return model.components == 1 && options.svi.batch_size > 0 && options.svi.batch_size < n_cells;
}

FitEstimate estimate(const FitInput& input, const FitOptions& options) {
  FitEstimate out;
  const auto& info = model::find_likelihood(input.model.likelihood);
  const bool own_p = model::find_parameterization(input.model.parameterization).key == "mean_disp";
  const bool visits = info.variable_capture && (info.zero_inflated || own_p), mixture = input.model.components > 1;
  const auto components = static_cast<double>(input.model.components);
  const bool on_device = uses_backend(input.model, options, input.summary->n_cells),
             batches = on_device && options.method == Method::Svi;
  out.needs_counts = visits || batches || mixture;
  const auto genes = static_cast<double>(input.summary->n_genes), cells = static_cast<double>(input.summary->n_cells);
  const auto entries = static_cast<double>(input.summary->value.size());
  double nonzeros = 0;
  for (const double n : input.summary->gene_nonzero) nonzeros += n;
  const double sites = 1 + (own_p ? 1 : 0) + (info.zero_inflated ? 1 : 0);
  const double units = visits ? cells : static_cast<double>(input.summary->classes.size());
  out.bytes = 16 * entries + 8 * genes * (4 * sites * sites + 24 * sites) + 8 * units * 40 +
              (visits ? 16 * nonzeros + 8 * 32 * (2 * genes + cells) : 0);
  if (mixture) out.bytes = components * (out.bytes + 8 * cells * 12) + 32 * nonzeros;
  // Cell and count of an entry; limits, row and sums of a piece (at least one a gene); r of a gene.
  if (batches)
    out.device_bytes =
        (8 + 32.0 / compute::rising_piece) * nonzeros * static_cast<double>(options.svi.batch_size) / cells +
        40 * genes;
  // The counts by cell, a table of the entries with how they are found, and what it is gathered into.
  if (on_device && !batches && mixture)
    out.device_bytes = 8 * nonzeros + (12 + 8 * components) * entries + 8 * components * cells;
  // The counts by gene and by cell, and a table of at most 140 nodes with what it is gathered into.
  else if (on_device && !batches)
    out.device_bytes = 16 * nonzeros + 8 * 140 * (genes + cells);
  // Measured per evaluation on one 2.x GHz core: 0.1 µs a histogram entry and node, 4 µs a unit, 0.1 µs a non-zero.
  const double evaluation = 1e-6 * (1.2 * entries + 3 * genes * (info.zero_inflated ? 40 : 1) + 6 * units +
                                    (visits ? 0.12 * nonzeros + 60 * genes : 0));
  const double iterations = options.method == Method::Svi
                                ? static_cast<double>(options.svi.steps) * 0.5 * options.svi.draws
                            : options.method == Method::Structured ? 25.0 * 6
                                                                   : (visits ? 60 : 20);
  out.seconds = evaluation * iterations;
  // Rounds of a mixture: three evaluations of every component, its cells one by one, and the visit of the counts.
  if (mixture && options.method == Method::Svi) {
    // Tables of the counts that occur, their look-ups and cells of every component, for each draw.
    const double share =
        options.svi.batch_size > 0 ? std::min(1.0, static_cast<double>(options.svi.batch_size) / cells) : 1;
    const double draws = options.svi.mode == SviMode::Scribe ? 1 : options.svi.draws;
    out.seconds = static_cast<double>(options.svi.steps) * draws * components *
                  (share * (4e-8 * entries + 2e-7 * cells + (visits ? 8e-8 : 3e-9) * nonzeros) + 1e-7 * genes);
  } else if (mixture)
    out.seconds =
        options.restarts * 40 * (components * (3 * evaluation + 1.5e-5 * cells) + 4e-9 * components * nonzeros);
  return out;
}

}  // namespace scriptorium::inference
