#include <optional>

#include "core/error.hpp"
#include "core/perturbation/cross_groups.hpp"
#include "core/perturbation/de_lists.hpp"
#include "core/perturbation/programs.hpp"
#include "core/perturbation/set_tests.hpp"
#include "core/perturbation/tables.hpp"
#include "core/perturbation/target_clusters.hpp"
#include "perturb.hpp"

namespace scriptorium::cli {

using namespace perturbation;

namespace {

struct ProgramWords {
  std::vector<std::string> z;
  std::string out, members;
  Common common;
  CleanOptions clean;
  PcaTestOptions pca;
  ProgramOptions genes;
  CrossOptions cross;
  double height = 0.6;
  bool whole = false, each = false;
};

/// Columns that may be a program, and what they are called.
struct Proposal {
  std::string name;
  ZMatrix z;
};

struct ProgramTables {
  report::Table genes, members;
  std::vector<std::string> notes;
};

void add_members(report::Table& members, const std::string& program, const std::string& group,
                 const std::vector<std::string>& targets) {
  report::Table table;
  table.add("program", std::vector<std::string>(targets.size(), program));
  table.add("group", std::vector<std::string>(targets.size(), group));
  table.add("target", targets);
  append(members, std::move(table));
}

/// One matrix: clusters of two targets or more, or all targets.
std::vector<Proposal> within(const ZMatrix& z, const ProgramWords& words, ProgramTables& tables) {
  const std::string before = words.z.size() > 1 ? z.group + " " : "";
  if (words.whole) {
    add_members(tables.members, before + "all", z.group, z.targets);
    return {{before + "all", z}};
  }
  std::vector<Proposal> proposals;
  for (const auto& cluster : cluster_targets(z, words.height).clusters) {
    if (cluster.size() < 2) continue;
    const std::string name = before + "cluster " + std::to_string(proposals.size() + 1);
    proposals.push_back({name, select_columns(z, cluster)});
    add_members(tables.members, name, z.group, proposals.back().z.targets);
  }
  if (proposals.empty())
    tables.notes.push_back("No two targets of " + z.group + " change the same genes; --whole takes all together.");
  return proposals;
}

std::vector<Proposal> across(const std::vector<ZMatrix>& z, const ProgramWords& words, const RunControl& control,
                             ProgramTables& tables) {
  std::vector<Proposal> proposals;
  for (const auto& program : cross_group_programs(z, words.cross, control)) {
    const std::string name = "program " + std::to_string(program.round);
    for (const auto& member : program.members) add_members(tables.members, name, member.group, {member.target});
    for (const auto& group : program.set_aside)
      tables.notes.push_back(group + " took no part in " + name + ": it does not correlate with the other groups.");
    proposals.push_back({name, joined(z, program)});
  }
  if (proposals.empty()) tables.notes.emplace_back("The groups share no program; --each looks at them one by one.");
  return proposals;
}

void add_genes(const Proposal& proposal, const ProgramWords& words, const RunControl& control, ProgramTables& tables) {
  PcaTestOptions options = words.pca;
  options.threads = words.common.threads;
  std::vector<Program> programs;
  try {
    programs = programs_of(pca_permutation_test(proposal.z, options, control), words.genes);
  } catch (const Error& error) {
    tables.notes.push_back(proposal.name + ": " + error.what());
  }
  for (const auto& one : programs) {
    std::vector<std::string> gene = one.up, direction(one.up.size(), "up");
    std::vector<double> score = one.up_score;
    gene.insert(gene.end(), one.down.begin(), one.down.end());
    direction.resize(gene.size(), "down");
    score.insert(score.end(), one.down_score.begin(), one.down_score.end());
    if (gene.empty())
      tables.notes.push_back(proposal.name + ", component " + std::to_string(one.component) +
                             ": no gene stands out from permutations.");
    report::Table table;
    table.add("program", std::vector<std::string>(gene.size(), proposal.name));
    table.add("component", std::vector<std::int64_t>(gene.size(), one.component));
    table.add("share_of_variance", std::vector<double>(gene.size(), one.share));
    table.add("direction", std::move(direction));
    table.add("gene", std::move(gene));
    table.add("score", std::move(score));
    append(tables.genes, std::move(table));
  }
}

void run_programs(const ProgramWords& words) {
  if (words.whole && words.z.size() > 1 && !words.each)
    throw UsageError("--whole is for one matrix; give --each too to take several one by one");
  for (const auto& path : words.z)
    for (const auto& out : {words.out, words.members}) keep_inputs(out, {path});
  ProgramTables tables;
  {
    const auto control = words.common.control();
    std::vector<ZMatrix> z;
    for (const auto& path : words.z) z.push_back(read_z_table(path));
    const std::size_t before = z.size();
    z = clean(std::move(z), words.clean);
    if (z.size() < before) tables.notes.emplace_back("Matrices with fewer than two targets were left out.");
    std::vector<Proposal> proposals;
    if (z.size() > 1 && !words.each) {
      proposals = across(z, words, control, tables);
    } else {
      for (const auto& one : z)
        for (auto& proposal : within(one, words, tables)) proposals.push_back(std::move(proposal));
    }
    for (const auto& proposal : proposals) add_genes(proposal, words, control, tables);
  }
  write(tables.genes, words.out);
  if (!words.members.empty()) write(tables.members, words.members);
  tell(tables.notes);
}

void add_programs(CLI::App& perturb) {
  auto words = std::make_shared<ProgramWords>();
  auto* command = perturb.add_subcommand("programs", "Genes that answer several perturbations together");
  command->add_option("Z", words->z, "Z matrices of `perturb de --z`: one, or one for each group of cells")
      ->required()
      ->check(CLI::ExistingFile);
  add_table_output(*command, words->out);
  command->add_option("--members", words->members, "also a table of the targets of each program");
  command->add_flag("--whole", words->whole, "all targets as one program, no clusters");
  command->add_flag("--each", words->each, "several matrices: each by itself, not what they share");
  command->add_option("--height", words->height, "clusters: 1 − |correlation| with the central target, at most")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--components", words->pca.components.number, "components of each program")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  auto* share = command->add_option("--share", words->pca.components.share,
                                    "instead of a number: components that explain this share of the variance each");
  share->check(CLI::Range(0.0, 1.0));
  auto* cumulative = command->add_option("--cumulative-share", words->pca.components.cumulative_share,
                                         "instead of a number: components that explain this share together");
  cumulative->check(CLI::Range(0.0, 1.0))->excludes(share);
  command->add_option("--permutations", words->pca.permutations, "of every column")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--seed", words->pca.seed, "same seed, same numbers")->check(whole_number)->capture_default_str();
  command->add_option("--row-p", words->pca.row_p, "genes whose p is above this for every target are left out")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--cap", words->clean.cap, "|z| is cut there")->check(positive_number)->capture_default_str();
  command->add_flag("--mask-target", words->clean.mask_target, "the target's own gene counts as 0");
  command->add_option("--min-sig", words->clean.min_sig, "targets with fewer clear genes are left out")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->add_option("--rounds", words->cross.rounds, "several matrices: programs, at most")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--penalty", words->cross.penalty,
                   "several matrices: bound on the sum of |weights| of a group's targets; 0: none")
      ->check(number_from_zero)
      ->capture_default_str();
  words->common.add_to(*command);
  command->footer(
      "One matrix: targets are clustered (minimax linkage of 1 − |correlation|), and clusters of two or more are "
      "programs.\nSeveral: targets whose changes go along across groups (sparse multi-set canonical correlations). "
      "Genes of a program:\nfar out on a principal component against permuted matrices, and clear in some target.\n"
      "Columns: program, component, share_of_variance, direction (up: higher in perturbed cells), gene, score.");
  command->callback([words, share, cumulative] {
    if (*share || *cumulative) words->pca.components.number = 0;
    run_programs(*words);
  });
}

struct SetWords {
  std::string sets, de, up, down, list, background, method = "fisher", out;
  Common common;
  ListOptions lists;
  RankOptions rank;
  bool no_ease = false;
};

std::vector<DeList> lists_of(const SetWords& words, const RunControl& control) {
  std::vector<DeList> lists;
  if (!words.de.empty()) lists = read_de_lists(words.de, words.lists, control);
  const auto background = names_of("--background", "genes", words.background);
  if (!background.empty())
    for (auto& list : lists) list.background = background;
  for (const auto& [flag, text, up] : {std::tuple{"--up", &words.up, true}, std::tuple{"--down", &words.down, false},
                                       std::tuple{"--list", &words.list, true}})
    if (!text->empty())
      lists.push_back(
          {"", flag == std::string("--list") ? "list" : "", up, names_of(flag, "genes", *text), background});
  return lists;
}

void run_sets(const SetWords& words) {
  keep_inputs(words.out, {words.sets, words.de, words.up, words.down, words.list, words.background});
  if (words.de.empty() && words.up.empty() && words.down.empty() && words.list.empty())
    throw UsageError("there are no genes to test: give --de TABLE, or --up, --down or --list");
  const bool fisher = words.method == "fisher";
  if (fisher && words.de.empty() && words.background.empty())
    throw UsageError("Fisher's test needs --background: the genes that could have been on the list");
  report::Table all;
  std::vector<std::string> notes;
  {
    const auto control = words.common.control();
    const auto sets = read_gmt(words.sets);
    const auto lists = lists_of(words, control);
    if (lists.empty())
      notes.push_back("No target has " + std::to_string(words.lists.least) +
                      " genes that go one way: nothing is tested.");
    RankOptions rank = words.rank;
    rank.threads = words.common.threads;
    for (const auto& list : lists) {
      control.check();
      append(all, with_list(list, fisher ? fisher_table(fisher_tests(list.genes, list.background, sets,
                                                                     {.ease = !words.no_ease}))
                                         : rank_table(rank_tests(list.genes, sets, rank, control))));
    }
  }
  write(all, words.out);
  tell(notes);
}

void add_sets(CLI::App& perturb) {
  auto words = std::make_shared<SetWords>();
  auto* command = perturb.add_subcommand("sets", "Sets of genes (pathways, other screens) in lists of changed genes");
  command->add_option("--sets", words->sets, "GMT file: a name, a description and genes on each line")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--de", words->de, "table of `perturb de` or `perturb markers`: up and down of each target")
      ->check(CLI::ExistingFile);
  command->add_option("--up", words->up, "genes: separated by commas, or a file with one a line; best first");
  command->add_option("--down", words->down, "likewise");
  command->add_option("--list", words->list, "likewise, without a direction");
  command->add_option("--background", words->background,
                      "genes that could have been on a list; default: those that the table of --de tested");
  command->add_option("--method", words->method, "fisher: over-represented? rbo: in the same order?")
      ->transform(one_of({"fisher", "rbo"}))
      ->capture_default_str();
  command->add_flag("--no-ease", words->no_ease, "fisher: the plain test, without taking a gene from the overlap");
  command->add_option("--p-adj", words->lists.p_adj, "--de: adjusted p of a gene, at most")
      ->check(positive_number)
      ->capture_default_str();
  command->add_option("--log2fc", words->lists.log2fc, "--de: |log2 fold change| of a gene, above")
      ->check(number_from_zero)
      ->capture_default_str();
  command->add_option("--least", words->lists.least, "--de: shorter lists are left out")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--rbo-p", words->rank.p, "rbo: near 1, deep ranks count")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--depth", words->rank.depth, "rbo: ranks that are looked at")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--permutations", words->rank.permutations, "rbo: random orders of the list")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  command->add_flag("--empirical", words->rank.empirical, "rbo: count permutations instead of a normal's tail");
  command->add_option("--seed", words->rank.seed, "rbo: same seed, same numbers")
      ->check(whole_number)
      ->capture_default_str();
  add_table_output(*command, words->out);
  words->common.add_to(*command);
  command->footer(
      "Fisher's one-sided test of 2×2 tables; one gene of the overlap is taken away first (DAVID's EASE score). "
      "odds_ratio is the\nconditional maximum-likelihood estimate, combined_score −ln(p) · odds_ratio, p_adj "
      "Benjamini–Hochberg's over the sets of a list.\nrbo: rank-biased overlap, extrapolated; p from random orders of "
      "the list.");
  command->callback([words] { run_sets(*words); });
}

}  // namespace

void add_perturb_genes(CLI::App& perturb) {
  add_perturb_de(perturb);
  add_programs(perturb);
  add_sets(perturb);
}

}  // namespace scriptorium::cli
