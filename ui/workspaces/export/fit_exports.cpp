#include "ui/workspaces/export/fit_exports.hpp"

#include <QSaveFile>
#include <QStringList>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/report/fit_h5ad.hpp"
#include "core/report/fit_tables.hpp"
#include "core/report/netcdf.hpp"
#include "core/result/estimates.hpp"
#include "core/result/settings_json.hpp"

namespace scriptorium::ui {
namespace {

QString str(const std::string& text) {
  return QString::fromStdString(text);
}

}  // namespace

std::shared_ptr<const TableData> mapTable(const result::Fit& fit) {
  return tableOf("map", report::values_table(fit, result::map_estimate(fit, {.use_mean = true}), false));
}

std::shared_ptr<const TableData> distributionsTable(const result::Fit& fit) {
  return tableOf("distributions", report::distributions_table(fit, false));
}

std::shared_ptr<const TableData> lossTable(const result::Fit& fit) {
  return tableOf("loss", report::loss_table(fit));
}

QString provenance(const result::Fit& fit) {
  QStringList lines;
  const auto line = [&](const QString& what, const QString& value) {
    if (!value.isEmpty()) lines << what + ": " + value;
  };
  line("fit", str(fit.name));
  line("data", str(fit.data_path));
  line("layer", str(fit.data_layer));
  line("filter", fit.data_filter.empty() ? "none" : str(fit.data_filter));
  line("data identity", str(fit.data_id));
  line("size", QString("%1 cells × %2 genes").arg(fit.summary.n_cells).arg(fit.summary.n_genes));
  line("model", str(nlohmann::json(fit.model).dump()));
  for (const model::Site& site : model::layout(fit.model))
    line("prior of " + str(site.name), str(model::to_string(site.prior)));
  line("settings", str(nlohmann::json(fit.options).dump()));
  line("seed", QString::number(fit.options.seed));
  line("convergence", str(fit.result.convergence.verdict));
  line("loss", QString::number(fit.result.loss, 'g', 17) + " nats");
  line("seconds", QString::number(fit.result.seconds, 'f', 3));
  line("device", str(fit.device));
  line("version", "scriptorium " + str(fit.version));
  line("made", str(fit.created_at));
  return lines.join('\n') + '\n';
}

void writeText(const QString& path, const QString& text) {
  QSaveFile file(path);
  const QByteArray bytes = text.toUtf8();
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
    throw Error(ErrorCode::Io, "Cannot write " + path.toStdString() + ": " + file.errorString().toStdString() + ".",
                "Choose another folder.");
}

void writeDraws(const QString& path, const result::Fit& fit, const RunControl& control) {
  const auto draws = result::sample(fit, 100, fit.options.seed, true, 0, control);
  auto data = report::posterior_data(fit, draws, false);
  data.attributes["seed"] = std::to_string(fit.options.seed);
  report::write_netcdf(data, path.toStdString());
}

void writeAnndata(const QString& path, const result::Fit& fit, const data::Dataset& data, const RunControl& control) {
  analysis::DiagnoseOptions options;
  options.seed = fit.options.seed;
  const auto diagnosis = analysis::diagnose(fit, options, control);
  report::write_fit_h5ad(data, fit, {.use_mean = true}, &diagnosis, path.toStdString(), 0, control);
}

}  // namespace scriptorium::ui
