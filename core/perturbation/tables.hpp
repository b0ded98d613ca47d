#pragma once
#include "core/perturbation/chain.hpp"
#include "core/perturbation/de_lists.hpp"
#include "core/perturbation/set_tests.hpp"
#include "core/report/table.hpp"

/// The numbers of each step as tables: what the command line writes and the window shows.
namespace scriptorium::perturbation {

/// Columns target, split (where groups were tested apart), gene, z, p, p_adj, log2fc, pct_target, pct_control, selected
/// (rank among the target's markers from 1, missing: none).
report::Table marker_table(const Screen& screen, const std::vector<MarkerTable>& tables,
                           const std::vector<std::vector<std::int64_t>>& selected, std::int32_t split);
/// The rows of one target, in the order of its genes. @param split  −1: groups were not tested apart
report::Table marker_table(const Screen& screen, std::int32_t target, const MarkerTable& tested,
                           const std::vector<std::int64_t>& selected, std::int32_t split);
/// Genes by rising p, equal ones as they stood.
MarkerTable by_rising_p(const MarkerTable& tested);
/// Rows of `more` behind those of `table`, which has the same columns or none yet.
void append(report::Table& table, report::Table more);
/// One row a cell: cell, target, guide, split, `score_column`.
report::Table score_table(const std::vector<std::string>& cells, const Screen& screen, const Scores& scores,
                          const std::string& score_column);
/// One row a cell of a target and group: target, split, cell, is_target, pvec, then standardised `score`.
report::Table projection_table(const std::vector<std::string>& cells, const Screen& screen, const Scores& scores);
/// One row a cell: cell, target, guide, split, mixscape_class, mixscape_class_global, mixscape_class_p_ko, and pvec of
/// the first round (missing where there is none).
report::Table call_table(const std::vector<std::string>& cells, const Screen& screen, const Calls& calls,
                         const std::string& class_column);
/// Column of the posterior: "mixscape_class_p_ko".
std::string posterior_column(const std::string& class_column, const Calls& calls);
/// One row a cell: cell, target, lda_1, ….
report::Table discriminant_table(const std::vector<std::string>& cells, const Screen& screen,
                                 const Discriminant& found);
/// One row a target: target, verdict, reason, cells, guides, markers, perturbed, share_perturbed, mean_score, auc,
/// log2fc_own, p_own, guide_p_adj.
report::Table target_table(const Screen& screen, const std::vector<TargetSummary>& targets);
/// One row a guide: target, guide, cells, perturbed, share_perturbed, mean_score.
report::Table guide_table(const Screen& screen, const std::vector<TargetSummary>& targets);

/// One row a set: set, overlap, in_list, set_in_background, set_size, odds_ratio, p, p_adj, combined_score, genes (of
/// the overlap, with ";" between).
report::Table fisher_table(const std::vector<FisherResult>& results);
/// One row a set: set, overlap, set_size, rbo, p, p_adj.
report::Table rank_table(const std::vector<RankResult>& results);
/// Columns target, group and direction before those of a list's table: "up" or "down", and empty where the list is not
/// of a target and has no direction.
report::Table with_list(const DeList& list, report::Table table);

}  // namespace scriptorium::perturbation
