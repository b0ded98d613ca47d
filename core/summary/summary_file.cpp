#include "core/summary/summary_file.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/storage/sealed_file.hpp"
#include "core/summary/summary_group.hpp"

namespace scriptorium::summary {
namespace {

namespace hdf5 = storage::hdf5;
using nlohmann::json;

constexpr storage::Seal seal{"summary", 1, "written by `summarise`"};

json to_json(const Source& source) {
  return {{"path", source.path},     {"layer", source.layer},     {"missing", source.missing},
          {"filter", source.filter}, {"n_cells", source.n_cells}, {"genes_chosen", source.genes_chosen}};
}

Source source_from(const json& stored) {
  return {stored.at("path"),   stored.at("layer"),   stored.at("missing"),
          stored.at("filter"), stored.at("n_cells"), stored.at("genes_chosen")};
}

}  // namespace

void save_summary(const NamedSummary& summary, const std::string& path) {
  const auto file = hdf5::create_in_memory();
  json settings{{"data_id", summary.data_id}, {"sources", json::array()}, {"version", SCRIPTORIUM_VERSION}};
  for (const Source& source : summary.sources) settings["sources"].push_back(to_json(source));
  hdf5::write_attribute(file, "format", "scriptorium summary");
  hdf5::write_attribute(file, "format_version", std::to_string(seal.version));
  hdf5::write_strings(file, "settings", {settings.dump(2, ' ', false, json::error_handler_t::replace)});
  hdf5::write_strings(file, "genes", summary.genes);
  hdf5::write_strings(file, "cells", summary.cells);
  write_summary(file, summary.summary);
  storage::write_sealed(file, seal, path);
}

NamedSummary load_summary(const std::string& path) {
  const std::string bytes = storage::read_sealed(path, seal);
  try {
    const auto file = hdf5::open_image(bytes, path);
    const auto settings = json::parse(hdf5::read_strings(file, "settings").at(0));
    NamedSummary out;
    out.data_id = settings.at("data_id");
    for (const auto& stored : settings.at("sources")) out.sources.push_back(source_from(stored));
    out.genes = hdf5::read_strings(file, "genes");
    out.cells = hdf5::read_strings(file, "cells");
    out.summary = read_summary(file);
    if (is_whole(out.summary, out.genes.size(), out.cells.size())) return out;
  } catch (const json::exception&) {
    throw Error(ErrorCode::BadInput, "The settings in \"" + path + "\" cannot be read.", "Summarise the data again.");
  } catch (const std::out_of_range&) {  // a part is too short: said below
  }
  throw Error(ErrorCode::BadInput, "The parts of \"" + path + "\" do not fit each other.", "Summarise the data again.");
}

bool is_summary_file(const std::string& path) {
  return storage::sealed_kind(path) == seal.kind;
}

}  // namespace scriptorium::summary
