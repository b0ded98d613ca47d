#include "core/perturbation/de_state.hpp"

#include <filesystem>

#include "core/error.hpp"
#include "core/fingerprint.hpp"
#include "core/perturbation/state_words.hpp"
#include "core/storage/sealed_file.hpp"

namespace scriptorium::perturbation {
namespace {

namespace hdf5 = storage::hdf5;

constexpr storage::Seal de_seal{"de-state", 1, "written by a running `perturb de`"};
constexpr const char* ending = ".target";

template <class Wide, class Narrow>
std::vector<Wide> widened(const std::vector<Narrow>& values) {
  std::vector<Wide> out;
  for (const Narrow value : values) out.push_back(static_cast<Wide>(value));
  return out;
}

}  // namespace

DeState::DeState(std::string folder, std::string fingerprint, bool resume)
    : folder_(std::move(folder)), fingerprint_(std::move(fingerprint)) {
  if (folder_.empty()) return;
  if (!resume) remove();
  std::error_code problem;
  std::filesystem::create_directories(folder_, problem);
  if (problem)
    throw Error(ErrorCode::Io,
                "The folder \"" + folder_ + "\" for finished targets cannot be made: " + problem.message() + ".",
                "Remove what has that name, or write to another place.");
}

std::string DeState::print_of(std::int32_t target) const {
  return fingerprint_ + "-" + std::to_string(target);
}

std::string DeState::file_of(std::int32_t target) const {
  return folder_ + "/" + std::to_string(target) + ending;
}

std::optional<WeightedDe> DeState::find(std::int32_t target) const {
  if (folder_.empty() || !std::filesystem::exists(file_of(target))) return {};
  try {
    return load(target);
  } catch (const Error& error) {
    throw UnusableState(error.what());
  }
}

std::optional<WeightedDe> DeState::load(std::int32_t target) const {
  const std::string path = file_of(target), bytes = storage::read_sealed(path, de_seal);
  const auto file = hdf5::open_image(bytes, path);
  if (hdf5::read_attribute(file, "fingerprint") != print_of(target)) return {};
  WeightedDe de;
  de.target = read_words(file, "target").at(0);
  de.groups = read_words(file, "groups");
  de.columns = read_words(file, "columns");
  de.notes = read_words(file, "notes");
  de.gene = hdf5::read<std::int64_t>(file, "gene");
  de.log2fc = hdf5::read<double>(file, "log2fc");
  de.coefficient = hdf5::read<double>(file, "coefficient");
  de.error = hdf5::read<double>(file, "error");
  de.log_p = hdf5::read<double>(file, "log_p");
  de.dispersion = hdf5::read<double>(file, "dispersion");
  de.fitted_dispersion = hdf5::read<double>(file, "fitted_dispersion");
  de.weight = widened<DeWeight>(hdf5::read<std::int32_t>(file, "weight"));
  de.separated = widened<std::uint8_t>(hdf5::read<std::int32_t>(file, "separated"));
  const auto sizes = hdf5::read<std::int64_t>(file, "cells");
  de.n_target = sizes.at(0);
  de.n_control = sizes.at(1);
  return de;
}

void DeState::keep(std::int32_t target, const WeightedDe& de) const {
  if (folder_.empty()) return;
  const auto file = hdf5::create_in_memory();
  hdf5::write_attribute(file, "fingerprint", print_of(target));
  write_words(file, "target", {de.target});
  write_words(file, "groups", de.groups);
  write_words(file, "columns", de.columns);
  write_words(file, "notes", de.notes);
  hdf5::write(file, "gene", de.gene);
  hdf5::write(file, "log2fc", de.log2fc);
  hdf5::write(file, "coefficient", de.coefficient);
  hdf5::write(file, "error", de.error);
  hdf5::write(file, "log_p", de.log_p);
  hdf5::write(file, "dispersion", de.dispersion);
  hdf5::write(file, "fitted_dispersion", de.fitted_dispersion);
  hdf5::write(file, "weight", widened<std::int32_t>(de.weight));
  hdf5::write(file, "separated", widened<std::int32_t>(de.separated));
  hdf5::write(file, "cells", std::vector<std::int64_t>{de.n_target, de.n_control});
  storage::write_sealed(file, de_seal, file_of(target));
}

void DeState::remove() const {
  std::error_code ignored;
  if (folder_.empty() || !std::filesystem::is_directory(folder_, ignored)) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
    std::error_code stays;
    if (entry.path().extension() == ending || entry.path() == chain_file())
      std::filesystem::remove(entry.path(), stays);
  }
  std::filesystem::remove(folder_, ignored);  // only when empty
}

std::string fingerprint(const data::Dataset& dataset, const ChainOptions& chain, const DeOptions& options,
                        const RunControl& control) {
  const std::string words = nlohmann::json{
      {"logfc_threshold", options.logfc_threshold},
      {"min_pct", options.min_pct},
      {"min_cells", options.min_cells},
      {"r_compatible", options.r_compatible},
      {"mend_separated", options.mend_separated},
      {"unweighted",
       options.unweighted}}.dump();
  Fingerprint print;
  print.add(words.data(), words.size());
  return fingerprint(dataset, chain, control) + "-" + print.text();
}

}  // namespace scriptorium::perturbation
