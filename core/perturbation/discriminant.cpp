#include "core/perturbation/discriminant.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/compute/parallel.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"
#include "core/perturbation/target_components.hpp"

namespace scriptorium::perturbation {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// x of `cells`, centred by gene over them, on the loadings (genes × columns): cells × columns.
RowMajor projected(const Expression& x, std::span<const std::int64_t> cells, const std::vector<double>& mean,
                   const RowMajor& loadings, int threads, const RunControl& control) {
  const Eigen::RowVectorXd shift = Eigen::Map<const Eigen::RowVectorXd>(mean.data(), x.n_genes()) * loadings;
  RowMajor out(static_cast<Eigen::Index>(cells.size()), loadings.cols());
  compute::parallel_for(out.rows(), 64, threads, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    control.check();
    for (std::int64_t i = first; i < last; ++i) {
      const auto row = x.cell(cells[static_cast<std::size_t>(i)]);
      out.row(i) = -shift;
      for (std::size_t e = 0; e < row.index.size(); ++e) out.row(i) += row.value[e] * loadings.row(row.index[e]);
    }
  });
  return out;
}

std::vector<double> mean_of(const Expression& x, std::span<const std::int64_t> cells) {
  std::vector<double> mean(static_cast<std::size_t>(x.n_genes()), 0);
  for (const std::int64_t cell : cells) {
    const auto row = x.cell(cell);
    for (std::size_t e = 0; e < row.index.size(); ++e) mean[row.index[e]] += row.value[e];
  }
  for (double& one : mean) one /= static_cast<double>(cells.size());
  return mean;
}

/// Products of all pairs of columns of what is left of `x` without the mean of each row's class, each column times
/// `scale`; summed over at most 16 pieces of rows, to be stopped within each.
Eigen::MatrixXd products_within(const Eigen::Map<const RowMajor>& x, const RowMajor& mean,
                                std::span<const std::int32_t> label, const Eigen::RowVectorXd& scale, int threads,
                                const RunControl& control) {
  constexpr Eigen::Index rows_at_a_time = 256;
  const std::int64_t grain = std::max<std::int64_t>(rows_at_a_time, (x.rows() + 15) / 16);
  std::vector<Eigen::MatrixXd> part(static_cast<std::size_t>(compute::pieces(x.rows(), grain)));
  compute::parallel_for(x.rows(), grain, threads, [&](std::int64_t piece, std::int64_t first, std::int64_t last) {
    Eigen::MatrixXd& sum = part[static_cast<std::size_t>(piece)];
    sum.setZero(x.cols(), x.cols());
    RowMajor rows;
    for (Eigen::Index i = first; i < last; i += rows_at_a_time) {
      control.check();
      rows = x.middleRows(i, std::min<Eigen::Index>(rows_at_a_time, last - i));
      for (Eigen::Index j = 0; j < rows.rows(); ++j) rows.row(j) -= mean.row(label[static_cast<std::size_t>(i + j)]);
      rows.array().rowwise() *= scale.array();
      sum.noalias() += rows.transpose() * rows;
    }
  });
  Eigen::MatrixXd out = Eigen::MatrixXd::Zero(x.cols(), x.cols());
  for (const Eigen::MatrixXd& sum : part) out += sum;
  return out;
}

}  // namespace

void to_json(nlohmann::json& json, const DiscriminantOptions& options) {
  json = {{"n_comps", options.components}, {"seed", options.seed}};
}

void from_json(const nlohmann::json& json, DiscriminantOptions& options) {
  const DiscriminantOptions standard;
  options.components = json.value("n_comps", standard.components);
  options.seed = json.value("seed", standard.seed);
}

std::vector<double> linear_discriminant(std::span<const double> values, std::size_t columns,
                                        std::span<const std::int32_t> label, std::int32_t classes,
                                        std::vector<double>* explained, int threads, const RunControl& control) {
  constexpr double least_singular = 1e-4;
  const auto n = static_cast<Eigen::Index>(label.size()), p = static_cast<Eigen::Index>(columns);
  const Eigen::Map<const RowMajor> x(values.data(), n, p);
  RowMajor mean = RowMajor::Zero(classes, p);
  Eigen::VectorXd size = Eigen::VectorXd::Zero(classes);
  for (Eigen::Index i = 0; i < n; ++i) {
    mean.row(label[i]) += x.row(i);
    size[label[i]] += 1;
  }
  for (std::int32_t k = 0; k < classes; ++k) mean.row(k) /= size[k];
  const Eigen::RowVectorXd centre = (size / static_cast<double>(n)).transpose() * mean;

  // Within classes: to sd 1, then to singular values 1, over n. Of the scatter rather than the values: p is small.
  Eigen::RowVectorXd squares = Eigen::RowVectorXd::Zero(p);
  for (Eigen::Index i = 0; i < n; ++i) squares += (x.row(i) - mean.row(label[i])).cwiseAbs2();
  Eigen::RowVectorXd inverse_sd = (squares / static_cast<double>(n)).cwiseSqrt();
  for (double& sd : inverse_sd) sd = sd > 0 ? 1 / sd : 1;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(
      products_within(x, mean, label, inverse_sd, threads, control) / static_cast<double>(n));
  const Eigen::VectorXd singular = eigen.eigenvalues().cwiseMax(0).cwiseSqrt().reverse();
  const Eigen::Index rank = (singular.array() > least_singular).count();
  const Eigen::MatrixXd whiten = inverse_sd.transpose().asDiagonal() *
                                 eigen.eigenvectors().rowwise().reverse().leftCols(rank) *
                                 singular.head(rank).cwiseInverse().asDiagonal();

  // Between classes.
  Eigen::MatrixXd between = mean.rowwise() - centre;
  between.array().colwise() *= (size / static_cast<double>(classes - 1)).array().sqrt();
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(between * whiten, Eigen::ComputeThinV);
  const Eigen::VectorXd& spread = svd.singularValues();
  const Eigen::Index axes = std::min<Eigen::Index>(
      classes - 1, spread.size() == 0 ? 0 : (spread.array() > least_singular * spread[0]).count());
  if (explained) {
    const double all = spread.squaredNorm();
    for (Eigen::Index j = 0; j < axes; ++j) explained->push_back(spread[j] * spread[j] / all);
  }
  const RowMajor out = (x.rowwise() - centre) * (whiten * svd.matrixV().leftCols(axes));
  return {out.data(), out.data() + out.size()};
}

Discriminant discriminant(const Expression& x, std::span<const std::int64_t> cells, std::span<const std::int32_t> label,
                          std::int32_t control_code, std::span<const std::int32_t> targets,
                          const DiscriminantOptions& options, const RunControl& control) {
  std::map<std::int32_t, std::int32_t> class_of;
  for (const std::int32_t one : label) class_of.emplace(one, 0);
  std::int32_t classes = 0;
  for (auto& [code, number] : class_of) number = classes++;
  if (classes < 2 || targets.empty())
    throw Error(ErrorCode::BadInput,
                classes < 2 ? "There is nothing to tell apart: no target has perturbed cells beside the controls."
                            : "No target has marker genes, so there are no directions to tell targets apart by.",
                "Call cells with other thresholds, or leave the discriminant analysis out.");
  if (options.components < 1)
    throw Error(ErrorCode::BadInput, "A discriminant analysis needs at least one component a target.", "Usual are 10.");
  std::vector<std::int64_t> controls;
  std::vector<std::vector<std::int64_t>> own(targets.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (label[i] == control_code) controls.push_back(cells[i]);
    for (std::size_t t = 0; t < targets.size(); ++t)
      if (label[i] == targets[t]) own[t].push_back(cells[i]);
  }
  const auto loadings = target_loadings(x, controls, own, options.components, options.seed, options.threads, control);
  Eigen::Index columns = 0;
  for (const auto& one : loadings) columns += one.cols();
  RowMajor together(x.n_genes(), columns);
  columns = 0;
  for (const auto& one : loadings) {
    together.middleCols(columns, one.cols()) = one;
    columns += one.cols();
  }
  const RowMajor all = projected(x, cells, mean_of(x, cells), together, options.threads, control);
  control.check();

  Discriminant out;
  out.cells.assign(cells.begin(), cells.end());
  out.label.assign(label.begin(), label.end());
  std::vector<std::int32_t> number;
  for (const std::int32_t one : label) number.push_back(class_of.at(one));
  out.coordinates =
      linear_discriminant(std::span(all.data(), static_cast<std::size_t>(all.size())),
                          static_cast<std::size_t>(columns), number, classes, &out.explained, options.threads, control);
  out.axes = static_cast<int>(out.explained.size());
  return out;
}

Discriminant discriminant(const Expression& x, const Screen& screen, const Calls& calls,
                          const DiscriminantOptions& options, const RunControl& control) {
  std::vector<std::int64_t> cells, perturbed(static_cast<std::size_t>(screen.n_targets()), 0);
  std::vector<std::int32_t> label, targets;
  for (std::int64_t i = 0; i < screen.n_cells; ++i) {
    if (calls.state[i] != CellState::Perturbed && calls.state[i] != CellState::Control) continue;
    cells.push_back(i);
    label.push_back(screen.target.code[i]);
    ++perturbed[label.back()];
  }
  for (const GroupCall& group : calls.groups)
    if (!group.markers.empty() && perturbed[group.target] > 0 && (targets.empty() || targets.back() != group.target))
      targets.push_back(group.target);
  control.tell(-1, "telling " + data::grouped(static_cast<std::int64_t>(targets.size())) + " targets apart");
  return discriminant(x, cells, label, screen.control, targets, options, control);
}

}  // namespace scriptorium::perturbation
