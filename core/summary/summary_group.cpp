#include "core/summary/summary_group.hpp"

#include <algorithm>

namespace scriptorium::summary {

namespace hdf5 = storage::hdf5;

void write_summary(hid_t file, const CountSummary& s) {
  const auto group = hdf5::create_group(file, "summary");
  hdf5::write(group, "gene_start", s.gene_start);
  hdf5::write(group, "value", s.value);
  hdf5::write(group, "cells", s.cells);
  hdf5::write(group, "gene_total", s.gene_total);
  hdf5::write(group, "gene_nonzero", s.gene_nonzero);
  hdf5::write(group, "gene_measured", s.gene_measured);
  std::vector<std::int64_t> start{0};
  std::vector<std::uint32_t> missing, pattern;
  for (const auto& entry : s.patterns) {
    missing.insert(missing.end(), entry.missing_genes.begin(), entry.missing_genes.end());
    start.push_back(static_cast<std::int64_t>(missing.size()));
  }
  std::vector<std::uint64_t> total;
  std::vector<double> cells;
  for (const auto& entry : s.classes) {
    pattern.push_back(entry.pattern);
    total.push_back(entry.total);
    cells.push_back(entry.cells);
  }
  hdf5::write(group, "pattern_start", start);
  hdf5::write(group, "pattern_missing_genes", missing);
  hdf5::write(group, "class_pattern", pattern);
  hdf5::write(group, "class_total", total);
  hdf5::write(group, "class_cells", cells);
  hdf5::write(group, "class_of_cell", s.class_of_cell);
  hdf5::write(group, "sum_log_factorial", std::vector<double>{s.sum_log_factorial});
}

CountSummary read_summary(hid_t file) {
  CountSummary s;
  const auto group = hdf5::open_group(file, "summary");
  s.gene_start = hdf5::read<std::int64_t>(group, "gene_start");
  s.value = hdf5::read<std::uint32_t>(group, "value");
  s.cells = hdf5::read<double>(group, "cells");
  s.gene_total = hdf5::read<double>(group, "gene_total");
  s.gene_nonzero = hdf5::read<double>(group, "gene_nonzero");
  s.gene_measured = hdf5::read<double>(group, "gene_measured");
  const auto start = hdf5::read<std::int64_t>(group, "pattern_start");
  const auto missing = hdf5::read<std::uint32_t>(group, "pattern_missing_genes");
  for (std::size_t i = 0; i + 1 < start.size(); ++i) {
    auto& pattern = s.patterns.emplace_back();
    pattern.missing_genes.assign(missing.begin() + start[i], missing.begin() + start[i + 1]);
  }
  const auto pattern = hdf5::read<std::uint32_t>(group, "class_pattern");
  const auto total = hdf5::read<std::uint64_t>(group, "class_total");
  const auto cells = hdf5::read<double>(group, "class_cells");
  for (std::size_t i = 0; i < pattern.size(); ++i) s.classes.push_back({pattern[i], total.at(i), cells.at(i)});
  s.class_of_cell = hdf5::read<std::uint32_t>(group, "class_of_cell");
  s.sum_log_factorial = hdf5::read<double>(group, "sum_log_factorial").at(0);
  s.n_cells = static_cast<std::int64_t>(s.class_of_cell.size());
  s.n_genes = static_cast<std::int64_t>(s.gene_total.size());
  return s;
}

bool is_whole(const CountSummary& s, std::size_t genes, std::size_t cells) {
  bool good = s.gene_start.size() == genes + 1 && s.gene_total.size() == genes && s.gene_nonzero.size() == genes &&
              s.gene_measured.size() == genes && s.class_of_cell.size() == cells && s.value.size() == s.cells.size() &&
              s.gene_start.front() == 0 && s.gene_start.back() == static_cast<std::int64_t>(s.value.size()) &&
              std::is_sorted(s.gene_start.begin(), s.gene_start.end()) && !s.patterns.empty();
  for (const auto entry : s.class_of_cell) good = good && entry < s.classes.size();
  for (const auto& entry : s.classes) good = good && entry.pattern < s.patterns.size();
  for (const auto& entry : s.patterns)
    for (const auto gene : entry.missing_genes) good = good && gene < genes;
  return good;
}

}  // namespace scriptorium::summary
