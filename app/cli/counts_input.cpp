#include "counts_input.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/summary/digest.hpp"

namespace scriptorium::cli {
namespace {

/// Puts an ending behind the names of all cells.
class Suffixed final : public data::CountSink {
 public:
  Suffixed(data::CountSink& next, std::string suffix) : next_(next), suffix_(std::move(suffix)) {}
  void begin(const data::Table& cells, const data::Table& genes) override {
    data::Table named{cells.names, {}};
    for (std::string& name : named.names) name += suffix_;
    next_.begin(named, genes);
  }
  void add(const data::CountBlock& block) override { next_.add(block); }

 private:
  data::CountSink& next_;
  std::string suffix_;
};

/// Where there is nothing to choose the counts pass by; else they are packed first.
bool passes_by(const CountsInput& input) {
  return input.filter.empty() && input.open.missing == data::MissingRule::LeaveOut;
}

summary::NamedSummary named(summary::Digest digest, const data::Dataset& tables, const CountsInput& input,
                            bool genes_chosen, const std::string& suffix) {
  summary::NamedSummary out;
  out.summary = std::move(digest.summary);
  out.data_id = std::move(digest.data_id);
  out.genes = tables.genes.names;
  out.cells = tables.cells.names;
  for (std::string& name : out.cells) name += suffix;
  out.sources = {{tables.path, tables.layer, data::to_string(input.open.missing), input.filter.describe(),
                  out.summary.n_cells, genes_chosen}};
  return out;
}

summary::NamedSummary summary_of(const std::string& path, const CountsInput& input, const std::string& suffix,
                                 const RunControl& control) {
  refuse_own_file(path);
  summary::DigestSink digest;
  Suffixed suffixed(digest, suffix);
  if (passes_by(input)) {
    const data::Dataset tables = data::stream(path, input.open, suffixed, control);
    return named(digest.finish(tables.missing), tables, input, false, suffix);
  }
  const data::PackedDataset data(path, input.open, input.filter, input.storage, control);
  data.send(suffixed, input.threads, control);
  return named(digest.finish(data.tables().missing), data.tables(), input, data.genes_chosen(), suffix);
}

void check_words(const CountsInput& input) {
  const auto summaries = std::count_if(input.paths.begin(), input.paths.end(), summary::is_summary_file);
  const data::OpenOptions& open = input.open;
  const bool reads = !input.filter.empty() || !open.layer.empty() || !open.genome.empty() || !open.modality.empty() ||
                     !open.orientation.empty() || open.missing != data::MissingRule::LeaveOut;
  if (summaries > 0 && reads)
    throw UsageError(
        "a summary is of counts already chosen: give filters, --layer, --missing and the like to summarise");
  if (summaries > 0 && input.suffix)
    throw UsageError("--suffix renames cells while data are read, not those of a summary");
  const data::Filter& filter = input.filter;
  if (input.paths.size() > 1 &&
      (filter.highly_variable > 0 || filter.min_cells_per_gene > 0 || filter.min_counts_per_gene > 0))
    throw UsageError(
        "genes can only be chosen by their counts in one file that holds all cells; give a list with --genes");
}

}  // namespace

void FilterWords::add_to(CLI::App& command) {
  command.add_option("--genes", genes, "FILE with names, names separated by commas, or hvg:N");
  command.add_option("--cells", cells, "expression on the cell table");
  command.add_option("--cell-names", cell_names, "FILE with names of cells to keep, or names separated by commas");
  command.add_option("--min-counts-per-cell", min_counts_per_cell, "drop cells with fewer counts")
      ->check(number_from_zero);
  command.add_option("--min-genes-per-cell", min_genes_per_cell, "drop cells with fewer genes")
      ->check(number_from_zero);
  command.add_option("--min-cells-per-gene", min_cells_per_gene, "drop genes seen in fewer cells")
      ->check(number_from_zero);
  command.add_option("--min-counts-per-gene", min_counts_per_gene, "drop genes with fewer counts")
      ->check(number_from_zero);
}

data::Filter FilterWords::filter() const {
  data::Filter filter;
  filter.cells = cells;
  filter.cell_names = names_of("--cell-names", "cells", cell_names);
  filter.min_counts_per_cell = min_counts_per_cell;
  filter.min_genes_per_cell = min_genes_per_cell;
  filter.min_cells_per_gene = min_cells_per_gene;
  filter.min_counts_per_gene = min_counts_per_gene;
  if (genes.rfind("hvg:", 0) == 0) {
    char* end = nullptr;
    filter.highly_variable = std::strtoll(genes.c_str() + 4, &end, 10);
    if (*end != '\0' || filter.highly_variable < 1) throw UsageError("--genes hvg:N needs a number of genes");
  } else {
    filter.genes = names_of("--genes", "genes", genes);
  }
  return filter;
}

std::uint64_t bytes_of(const std::string& text) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  std::string unit(end);
  std::erase(unit, ' ');
  for (const char* tail : {"iB", "B"})
    if (unit.size() > std::string(tail).size() && unit.ends_with(tail))
      unit.resize(unit.size() - std::string(tail).size());
  static const std::string units = "KMGT";
  const auto at = unit.size() == 1 ? units.find(static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0]))))
                                   : std::string::npos;
  if (at != std::string::npos) value *= std::pow(1024.0, static_cast<double>(at) + 1);
  if (end == text.c_str() || !(value >= 1) || value > 1e18 || (at == std::string::npos && !unit.empty() && unit != "B"))
    throw Error(ErrorCode::BadInput, "\"" + text + "\" is no amount of memory.", "Write it as 2G or 500M.");
  return static_cast<std::uint64_t>(value);
}

void MemoryLimit::add_to(CLI::App& command) {
  command.add_option_function<std::string>(
      "--memory", [this](const std::string& text) { bytes = bytes_of(text); },
      "memory that may be taken, as 2G or 500M; what does not fit is set aside on the disk or refused");
}

data::PackedStorage MemoryLimit::storage(const std::string& out) const {
  data::PackedStorage storage;
  if (bytes > 0) storage.memory = std::min<std::uint64_t>(storage.memory, bytes / 4);
  storage.folder = std::filesystem::path(out).parent_path().string();
  if (storage.folder.empty()) storage.folder = ".";
  return storage;
}

void MemoryLimit::check(double further, const std::string& what, const std::string& remedy) const {
  if (bytes == 0) return;
  double pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  resident *= static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (resident + further <= static_cast<double>(bytes)) return;
  const auto megabytes = [](double b) { return data::grouped(std::llround(std::ceil(b / (1 << 20)))) + " MiB"; };
  throw Error(ErrorCode::OutOfMemory,
              what + " needs about " + megabytes(further) + " beside the " + megabytes(resident) +
                  " taken already; --memory allows " + megabytes(static_cast<double>(bytes)) + ".",
              remedy);
}

summary::NamedSummary summarise(const CountsInput& input, const RunControl& control) {
  check_words(input);
  std::vector<summary::NamedSummary> parts;
  for (const std::string& path : input.paths)
    parts.push_back(summary::is_summary_file(path)
                        ? summary::load_summary(path)
                        : summary_of(path, input, input.suffix ? "-" + std::to_string(parts.size() + 1) : "", control));
  if (parts.size() == 1) return std::move(parts.front());
  control.tell(-1, "merging the summaries");
  return summary::merge(parts, control);
}

summary::NamedSummary summarise(const data::PackedDataset& data, const CountsInput& input, const RunControl& control) {
  summary::DigestSink digest;
  data.send(digest, input.threads, control);
  return named(digest.finish(data.tables().missing), data.tables(), input, data.genes_chosen(), "");
}

}  // namespace scriptorium::cli
