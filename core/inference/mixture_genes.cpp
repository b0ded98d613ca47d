#include "core/inference/mixture_genes.hpp"

#include <algorithm>
#include <cmath>

#include "core/inference/gene_descent.hpp"
#include "core/inference/newton_pieces.hpp"
#include "core/inference/objective_pieces.hpp"

namespace scriptorium::inference {

SharedGene::SharedGene(std::span<Objective* const> parts, const GeneLayout& layout)
    : parts_(parts), layout_(layout), scratch_(parts.size()), nodes_(parts.size()) {
  for (auto* evaluation : {&now_, &next_}) {
    evaluation->terms.resize(parts.size());
    evaluation->gradient.resize(layout.block_size());
  }
}

void SharedGene::take(std::int64_t gene) {
  gene_ = gene;
  tried_.clear();
  for (std::size_t k = 0; k < parts_.size(); ++k)
    if (parts_[k]->visits_nonzeros()) parts_[k]->gather_gene(gene, scratch_[k]);
}

std::array<double, 6> SharedGene::of_part(std::span<const double> at, std::size_t part) const {
  std::array<double, 6> out{};
  const std::size_t own = layout_.own.size(), shared = at.size() - layout_.shared.size();
  for (std::size_t i = 0; i < own; ++i) out[layout_.own[i]] = at[part * own + i];
  for (std::size_t i = 0; i < layout_.shared.size(); ++i) out[layout_.shared[i]] = at[shared + i];
  return out;
}

void SharedGene::put_part(std::size_t part, const std::array<double, 6>& from, std::span<double> at) const {
  const std::size_t own = layout_.own.size(), shared = at.size() - layout_.shared.size();
  for (std::size_t i = 0; i < own; ++i) at[part * own + i] = from[layout_.own[i]];
  for (std::size_t i = 0; i < layout_.shared.size(); ++i) at[shared + i] = from[layout_.shared[i]];
}

double SharedGene::loss_at(std::span<const double> at, Evaluation& out) {
  const std::size_t own = layout_.own.size(), corner = at.size() - layout_.shared.size();
  double loss = 0;
  std::fill(out.gradient.begin(), out.gradient.end(), 0.0);
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    const auto its = of_part(at, k);
    const double part = parts_[k]->gene_loss(gene_, its.data(), nodes_[k].data(), scratch_[k], out.terms[k]);
    if (!std::isfinite(part)) return part;
    loss += part;
    const auto& gradient = out.terms[k].gradient;
    for (std::size_t i = 0; i < own; ++i) out.gradient[k * own + i] = gradient[layout_.own[i]];
    for (std::size_t i = 0; i < layout_.shared.size(); ++i) out.gradient[corner + i] += gradient[layout_.shared[i]];
  }
  // The divergences of what is shared were counted once a component.
  const double extra = static_cast<double>(parts_.size()) - 1;
  const std::size_t size = parts_.front()->gene_size();
  auto& block = out.terms[0].block;
  for (std::size_t i = 0; i < layout_.shared.size(); i += 2) {
    const std::size_t a = layout_.shared[i];
    const auto d = parts_.front()->problem().gene_sites[a / 2].divergence(at[corner + i], at[corner + i + 1], 0);
    loss -= extra * d.value;
    for (std::size_t b = 0; b < 2; ++b) out.gradient[corner + i + b] -= extra * d.gradient[b];
    block[a * size + a] -= extra * d.hessian[0];
    block[a * size + a + 1] -= extra * d.hessian[1];
    block[(a + 1) * size + a] -= extra * d.hessian[1];
    block[(a + 1) * size + a + 1] -= extra * d.hessian[2];
  }
  return loss;
}

double SharedGene::move_to(std::span<const double> at) {
  at_.assign(at.begin(), at.end());
  bool changed = false;
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    Nodes nodes{};
    parts_[k]->choose_gene_nodes(of_part(at, k).data(), nodes.data());
    changed = changed || nodes != nodes_[k];
    nodes_[k] = nodes;
  }
  if (!changed && at_ == tried_) {  // where it has just been
    std::swap(now_, next_);
    tried_.clear();
    return found_;
  }
  tried_.clear();
  return loss_at(at, now_);
}

double SharedGene::try_at(std::span<const double> at) {
  tried_.assign(at.begin(), at.end());
  return found_ = loss_at(at, next_);
}

void SharedGene::newton_step(std::span<double> step) const {
  using namespace newton;
  const auto own = static_cast<Eigen::Index>(layout_.own.size()),
             shared = static_cast<Eigen::Index>(layout_.shared.size()),
             size = static_cast<Eigen::Index>(parts_.front()->gene_size());
  const auto pick = [&](const Objective::GeneTerm& term, const auto& rows, const auto& columns) {
    Block out(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(columns.size()));
    for (Eigen::Index a = 0; a < out.rows(); ++a)
      for (Eigen::Index b = 0; b < out.cols(); ++b)
        out(a, b) = term.block[rows[static_cast<std::size_t>(a)] * static_cast<std::size_t>(size) +
                               columns[static_cast<std::size_t>(b)]];
    return out;
  };
  const Eigen::Map<const Eigen::VectorXd> gradient(now_.gradient.data(),
                                                   static_cast<Eigen::Index>(now_.gradient.size()));
  // Own blocks are eliminated: solved[k] = A⁻¹ [−g, B].
  std::vector<Rows> solved(parts_.size());
  Block corner = Block::Zero(shared, shared);
  Rows right = -gradient.tail(shared);
  bool mended = false;
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    const auto& term = now_.terms[k];
    corner += pick(term, layout_.shared, layout_.shared);
    if (own == 0) continue;
    const Block border = pick(term, layout_.own, layout_.shared);
    Rows r(own, 1 + shared);
    r.col(0) = -gradient.segment(static_cast<Eigen::Index>(k) * own, own);
    r.rightCols(shared) = border;
    solved[k] = solve_block(pick(term, layout_.own, layout_.own), r, mended);
    corner -= border.transpose() * solved[k].rightCols(shared);
    right -= border.transpose() * solved[k].col(0);
  }
  Eigen::Map<Eigen::VectorXd> out(step.data(), static_cast<Eigen::Index>(step.size()));
  const Rows common = solve_block(corner, right, mended);
  out.tail(shared) = common;
  for (std::size_t k = 0; own > 0 && k < parts_.size(); ++k)
    out.segment(static_cast<Eigen::Index>(k) * own, own) =
        solved[k].col(0) - solved[k].rightCols(shared) * common.col(0);

  const auto& sites = parts_.front()->problem().gene_sites;
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    const auto at = of_part(at_, k);
    auto its = of_part(step, k);
    for (std::size_t s = 0; s < sites.size(); ++s) keep_site_inside(sites[s], &at[2 * s], &its[2 * s]);
    put_part(k, its, step);
  }
}

void SharedGene::set_nodes(std::span<const double> at) {
  for (std::size_t k = 0; k < parts_.size(); ++k) parts_[k]->set_gene_nodes(gene_, of_part(at, k).data());
}

/// The posterior of a gene at points of its shared sites, each component at the best of its own there.
struct SharedGene::Sight {
  std::vector<Axes> axes;                   ///< parts
  std::vector<std::vector<double>> height;  ///< parts: at all points of their axes
  std::array<bool, 3> shared{};             ///< sites
  Axes profile_axes;                        ///< one point on the axes of own sites
  std::vector<double> profile;

  /// A part's best place where the shared sites are at `place`.
  GridPlace best(std::size_t part, const GridPlace& place) const {
    const Axes& a = axes[part];
    const Relief relief{a, height[part]};
    GridPlace low = place, high = place, out = place;
    for (std::size_t s = 0; s < 3; ++s)
      if (!shared[s]) low[s] = out[s] = 0, high[s] = a.size[s] - 1;
    for (auto i = low[0]; i <= high[0]; ++i)
      for (auto j = low[1]; j <= high[1]; ++j)
        for (auto k = low[2]; k <= high[2]; ++k)
          if (relief.at({i, j, k}) > relief.at(out)) out = {i, j, k};
    return out;
  }
};

SharedGene::Sight SharedGene::look(std::span<const double> at) {
  Sight out;
  for (const std::size_t a : layout_.shared) out.shared[a / 2] = true;
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    Axes axes = parts_[k]->gene_axes(of_part(at, k).data());
    for (std::size_t s = 0; k > 0 && s < axes.used; ++s)
      if (out.shared[s]) axes.low[s] = out.axes[0].low[s];
    std::array<bool, 3> with_prior{};
    for (std::size_t s = 0; s < 3; ++s) with_prior[s] = k == 0 || !out.shared[s];
    parts_[k]->gene_relief(gene_, axes, with_prior, scratch_[k]);
    out.axes.push_back(axes);
    out.height.push_back(scratch_[k].f);
  }
  out.profile_axes = out.axes[0];
  for (std::size_t s = 0; s < out.profile_axes.used; ++s)
    if (!out.shared[s]) out.profile_axes.size[s] = 1;
  const auto& size = out.profile_axes.size;
  for (std::size_t i = 0; i < size[0]; ++i)
    for (std::size_t j = 0; j < size[1]; ++j)
      for (std::size_t k = 0; k < size[2]; ++k) {
        double sum = 0;
        for (std::size_t part = 0; part < parts_.size(); ++part)
          sum += Relief{out.axes[part], out.height[part]}.at(out.best(part, {i, j, k}));
        out.profile.push_back(sum);
      }
  return out;
}

double SharedGene::improve(std::span<double> at) {
  const auto& sites = parts_.front()->problem().gene_sites;
  const double before = move_to(at);
  const Sight sight = look(at);
  const auto common = of_part(at, 0);
  GridPlace now{};
  for (std::size_t s = 0; s < sites.size(); ++s)
    if (sight.shared[s]) now[s] = sight.profile_axes.nearest(s, sites[s].read(common[2 * s]));
  const auto found = summits_of({sight.profile_axes, sight.profile}, now, hopeless_summit);

  std::vector<double> best(at.begin(), at.end()), here = best;
  double least = before;
  const auto keep = [&](double loss) {
    if (!(loss < least)) return;
    least = loss;
    best = here;
  };
  const auto go_to = [&](const Summit& summit) {
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      const Top own = top_of({sight.axes[k], sight.height[k]}, sight.best(k, summit.place));
      std::array<double, 6> its{};
      for (std::size_t s = 0; s < sites.size(); ++s)
        parts_[k]->place_site(s, sight.shared[s] ? summit.top : own, &its[2 * s]);
      put_part(k, its, here);
    }
  };
  go_to(found[0]);
  keep(move_to(here));
  for (std::size_t i = 0; found.size() > 1 && i < found.size(); ++i) {
    if (i == 0)
      here = best;
    else
      go_to(found[i]);
    keep(descend(*this, std::span(here), 1e-6, i == 0 ? INFINITY : least));
  }
  if (!(least < before)) return 0;
  std::copy(best.begin(), best.end(), at.begin());
  return before - least;
}

}  // namespace scriptorium::inference
