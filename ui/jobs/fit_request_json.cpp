#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/result/settings_json.hpp"
#include "ui/jobs/fit_item.hpp"

namespace scriptorium::ui {
namespace {

using Json = nlohmann::json;

template <class Visit>
void eachFilter(data::Filter& f, Visit visit) {
  visit("min_counts_per_cell", f.min_counts_per_cell);
  visit("min_genes_per_cell", f.min_genes_per_cell);
  visit("min_cells_per_gene", f.min_cells_per_gene);
  visit("min_counts_per_gene", f.min_counts_per_gene);
  visit("highly_variable", f.highly_variable);
  visit("cells", f.cells);
  visit("cell_names", f.cell_names);
  visit("genes", f.genes);
}

template <class Options, class Visit>
void eachAnnotation(Options& o, Visit visit) {
  visit("columns", o.columns);
  visit("confidence", o.confidence);
  visit("order", o.order);
  visit("min_cells", o.min_cells);
  visit("components", o.components);
}

}  // namespace

std::string DataChoice::treatment() const {
  std::string words = filter.describe();
  if (missing != data::MissingRule::LeaveOut)
    words += (words.empty() ? "--missing " : " --missing ") + data::to_string(missing);
  return words;
}

analysis::Annotation FitRequest::annotate() const {
  if (model.components < 2 || annotation.columns.empty() || !data) return {};
  if (labels.empty()) return analysis::annotate(data->dataset->cells, annotation);
  data::Table cells{data->dataset->cells.names, labels};
  for (const data::Column& of_file : data->dataset->cells.columns)
    if (std::count(annotation.columns.begin(), annotation.columns.end(), of_file.name) > 0 && !cells.find(of_file.name))
      cells.columns.push_back(of_file);
  return analysis::annotate(cells, annotation);
}

QByteArray requestToJson(const FitRequest& request) {
  Json json{{"format", "scriptorium-fit-request"}, {"version", 1},
            {"name", request.name.toStdString()},  {"model", request.model},
            {"options", request.options},          {"device", request.device.toStdString()}};
  eachAnnotation(request.annotation, [&](const char* key, const auto& value) { json["annotation"][key] = value; });
  for (const data::Column& column : request.labels)
    if (const auto* its = std::get_if<data::Categorical>(&column.values))
      json["labels"].push_back({{"name", column.name}, {"codes", its->codes}, {"categories", its->categories}});
  if (request.data) {
    DataChoice choice = request.data->choice;
    json["data"] = {{"path", choice.path.toStdString()},
                    {"layer", choice.layer.toStdString()},
                    {"modality", choice.modality.toStdString()},
                    {"missing", data::to_string(choice.missing)}};
    eachFilter(choice.filter, [&](const char* key, auto& value) { json["data"]["filter"][key] = value; });
  }
  return QByteArray::fromStdString(json.dump(2));
}

StoredRequest requestFromJson(const QByteArray& text) try {
  const Json json = Json::parse(text.toStdString());
  if (json.at("format") != "scriptorium-fit-request")
    throw Error(ErrorCode::BadInput, "This is not a stored fit request.");
  StoredRequest stored;
  stored.request.name = QString::fromStdString(json.at("name"));
  stored.request.model = json.at("model").get<model::Model>();
  stored.request.options = json.at("options").get<inference::FitOptions>();
  stored.request.device = QString::fromStdString(json.value("device", std::string("auto")));
  if (json.contains("annotation")) {
    stored.request.annotation.components = stored.request.model.components;  // what older ones meant
    eachAnnotation(stored.request.annotation, [&](const char* key, auto& value) {
      if (json.at("annotation").contains(key)) json.at("annotation").at(key).get_to(value);
    });
  }
  for (const Json& column : json.value("labels", Json::array())) {
    data::Categorical its;
    column.at("codes").get_to(its.codes);
    column.at("categories").get_to(its.categories);
    stored.request.labels.push_back({column.at("name"), std::move(its), {}});
  }
  if (json.contains("data")) {
    const Json& from = json.at("data");
    stored.data.path = QString::fromStdString(from.at("path"));
    stored.data.layer = QString::fromStdString(from.at("layer"));
    stored.data.modality = QString::fromStdString(from.value("modality", std::string()));
    stored.data.missing = data::missing_rule(from.value("missing", data::to_string(data::MissingRule::LeaveOut)));
    eachFilter(stored.data.filter, [&](const char* key, auto& value) {
      if (from.at("filter").contains(key)) from.at("filter").at(key).get_to(value);  // newer ones have more
    });
  }
  return stored;
} catch (const Json::exception& error) {
  throw Error(ErrorCode::BadInput, std::string("A stored fit request cannot be read: ") + error.what(),
              "Start the fit anew.");
}

}  // namespace scriptorium::ui
