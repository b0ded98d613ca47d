#include "core/result/settings_json.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace scriptorium::inference {
namespace {

/// Writes or reads every member of an options struct from one list, so that the two cannot come to differ.
struct Writer {
  nlohmann::json& json;
  template <class T>
  void operator()(const char* key, const T& value) {
    json[key] = value;
  }
};
struct Reader {
  const nlohmann::json& json;
  std::size_t used = 0;
  template <class T>
  void operator()(const char* key, T& value) {
    const auto found = json.find(key);
    if (found == json.end()) return;
    ++used;
    try {
      value = found->template get<T>();
    } catch (const nlohmann::json::exception&) {
      throw Error(ErrorCode::BadInput, "The option \"" + std::string(key) + "\" does not hold a value of its kind.",
                  "See `show --json` for the options of a fit.");
    }
  }
  void finish(const char* what) const {
    if (used == json.size()) return;
    throw Error(ErrorCode::BadInput, "The " + std::string(what) + " hold a key that is not known.",
                "See `show --json` for the options of a fit.");
  }
};

template <class Visit, class Options>
void visit_stopping(Visit& visit, Options& o) {
  visit("enabled", o.enabled);
  visit("patience", o.patience);
  visit("min_delta", o.min_delta);
  visit("min_delta_percent", o.min_delta_percent);
  visit("check_every", o.check_every);
  visit("warmup", o.warmup);
  visit("window", o.window);
  visit("restore_best", o.restore_best);
}
template <class Visit, class Options>
void visit_svi(Visit& visit, Options& o) {
  visit("steps", o.steps);
  visit("batch_size", o.batch_size);
  visit("draws", o.draws);
  visit("optimizer", o.optimizer);
  visit("learning_rate", o.learning_rate);
  visit("decay", o.decay);
  visit("b1", o.b1);
  visit("b2", o.b2);
  visit("epsilon", o.epsilon);
  visit("clip_norm", o.clip_norm);
  visit("momentum", o.momentum);
}
template <class Visit, class Options>
void visit_fit(Visit& visit, Options& o) {
  visit("tolerance", o.tolerance);
  visit("max_iterations", o.max_iterations);
  visit("structured_nodes", o.structured_nodes);
  visit("restarts", o.restarts);
  visit("seed", o.seed);
  visit("threads", o.threads);
  visit("checkpoint_seconds", o.checkpoint_seconds);
}
template <class Visit, class Value>
void visit_convergence(Visit& visit, Value& c) {
  visit("converged", c.converged);
  visit("stopped_early", c.stopped_early);
  visit("verdict", c.verdict);
  visit("advice", c.advice);
  visit("notes", c.notes);
}

}  // namespace

std::string to_string(Method method) {
  return method == Method::Exact ? "exact" : method == Method::Structured ? "structured" : "svi";
}
std::string to_string(SviMode mode) {
  return mode == SviMode::Ours ? "ours" : "scribe";
}
std::string to_string(Start start) {
  return start == Start::Data ? "data" : "scribe";
}
Start start_from_string(const std::string& name) {
  if (name == "data") return Start::Data;
  if (name == "scribe") return Start::Scribe;
  throw Error(ErrorCode::BadInput, "There is no start \"" + name + "\".", "Choose data or scribe.");
}
Method method_from_string(const std::string& name) {
  for (Method method : {Method::Exact, Method::Structured, Method::Svi})
    if (name == to_string(method)) return method;
  throw Error(ErrorCode::BadInput, "There is no method \"" + name + "\".", "Choose exact, structured or svi.");
}
SviMode svi_mode_from_string(const std::string& name) {
  if (name == "ours") return SviMode::Ours;
  if (name == "scribe") return SviMode::Scribe;
  throw Error(ErrorCode::BadInput, "There is no svi mode \"" + name + "\".", "Choose ours or scribe.");
}

void to_json(nlohmann::json& json, const FitOptions& options) {
  json = nlohmann::json::object();
  Writer fit{json};
  visit_fit(fit, options);
  json["method"] = to_string(options.method);
  json["start"] = to_string(options.start);
  auto& svi = json["svi"] = nlohmann::json::object();
  Writer svi_writer{svi};
  visit_svi(svi_writer, options.svi);
  svi["mode"] = to_string(options.svi.mode);
  auto& stopping = svi["stopping"] = nlohmann::json::object();
  Writer stopping_writer{stopping};
  visit_stopping(stopping_writer, options.svi.stopping);
}

void from_json(const nlohmann::json& json, FitOptions& options) {
  options = {};
  Reader fit{json};
  visit_fit(fit, options);
  std::string method = to_string(options.method), mode = to_string(options.svi.mode), start = to_string(options.start);
  fit("method", method);
  fit("start", start);
  options.start = start_from_string(start);
  options.method = method_from_string(method);
  nlohmann::json svi = nlohmann::json::object(), stopping = nlohmann::json::object();
  fit("svi", svi);
  fit.finish("options of the fit");
  Reader svi_reader{svi};
  visit_svi(svi_reader, options.svi);
  svi_reader("mode", mode);
  options.svi.mode = svi_mode_from_string(mode);
  svi_reader("stopping", stopping);
  svi_reader.finish("svi options");
  Reader stopping_reader{stopping};
  visit_stopping(stopping_reader, options.svi.stopping);
  stopping_reader.finish("options of early stopping");
}

void to_json(nlohmann::json& json, const Convergence& convergence) {
  json = nlohmann::json::object();
  Writer writer{json};
  visit_convergence(writer, convergence);
}
void from_json(const nlohmann::json& json, Convergence& convergence) {
  convergence = {};
  Reader reader{json};
  visit_convergence(reader, convergence);
}

}  // namespace scriptorium::inference
