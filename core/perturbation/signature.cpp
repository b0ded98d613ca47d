#include "core/perturbation/signature.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/compute/parallel.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/perturbation/jobs.hpp"
#include "core/perturbation/nearest_controls.hpp"

namespace scriptorium::perturbation {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t genes_a_piece = 4, cells_a_piece = 16;

/// Control cells of every group. @throws Error for a group without
std::vector<std::vector<std::int64_t>> controls_by_split(const Screen& screen, const std::string& use) {
  std::vector<std::vector<std::int64_t>> controls;
  for (std::int32_t s = 0; s < screen.n_splits(); ++s) {
    controls.push_back(screen.cells_of(screen.control, s));
    if (controls.back().empty())
      throw Error(ErrorCode::BadInput,
                  "The group \"" + screen.split.names[s] + "\" has no control cells (" +
                      screen.target.names[screen.control] + ") " + use + ".",
                  "Leave the cells of this group out, or choose another column of groups, or none.");
  }
  return controls;
}

}  // namespace

Reference reference_from_string(const std::string& text) {
  if (text == "nn") return Reference::Neighbours;
  if (text == "split_by") return Reference::SplitMean;
  throw Error(ErrorCode::BadInput, "\"" + text + "\" is no mode of a perturbation signature.", "Use nn or split_by.");
}

std::string to_string(Reference reference) {
  return reference == Reference::Neighbours ? "nn" : "split_by";
}

void to_json(nlohmann::json& json, const SignatureOptions& options) {
  json = {{"mode", to_string(options.reference)},
          {"n_neighbors", options.neighbours},
          {"n_dims", options.dims},
          {"representation", options.representation},
          {"seed", options.seed}};
}

void from_json(const nlohmann::json& json, SignatureOptions& options) {
  const SignatureOptions standard;
  options = standard;
  options.reference = reference_from_string(json.value("mode", to_string(standard.reference)));
  options.neighbours = json.value("n_neighbors", standard.neighbours);
  options.dims = json.value("n_dims", standard.dims);
  options.representation = json.value("representation", standard.representation);
  options.seed = json.value("seed", standard.seed);
}

Signature Signature::by_neighbours(std::shared_ptr<const Expression> x, const Screen& screen, const Points& points,
                                   const SignatureOptions& options, const RunControl& control) {
  if (options.neighbours < 1)
    throw Error(ErrorCode::BadInput, "A signature needs at least one neighbour.", "Ask for 1 or more; usual are 20.");
  const auto controls = controls_by_split(screen, "to be compared with");
  const std::int64_t n = x->n_cells();
  const int k = options.neighbours;
  const auto backend = options.backend ? options.backend : compute::cpu_backend(options.threads);
  Signature out = of_neighbours(std::move(x), k, std::vector<std::int32_t>(static_cast<std::size_t>(n * k), -1));
  for (std::int32_t s = 0; s < screen.n_splits(); ++s) {
    const auto& candidates = controls[s];
    std::vector<std::int64_t> queries;
    for (std::int64_t i = 0; i < n; ++i)
      if (screen.split.code[i] == s) queries.push_back(i);
    const int found = static_cast<int>(std::min<std::int64_t>(k, static_cast<std::int64_t>(candidates.size())));
    if (found < k)
      out.notes_.push_back((screen.has_split ? "The group \"" + screen.split.names[s] + "\" has " : "There are ") +
                           std::to_string(found) + " control cells, fewer than the " + std::to_string(k) +
                           " neighbours asked for: all of them are taken.");
    control.tell(static_cast<double>(s) / screen.n_splits(),
                 "neighbours of " + data::grouped(static_cast<std::int64_t>(queries.size())) + " cells among " +
                     data::grouped(static_cast<std::int64_t>(candidates.size())) + " controls");
    const double n_splits = screen.n_splits();
    const auto nearest = nearest_controls(points.values, points.dims, candidates, queries, found, *backend,
                                          part(control, s / n_splits, (s + 1) / n_splits));
    for (std::size_t q = 0; q < queries.size(); ++q)
      std::copy_n(nearest.begin() + static_cast<std::ptrdiff_t>(q) * found, found,
                  out.neighbours_.begin() + queries[q] * k);
  }
  out.add_notes(backend->notes());
  out.prepare(control);
  return out;
}

Signature Signature::of_neighbours(std::shared_ptr<const Expression> x, int k, std::vector<std::int32_t> neighbours) {
  Signature out;
  out.n_cells_ = x->n_cells();
  out.n_genes_ = x->n_genes();
  out.x_ = std::move(x);
  out.k_ = k;
  out.neighbours_ = std::move(neighbours);
  out.prepare({});
  return out;
}

void Signature::prepare(const RunControl& control) {
  candidate_.assign(static_cast<std::size_t>(n_cells_), 0);
  for (const std::int32_t row : neighbours_)
    if (row >= 0) candidate_[row] = 1;
  linear_at_.assign(static_cast<std::size_t>(n_cells_), -1);
  linear_.clear();
  for (std::int64_t i = 0; i < n_cells_; ++i) {
    if (candidate_[i] == 0) continue;
    if (i % 256 == 0) control.check();
    linear_at_[i] = static_cast<std::int64_t>(linear_.size());
    for (const double value : x_->cell(i).value) linear_.push_back(std::expm1(value));
  }
}

Signature Signature::by_split_mean(std::shared_ptr<const Expression> x, const Screen& screen,
                                   const RunControl& control) {
  if (!screen.has_split)
    throw Error(ErrorCode::BadInput, "The signature mode split_by needs a column of groups.",
                "Choose one (--split), or the mode nn.");
  const auto controls = controls_by_split(screen, "to take the mean of");
  Signature out;
  out.n_cells_ = x->n_cells();
  out.n_genes_ = x->n_genes();
  out.split_ = screen.split.code;
  out.mean_.assign(static_cast<std::size_t>(screen.n_splits() * out.n_genes_), 0);
  for (std::int32_t s = 0; s < screen.n_splits(); ++s) {
    double* const mean = out.mean_.data() + s * out.n_genes_;
    for (std::size_t j = 0; j < controls[s].size(); ++j) {
      if (j % 256 == 0) control.check();
      const auto row = x->cell(controls[s][j]);
      for (std::size_t e = 0; e < row.index.size(); ++e) mean[row.index[e]] += row.value[e];
    }
    for (std::int64_t g = 0; g < out.n_genes_; ++g) mean[g] /= static_cast<double>(controls[s].size());
  }
  out.x_ = std::move(x);
  return out;
}

Signature Signature::of_values(std::int64_t n_cells, std::int64_t n_genes, std::vector<double> values) {
  Signature out;
  out.n_cells_ = n_cells;
  out.n_genes_ = n_genes;
  out.values_ = std::move(values);
  return out;
}

/// Column `column` of `out`. @param own, reference  zeros, one a cell; zeros again afterwards
void Signature::fill_column(std::span<const std::int64_t> cells, std::int64_t gene, std::size_t column,
                            std::size_t width, std::vector<double>& own, std::vector<double>& reference,
                            std::vector<double>& out) const {
  const auto entries = x_->gene(gene);
  for (std::size_t e = 0; e < entries.index.size(); ++e) {
    const std::uint32_t cell = entries.index[e];
    own[cell] = entries.value[e];
    if (!neighbours_.empty() && candidate_[cell] != 0) reference[cell] = std::expm1(entries.value[e]);
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::int64_t cell = cells[i];
    double of_controls = nan;
    if (neighbours_.empty()) {
      if (split_[cell] >= 0) of_controls = mean_[split_[cell] * n_genes_ + gene];
    } else {
      double sum = 0;
      int found = 0;
      for (const std::int32_t* row = neighbours_.data() + cell * k_; found < k_ && row[found] >= 0; ++found)
        sum += reference[row[found]];
      if (found > 0) of_controls = sum == 0 ? 0 : std::log1p(sum / found);
    }
    out[i * width + column] = of_controls - own[cell];
  }
  for (const std::uint32_t cell : entries.index) own[cell] = reference[cell] = 0;
}

std::vector<double> Signature::columns(std::span<const std::int64_t> cells, std::span<const std::int64_t> genes,
                                       int threads, const RunControl& control) const {
  std::vector<double> out(cells.size() * genes.size());
  if (!values_.empty()) {
    for (std::size_t i = 0; i < cells.size(); ++i)
      for (std::size_t j = 0; j < genes.size(); ++j)
        out[i * genes.size() + j] = values_[cells[i] * n_genes_ + genes[j]];
    return out;
  }
  compute::parallel_for(static_cast<std::int64_t>(genes.size()), genes_a_piece, threads,
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          std::vector<double> own(static_cast<std::size_t>(n_cells_), 0), reference(own);
                          for (std::int64_t j = first; j < last; ++j) {
                            control.check();
                            fill_column(cells, genes[j], static_cast<std::size_t>(j), genes.size(), own, reference,
                                        out);
                          }
                        });
  return out;
}

/// All genes of one cell. @param sum  zeros, one a gene; zeros again afterwards
void Signature::fill_row(std::int64_t cell, std::span<double> out) const {
  if (!values_.empty()) {
    std::copy_n(values_.begin() + cell * n_genes_, n_genes_, out.begin());
    return;
  }
  if (neighbours_.empty()) {
    if (split_[cell] < 0)
      std::fill(out.begin(), out.end(), nan);
    else
      std::copy_n(mean_.begin() + split_[cell] * n_genes_, n_genes_, out.begin());
  } else {
    std::fill(out.begin(), out.end(), 0.0);
    int found = 0;
    for (const std::int32_t* row = neighbours_.data() + cell * k_; found < k_ && row[found] >= 0; ++found) {
      const auto entries = x_->cell(row[found]);
      const double* const linear = linear_.data() + linear_at_[row[found]];
      for (std::size_t e = 0; e < entries.index.size(); ++e) out[entries.index[e]] += linear[e];
    }
    for (double& value : out) value = found == 0 ? nan : value == 0 ? 0 : std::log1p(value / found);
  }
  const auto own = x_->cell(cell);
  for (std::size_t e = 0; e < own.index.size(); ++e) out[own.index[e]] -= own.value[e];
}

std::vector<double> Signature::rows(std::int64_t first, std::int64_t last, int threads,
                                    const RunControl& control) const {
  std::vector<double> out(static_cast<std::size_t>((last - first) * n_genes_));
  compute::parallel_for(last - first, cells_a_piece, threads, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
    control.check();
    for (std::int64_t i = begin; i < end; ++i)
      fill_row(first + i,
               std::span(out).subspan(static_cast<std::size_t>(i * n_genes_), static_cast<std::size_t>(n_genes_)));
  });
  return out;
}

Signature make_signature(std::shared_ptr<const Expression> x, const data::Dataset& dataset, const Screen& screen,
                         const SignatureOptions& options, const RunControl& control) {
  std::vector<std::string> notes;
  if (const auto empty = std::count(x->total().begin(), x->total().end(), 0.0); empty > 0)
    notes.push_back(data::grouped(empty) + (empty == 1 ? " cell has" : " cells have") +
                    " no counts, which looks like a strong perturbation: leave such cells out.");
  Signature out;
  if (options.reference == Reference::SplitMean) {
    out = Signature::by_split_mean(std::move(x), screen, control);
  } else {
    controls_by_split(screen, "to be compared with");  // before the components are looked for
    const Points points = points_of(dataset, *x, options, control);
    const std::int64_t n_genes = x->n_genes();
    out = Signature::by_neighbours(std::move(x), screen, points, options, control);
    if (points.name == "X" && points.dims < n_genes)
      notes.push_back("Neighbours were looked for in the first " + std::to_string(points.dims) + " of " +
                      data::grouped(n_genes) + " genes (--n-dims).");
    if (options.representation.empty() && points.name != "X" && points.name != "principal components")
      notes.push_back("Neighbours were looked for in the file's " + points.name +
                      " (representation pca: in components made here).");
  }
  out.add_notes(notes);
  return out;
}

}  // namespace scriptorium::perturbation
