#include "core/result/fit_file.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/result/settings_json.hpp"
#include "core/storage/sealed_file.hpp"
#include "core/summary/summary_group.hpp"

namespace scriptorium::result {
namespace {

namespace hdf5 = storage::hdf5;

constexpr storage::Seal fit_seal{"fit", 2, "written by `fit` or saved in the window"};
constexpr storage::Seal checkpoint_seal{"checkpoint", 1, "written by a running fit"};

const char* extent_word(model::Extent extent) {
  return extent == model::Extent::Scalar ? "scalar" : extent == model::Extent::Gene ? "gene" : "cell";
}

void write_site_header(hid_t group, const inference::SitePosterior& site) {
  hdf5::write_attribute(group, "extent", extent_word(site.extent));
  hdf5::write_attribute(group, "family", model::to_string(site.law));
  hdf5::write_attribute(group, "transform", model::to_string(site.transform));
  hdf5::write_attribute(group, "components", std::to_string(site.components));
}

inference::SitePosterior read_site_header(hid_t group, const std::string& name, int version) {
  inference::SitePosterior site;
  site.name = name;
  const std::string extent = hdf5::read_attribute(group, "extent");
  site.extent = extent == "scalar" ? model::Extent::Scalar
                : extent == "gene" ? model::Extent::Gene
                                   : model::Extent::Cell;
  site.law = model::law_from_string(hdf5::read_attribute(group, "family"));
  site.transform = model::transform_from_string(hdf5::read_attribute(group, "transform"));
  if (version > 1) site.components = std::stoll(hdf5::read_attribute(group, "components"));
  return site;
}

void write_posterior(hid_t file, const inference::Posterior& posterior) {
  const auto group = hdf5::create_group(file, "posterior");
  for (const auto& site : posterior.sites) {
    const auto at = hdf5::create_group(group, site.name);
    write_site_header(at, site);
    hdf5::write(at, "arg1", site.arg1);
    hdf5::write(at, "arg2", site.arg2);
  }
  if (!posterior.conditional) return;
  const auto& conditional = *posterior.conditional;
  const auto inner = hdf5::create_group(file, "conditional");
  hdf5::write_attribute(inner, "scalar", conditional.scalar);
  hdf5::write_attribute(inner, "transform", model::to_string(conditional.transform));
  hdf5::write(inner, "node", conditional.node);
  hdf5::write(inner, "log_density", conditional.log_density);
  const auto sites = hdf5::create_group(inner, "sites");
  for (std::size_t s = 0; !conditional.sites.empty() && s < conditional.sites[0].size(); ++s) {
    const auto& first = conditional.sites[0][s];
    const auto at = hdf5::create_group(sites, first.name);
    write_site_header(at, first);
    std::vector<double> arg1, arg2;
    for (const auto& node : conditional.sites) {
      arg1.insert(arg1.end(), node[s].arg1.begin(), node[s].arg1.end());
      arg2.insert(arg2.end(), node[s].arg2.begin(), node[s].arg2.end());
    }
    const std::vector<hsize_t> shape{conditional.sites.size(), first.arg1.size()};
    hdf5::write_raw(at, "arg1", H5T_NATIVE_DOUBLE, arg1.data(), shape);
    hdf5::write_raw(at, "arg2", H5T_NATIVE_DOUBLE, arg2.data(), shape);
  }
}

inference::Posterior read_posterior(hid_t file, const std::vector<std::string>& site_names,
                                    const std::vector<std::string>& conditional_names, int version) {
  inference::Posterior posterior;
  const auto group = hdf5::open_group(file, "posterior");
  for (const auto& name : site_names) {
    const auto at = hdf5::open_group(group, name);
    auto site = read_site_header(at, name, version);
    site.arg1 = hdf5::read<double>(at, "arg1");
    site.arg2 = hdf5::read<double>(at, "arg2");
    posterior.sites.push_back(std::move(site));
  }
  if (!hdf5::has(file, "conditional")) return posterior;
  auto& conditional = posterior.conditional.emplace();
  const auto inner = hdf5::open_group(file, "conditional");
  conditional.scalar = hdf5::read_attribute(inner, "scalar");
  conditional.transform = model::transform_from_string(hdf5::read_attribute(inner, "transform"));
  conditional.node = hdf5::read<double>(inner, "node");
  conditional.log_density = hdf5::read<double>(inner, "log_density");
  conditional.sites.resize(conditional.node.size());
  const auto sites = hdf5::open_group(inner, "sites");
  for (const auto& name : conditional_names) {
    const auto at = hdf5::open_group(sites, name);
    const auto header = read_site_header(at, name, version);
    const auto arg1 = hdf5::read<double>(at, "arg1"), arg2 = hdf5::read<double>(at, "arg2");
    const auto length = static_cast<std::ptrdiff_t>(arg1.size() / std::max<std::size_t>(conditional.node.size(), 1));
    for (std::size_t k = 0; k < conditional.node.size(); ++k) {
      auto site = header;
      const auto from = static_cast<std::ptrdiff_t>(k) * length;
      site.arg1.assign(arg1.begin() + from, arg1.begin() + from + length);
      site.arg2.assign(arg2.begin() + from, arg2.begin() + from + length);
      conditional.sites[k].push_back(std::move(site));
    }
  }
  return posterior;
}

void write_trace(hid_t file, const std::vector<inference::LossPoint>& trace) {
  std::vector<std::int64_t> iteration;
  std::vector<double> seconds, loss, decrement;
  for (const auto& point : trace) {
    iteration.push_back(point.iteration);
    seconds.push_back(point.seconds);
    loss.push_back(point.loss);
    decrement.push_back(point.decrement);
  }
  const auto group = hdf5::create_group(file, "loss");
  hdf5::write(group, "iteration", iteration);
  hdf5::write(group, "seconds", seconds);
  hdf5::write(group, "loss", loss);
  hdf5::write(group, "decrement", decrement);
}

std::vector<inference::LossPoint> read_trace(hid_t file) {
  const auto group = hdf5::open_group(file, "loss");
  const auto iteration = hdf5::read<std::int64_t>(group, "iteration");
  const auto seconds = hdf5::read<double>(group, "seconds"), loss = hdf5::read<double>(group, "loss"),
             decrement = hdf5::read<double>(group, "decrement");
  std::vector<inference::LossPoint> trace(iteration.size());
  for (std::size_t i = 0; i < trace.size(); ++i) trace[i] = {iteration[i], seconds.at(i), loss.at(i), decrement.at(i)};
  return trace;
}

void check_lengths(const Fit& fit, const std::string& path) {
  const std::size_t genes = fit.genes.size(), cells = fit.cells.size();
  bool good = summary::is_whole(fit.summary, genes, cells);
  for (const auto& site : fit.result.posterior.sites) {
    const std::size_t wanted = site.extent == model::Extent::Scalar ? 1
                               : site.extent == model::Extent::Gene ? genes
                                                                    : cells;
    const auto rows = static_cast<std::size_t>(std::max<std::int64_t>(1, site.components));
    good = good && (site.components == 0 || site.components == fit.model.components);
    good = good && site.arg1.size() == rows * wanted && site.arg2.size() == rows * wanted;
  }
  if (!good) throw Error(ErrorCode::BadInput, "The parts of \"" + path + "\" do not fit each other.", "Fit again.");
}

nlohmann::json number(double value) {  // JSON has no infinities; they are words here
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}
double number(const nlohmann::json& json) {
  if (json.is_number()) return json.get<double>();
  const auto word = json.get<std::string>();
  return word == "nan" ? NAN : word == "inf" ? INFINITY : -INFINITY;
}

}  // namespace

void save_fit(const Fit& fit, const std::string& path) {
  const auto file = hdf5::create_in_memory();
  nlohmann::json settings{{"model", fit.model},
                          {"options", fit.options},
                          {"convergence", fit.result.convergence},
                          {"loss", number(fit.result.loss)},
                          {"loss_error", number(fit.result.loss_error)},
                          {"seconds", number(fit.result.seconds)},
                          {"name", fit.name},
                          {"data_path", fit.data_path},
                          {"data_layer", fit.data_layer},
                          {"data_id", fit.data_id},
                          {"data_filter", fit.data_filter},
                          {"device", fit.device},
                          {"version", fit.version},
                          {"created_at", fit.created_at},
                          {"component_names", fit.component_names},
                          {"annotation", fit.annotation},
                          {"point_only", fit.point_only}};
  auto sites = nlohmann::json::array(), conditional = nlohmann::json::array();
  for (const auto& site : fit.result.posterior.sites) sites.push_back(site.name);
  if (fit.result.posterior.conditional && !fit.result.posterior.conditional->sites.empty())
    for (const auto& site : fit.result.posterior.conditional->sites[0]) conditional.push_back(site.name);
  settings["sites"] = sites;
  settings["conditional_sites"] = conditional;
  hdf5::write_attribute(file, "format", "scriptorium fit");
  hdf5::write_attribute(file, "format_version", std::to_string(fit_seal.version));
  hdf5::write_strings(file, "settings", {settings.dump(2, ' ', false, nlohmann::json::error_handler_t::replace)});
  hdf5::write_strings(file, "genes", fit.genes);
  hdf5::write_strings(file, "cells", fit.cells);
  write_trace(file, fit.result.trace);
  write_posterior(file, fit.result.posterior);
  summary::write_summary(file, fit.summary);
  storage::write_sealed(file, fit_seal, path);
}

Fit load_fit(const std::string& path) {
  const std::string bytes = storage::read_sealed(path, fit_seal);
  try {
    const auto file = hdf5::open_image(bytes, path);
    const auto settings = nlohmann::json::parse(hdf5::read_strings(file, "settings").at(0));
    const int version = std::stoi(hdf5::read_attribute(file, "format_version"));
    Fit fit;
    fit.model = settings.at("model").get<model::Model>();
    fit.options = settings.at("options").get<inference::FitOptions>();
    fit.result.convergence = settings.at("convergence").get<inference::Convergence>();
    fit.result.loss = number(settings.at("loss"));
    fit.result.loss_error = number(settings.at("loss_error"));
    fit.result.seconds = number(settings.at("seconds"));
    for (const auto& [key, target] : {std::pair{"name", &fit.name},
                                      {"data_path", &fit.data_path},
                                      {"data_layer", &fit.data_layer},
                                      {"data_id", &fit.data_id},
                                      {"data_filter", &fit.data_filter},
                                      {"device", &fit.device},
                                      {"version", &fit.version},
                                      {"created_at", &fit.created_at}})
      *target = settings.at(key).get<std::string>();
    fit.point_only = settings.at("point_only").get<bool>();
    if (version > 1) {
      fit.component_names = settings.at("component_names").get<std::vector<std::string>>();
      fit.annotation = settings.at("annotation").get<std::string>();
    }
    fit.genes = hdf5::read_strings(file, "genes");
    fit.cells = hdf5::read_strings(file, "cells");
    fit.result.trace = read_trace(file);
    fit.result.posterior = read_posterior(file, settings.at("sites").get<std::vector<std::string>>(),
                                          settings.at("conditional_sites").get<std::vector<std::string>>(), version);
    fit.summary = summary::read_summary(file);
    check_lengths(fit, path);
    return fit;
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::BadInput, "The settings in \"" + path + "\" cannot be read.", "Fit again.");
  } catch (const std::logic_error&) {  // an index or a number out of range
    throw Error(ErrorCode::BadInput, "The parts of \"" + path + "\" do not fit each other.", "Fit again.");
  }
}

void save_checkpoint(const inference::Checkpoint& checkpoint, const std::string& path) {
  const auto file = hdf5::create_in_memory();
  hdf5::write_attribute(file, "format", "scriptorium checkpoint");
  hdf5::write_attribute(file, "kind", checkpoint.kind);
  hdf5::write_attribute(file, "fingerprint", checkpoint.fingerprint);
  const auto group = hdf5::create_group(file, "arrays");
  for (const auto& [name, values] : checkpoint.arrays) hdf5::write(group, name, values);
  write_trace(file, checkpoint.trace);
  storage::write_sealed(file, checkpoint_seal, path);
}

inference::Checkpoint load_checkpoint(const std::string& path) {
  const std::string bytes = storage::read_sealed(path, checkpoint_seal);
  const auto file = hdf5::open_image(bytes, path);
  inference::Checkpoint checkpoint;
  checkpoint.kind = hdf5::read_attribute(file, "kind");
  checkpoint.fingerprint = hdf5::read_attribute(file, "fingerprint");
  const auto group = hdf5::open_group(file, "arrays");
  for (const auto& name : hdf5::children(group)) checkpoint.arrays[name] = hdf5::read<double>(group, name);
  checkpoint.trace = read_trace(file);
  return checkpoint;
}

}  // namespace scriptorium::result
