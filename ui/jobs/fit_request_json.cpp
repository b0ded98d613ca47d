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
  visit("genes", f.genes);
}

}  // namespace

QByteArray requestToJson(const FitRequest& request) {
  Json json{{"format", "scriptorium-fit-request"},
            {"version", 1},
            {"name", request.name.toStdString()},
            {"model", request.model},
            {"options", request.options}};
  if (request.data) {
    data::Filter filter = request.data->filter;
    json["data"] = {{"path", request.data->path.toStdString()}, {"layer", request.data->layer.toStdString()}};
    eachFilter(filter, [&](const char* key, auto& value) { json["data"]["filter"][key] = value; });
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
  if (json.contains("data")) {
    stored.data_path = QString::fromStdString(json.at("data").at("path"));
    stored.data_layer = QString::fromStdString(json.at("data").at("layer"));
    const Json& filter = json.at("data").at("filter");
    eachFilter(stored.filter, [&](const char* key, auto& value) { filter.at(key).get_to(value); });
  }
  return stored;
} catch (const Json::exception& error) {
  throw Error(ErrorCode::BadInput, std::string("A stored fit request cannot be read: ") + error.what(),
              "Start the fit anew.");
}

}  // namespace scriptorium::ui
