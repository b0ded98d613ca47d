#include "ui/workspaces/run/command_text.hpp"

#include <QRegularExpression>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/result/settings_json.hpp"

namespace scriptorium::ui {
namespace {

using Json = nlohmann::json;

/// The entries of `json` that differ from those of `standard`.
Json difference(const Json& json, const Json& standard) {
  Json out = Json::object();
  for (const auto& [key, value] : json.items()) {
    if (value == standard[key]) continue;
    out[key] = value.is_object() ? difference(value, standard[key]) : value;
  }
  return out;
}

/// Settings that have no flag of their own, as the file that --config reads; empty when all have their defaults.
QString settingsWithoutFlag(const inference::FitOptions& options) {
  Json json = difference(Json(options), Json(inference::FitOptions{}));
  for (const char* key : {"method", "tolerance", "seed", "threads", "restarts", "start"}) json.erase(key);
  if (json.contains("svi")) {
    for (const char* key : {"mode", "steps", "batch_size"}) json["svi"].erase(key);
    if (json["svi"].contains("stopping")) {
      for (const char* by_flag : {"enabled", "restore_best"}) json["svi"]["stopping"].erase(by_flag);
      if (json["svi"]["stopping"].empty()) json["svi"].erase("stopping");
    }
    if (json["svi"].empty() || options.method != inference::Method::Svi) json.erase("svi");
  }
  return json.empty() ? QString() : QString::fromStdString(Json{{"options", json}}.dump());
}

QString number(double value) {
  return QString::number(value, 'g', 17);
}

QString listed(const std::vector<std::string>& names) {
  QStringList list;
  for (const std::string& name : names) list << QString::fromStdString(name);
  return list.join(',');
}

}  // namespace

QString shellQuoted(const QString& text) {
  static const QRegularExpression plain("^[A-Za-z0-9_./:=,+-]+$");
  if (plain.match(text).hasMatch()) return text;
  return "'" + QString(text).replace("'", "'\\''") + "'";
}

QStringList dataFlags(const DataChoice& choice) {
  QStringList words;
  if (!choice.layer.isEmpty()) words << "--layer" << shellQuoted(choice.layer);
  if (!choice.modality.isEmpty()) words << "--modality" << shellQuoted(choice.modality);
  if (choice.missing != data::MissingRule::LeaveOut)
    words << "--missing" << QString::fromStdString(data::to_string(choice.missing));
  return words;
}

QStringList filterFlags(const data::Filter& f) {
  QStringList words;
  const auto add = [&](const QString& flag, const QString& value) { words << flag << shellQuoted(value); };
  if (f.highly_variable > 0 && f.genes.empty()) add("--genes", "hvg:" + QString::number(f.highly_variable));
  if (!f.genes.empty()) add("--genes", listed(f.genes));
  if (!f.cell_names.empty()) add("--cell-names", listed(f.cell_names));
  if (!f.cells.empty()) add("--cells", QString::fromStdString(f.cells));
  if (f.min_counts_per_cell > 0) add("--min-counts-per-cell", number(f.min_counts_per_cell));
  if (f.min_genes_per_cell > 0) add("--min-genes-per-cell", QString::number(f.min_genes_per_cell));
  if (f.min_cells_per_gene > 0) add("--min-cells-per-gene", QString::number(f.min_cells_per_gene));
  if (f.min_counts_per_gene > 0) add("--min-counts-per-gene", number(f.min_counts_per_gene));
  return words;
}

QString commandFor(const FitRequest& request) {
  const model::Model& m = request.model;
  const inference::FitOptions &o = request.options, standard;
  QStringList words{"scriptorium-cli", "fit"};
  const auto add = [&](const QString& flag, const QString& value) { words << flag << shellQuoted(value); };
  if (request.data) words << shellQuoted(request.data->choice.path);
  add("--model", QString::fromStdString(m.likelihood));
  if (m.parameterization != "canonical") add("--parameterization", QString::fromStdString(m.parameterization));
  if (m.unconstrained) {
    words << "--unconstrained";
    add("--positive-transform", QString::fromStdString(model::to_string(m.positive_transform)));
  }
  if (m.capture_prior) {
    if (!m.capture_prior->organism.empty())
      add("--organism", QString::fromStdString(m.capture_prior->organism));
    else
      add("--capture-prior", number(m.capture_prior->log_m0) + "," + number(m.capture_prior->sigma_m));
  }
  for (const auto& [name, prior] : m.priors)
    add("--prior", QString::fromStdString(name) + "=" + number(prior.a) + "," + number(prior.b));
  if (m.components > 1) {
    // Without the word there are as many as labels; concentrations of their own need to know how many.
    const bool as_labels = !request.annotation.columns.empty() && request.annotation.components == 0;
    if (!as_labels || m.mixing_prior.size() > 1) add("--components", QString::number(m.components));
    if (!m.mixture_params.empty()) add("--mixture-params", listed(m.mixture_params));
    if (!m.mixing_prior.empty()) {
      QStringList numbers;
      for (const double a : m.mixing_prior) numbers << number(a);
      add("--prior", "mixing=" + numbers.join(','));
    }
    if (o.restarts != standard.restarts) add("--restarts", QString::number(o.restarts));
    if (o.start != standard.start) add("--start", QString::fromStdString(inference::to_string(o.start)));
    if (const auto& a = request.annotation; !a.columns.empty()) {
      add("--annotation", listed(a.columns));
      add("--annotation-confidence", number(a.confidence));
      if (!a.order.empty()) add("--annotation-order", listed(a.order));
      if (a.min_cells > 0) add("--annotation-min-cells", QString::number(a.min_cells));
    }
  }
  add("--method", QString::fromStdString(inference::to_string(o.method)));
  if (o.method == inference::Method::Svi) {
    if (o.svi.mode != standard.svi.mode) add("--svi-mode", QString::fromStdString(inference::to_string(o.svi.mode)));
    add("--steps", QString::number(o.svi.steps));
    if (o.svi.batch_size > 0) add("--batch-size", QString::number(o.svi.batch_size));
    if (o.svi.stopping.enabled) words << "--early-stopping";
  } else if (o.tolerance != standard.tolerance) {
    add("--tolerance", number(o.tolerance));
  }
  add("--seed", QString::number(o.seed));
  if (request.device != "auto") add("--device", request.device);
  if (o.threads > 0) add("--threads", QString::number(o.threads));
  if (request.data) {
    words << dataFlags(request.data->choice) << filterFlags(request.data->choice.filter);
  }
  if (const QString rest = settingsWithoutFlag(o); !rest.isEmpty())
    words << "--config"
          << "<(echo " + shellQuoted(rest) + ")";
  add("--out", request.name + ".fit.h5");
  const auto has_comma = [](const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(),
                       [](const std::string& name) { return name.find(',') != std::string::npos; });
  };
  if (m.components > 1 && (has_comma(request.annotation.columns) || has_comma(request.annotation.order)))
    words << "# " + QObject::tr("names with commas: write them into a file, one a line, and give the file instead");
  QStringList made;
  for (const data::Column& column : request.labels) made << QString::fromStdString(column.name);
  if (!made.isEmpty())
    words << "# " + QObject::tr(
                        "made in the window: %1. Save a copy of the data with sets and columns, and give that "
                        "file instead.")
                        .arg(made.join(", ").replace('\n', ' '));
  return words.join(' ');
}

}  // namespace scriptorium::ui
