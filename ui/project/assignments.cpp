#include "ui/project/assignments.hpp"

#include <QCryptographicHash>
#include <QFile>
#include <QFileInfo>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/analysis/agreement.hpp"
#include "core/analysis/assignments.hpp"
#include "core/error.hpp"
#include "core/result/components.hpp"
#include "ui/charts/colors.hpp"

namespace scriptorium::ui {

double Assignments::entropyShare(std::size_t cell) const {
  return components > 1 ? entropy[cell] / std::log(static_cast<double>(components)) : 0 * entropy[cell];
}

std::shared_ptr<const Assignments> complete(Assignments made) {
  const auto k = static_cast<std::size_t>(made.components);
  while (made.names.size() < k) made.names.push_back(QString::number(made.names.size() + 1));
  while (made.colors.size() < k) made.colors.push_back(charts::groupColor(static_cast<int>(made.colors.size())));
  made.assigned = analysis::assignment(made.probability, made.components);
  const bool given = made.entropy.size() == made.assigned.size();
  if (!given) made.entropy = analysis::entropy(made.probability, made.components);
  made.weight.assign(k, 0);
  made.size.assign(k, 0);
  made.sure.assign(k, 0);
  double cells = 0;
  for (std::size_t i = 0; i < made.assigned.size(); ++i) {
    if (!given) made.entropy[i] = made.assigned[i] < 0 ? std::nan("") : std::max(0.0, made.entropy[i]);
    if (made.assigned[i] < 0) continue;
    for (std::size_t c = 0; c < k; ++c) made.weight[c] += made.probability[i * k + c];
    const auto best = static_cast<std::size_t>(made.assigned[i]);
    ++made.size[best];
    if (made.probability[i * k + best] > 0.9) ++made.sure[best];
    cells += 1;
  }
  for (double& weight : made.weight) weight /= std::max(1.0, cells);
  return std::make_shared<const Assignments>(std::move(made));
}

QStringList notesOf(const Assignments& of) {
  std::vector<std::string> names;
  for (const QString& name : of.names) names.push_back(name.toStdString());
  QStringList notes;
  for (const std::string& note : analysis::component_notes(of.probability, names))
    notes << QString::fromStdString(note);
  return notes;
}

bool areProbabilities(const data::Embedding& embedding) {
  if (embedding.dims < 2) return false;
  const auto dims = static_cast<std::size_t>(embedding.dims);
  bool any = false;
  for (std::size_t i = 0; i + dims <= embedding.coordinates.size(); i += dims) {
    double sum = 0;
    for (std::size_t d = 0; d < dims; ++d) {
      if (embedding.coordinates[i + d] < 0) return false;
      sum += static_cast<double>(embedding.coordinates[i + d]);
    }
    if (std::isnan(sum)) continue;
    if (std::fabs(sum - 1) > 1e-3) return false;
    any = true;
  }
  return any;
}

std::shared_ptr<const Assignments> assignmentsOf(const data::Dataset& data, std::size_t embedding) {
  const data::Embedding& of = data.embeddings.at(embedding);
  const QString name = QString::fromStdString(of.name);
  Assignments made;
  made.source = QObject::tr("%1 (file)").arg(name);
  made.key = QString("obsm:%1:%2").arg(QString::fromStdString(data.path), name);
  made.cells = data.cells.names;
  made.components = of.dims;
  made.probability.assign(of.coordinates.begin(), of.coordinates.end());
  return complete(std::move(made));
}

QString identityOf(const result::Fit& fit) {
  QCryptographicHash hash(QCryptographicHash::Sha1);
  const auto numbers = [&](const std::vector<double>& values) {
    for (const double value : values) hash.addData(QByteArray::number(value, 'g', 17) + ' ');
  };
  for (const std::string& text : {fit.created_at, fit.data_id, fit.model.likelihood, fit.model.parameterization})
    hash.addData(QByteArray::fromStdString(text) + '\n');
  hash.addData(QByteArray::number(fit.options.seed) + ' ' + QByteArray::number(qlonglong{fit.model.components}) + ' ');
  if (!fit.result.trace.empty()) numbers({fit.result.trace.back().loss});
  for (const auto& site : fit.result.posterior.sites)
    if (site.name == "mixing_weights") numbers(site.arg1);
  return "fit:" + QString::fromLatin1(hash.result().toHex());
}

std::shared_ptr<const Assignments> assignmentsOf(std::shared_ptr<const result::Fit> fit, const QString& name,
                                                 const data::Dataset& data, analysis::AssignmentOptions options,
                                                 const RunControl& control) {
  options.likelihood.missing = &data.missing;
  auto found = analysis::assign_cells(*fit, data.counts, options, control);
  Assignments made;
  made.draws = options.draws;
  made.source =
      made.draws > 0 ? QObject::tr("%1 (fit, %2 draws)").arg(name).arg(made.draws) : QObject::tr("%1 (fit)").arg(name);
  made.key = identityOf(*fit);
  made.cells = fit->cells;
  made.components = static_cast<int>(found.components);
  for (const std::string& its : result::component_names(*fit)) made.names.push_back(QString::fromStdString(its));
  made.probability = std::move(found.probability);
  made.notes = notesOf(made);
  made.concentration = std::move(found.concentration);
  made.entropy = std::move(found.entropy);
  made.fit = std::move(fit);
  return complete(std::move(made));
}

std::shared_ptr<const Assignments> readAssignments(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly))
    throw Error(ErrorCode::Io, "Cannot read " + path.toStdString() + ": " + file.errorString().toStdString() + ".");
  const QChar separator = path.endsWith(".csv", Qt::CaseInsensitive) ? ',' : '\t';
  const std::string name = QFileInfo(path).fileName().toStdString();
  const auto fields = [&] { return QString::fromUtf8(file.readLine()).remove('\n').remove('\r').split(separator); };
  const QStringList header = fields();
  const auto cell = header.indexOf("cell");
  std::vector<qsizetype> columns;
  while (true) {
    const auto at = header.indexOf(QString("p_%1").arg(columns.size() + 1));
    if (at < 0) break;
    columns.push_back(at);
  }
  if (cell < 0 || columns.size() < 2)
    throw Error(ErrorCode::BadInput, name + " has no columns cell, p_1, p_2, …",
                "Give a table as scriptorium-cli assign writes it.");
  Assignments made;
  made.source = QFileInfo(path).fileName();
  made.key = "table:" + QFileInfo(path).absoluteFilePath();
  made.components = static_cast<int>(columns.size());
  for (int line = 2; !file.atEnd(); ++line) {
    const QStringList row = fields();
    if (row.size() == 1 && row[0].isEmpty()) continue;
    if (row.size() != header.size())
      throw Error(ErrorCode::BadInput, name + ", line " + std::to_string(line) + ": " + std::to_string(row.size()) +
                                           " fields where the header has " + std::to_string(header.size()) + ".");
    made.cells.push_back(row[cell].toStdString());
    for (const qsizetype at : columns) {
      bool number = false;
      const double p = row[at].toDouble(&number);
      if ((!number && !row[at].isEmpty()) || p < 0 || p > 1)
        throw Error(ErrorCode::BadInput,
                    name + ", line " + std::to_string(line) + ": \"" + row[at].toStdString() + "\" is no probability.");
      made.probability.push_back(number ? p : std::nan(""));
    }
  }
  return complete(std::move(made));
}

}  // namespace scriptorium::ui
