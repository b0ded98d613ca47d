#include <algorithm>
#include <unordered_set>

#include "core/error.hpp"
#include "core/perturbation/de_lists.hpp"
#include "core/perturbation/jobs.hpp"
#include "core/perturbation/program_search.hpp"
#include "core/perturbation/set_tests.hpp"
#include "core/perturbation/tables.hpp"
#include "perturb.hpp"

namespace scriptorium::cli {

using namespace perturbation;

namespace {

struct ProgramWords {
  std::vector<std::string> z;
  std::string out, members;
  Common common;
  ProgramSearchOptions search;
};

void run_programs(const ProgramWords& words) {
  ProgramSearchOptions options = words.search;
  if (options.whole && words.z.size() > 1 && !options.each)
    throw UsageError("--whole is for one matrix; give --each too to take several one by one");
  for (const auto& path : words.z)
    for (const auto& out : {words.out, words.members}) keep_inputs(out, {path});
  ProgramSearch found;
  {
    const auto control = words.common.control();
    options.pca.threads = words.common.threads;
    std::vector<ZMatrix> z;
    for (const auto& path : words.z) z.push_back(read_z_table(path));
    found = find_programs(std::move(z), options, control);
    if (found.programs.empty() && !found.z.empty())
      found.notes.emplace_back(found.clusters.empty() ? "--each looks at the groups one by one."
                                                      : "--whole takes all targets together.");
  }
  write(program_table(found), words.out);
  if (!words.members.empty()) write(member_table(found), words.members);
  tell(found.notes);
}

void add_programs(CLI::App& perturb) {
  auto words = std::make_shared<ProgramWords>();
  auto* command = perturb.add_subcommand("programs", "Genes that answer several perturbations together");
  command->add_option("Z", words->z, "Z matrices of `perturb de --z`: one, or one for each group of cells")
      ->required()
      ->check(CLI::ExistingFile);
  add_table_output(*command, words->out);
  command->add_option("--members", words->members, "also a table of the targets of each program");
  command->add_flag("--whole", words->search.whole, "all targets as one program, no clusters");
  command->add_flag("--each", words->search.each, "several matrices: each by itself, not what they share");
  command->add_option("--height", words->search.height, "clusters: 1 − |correlation| with the central target, at most")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--components", words->search.pca.components.number, "components of each program")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  auto* share = command->add_option("--share", words->search.pca.components.share,
                                    "instead of a number: components that explain this share of the variance each");
  share->check(CLI::Range(0.0, 1.0));
  auto* cumulative = command->add_option("--cumulative-share", words->search.pca.components.cumulative_share,
                                         "instead of a number: components that explain this share together");
  cumulative->check(CLI::Range(0.0, 1.0))->excludes(share);
  command->add_option("--permutations", words->search.pca.permutations, "of every column")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--seed", words->search.pca.seed, "same seed, same numbers")
      ->check(whole_number)
      ->capture_default_str();
  command->add_option("--row-p", words->search.pca.row_p, "genes whose p is above this for every target are left out")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--cap", words->search.clean.cap, "|z| is cut there")
      ->check(positive_number)
      ->capture_default_str();
  command->add_flag("--mask-target", words->search.clean.mask_target, "the target's own gene counts as 0");
  command->add_option("--min-sig", words->search.clean.min_sig, "targets with fewer clear genes are left out")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->add_option("--rounds", words->search.cross.rounds, "several matrices: programs, at most")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--penalty", words->search.cross.penalty,
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
    if (*share || *cumulative) words->search.pca.components.number = 0;
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

std::size_t missing_from(const std::vector<std::string>& background, const std::vector<std::string>& genes) {
  const std::unordered_set<std::string> known(background.begin(), background.end());
  return static_cast<std::size_t>(
      std::count_if(genes.begin(), genes.end(), [&](const std::string& gene) { return !known.contains(gene); }));
}

void run_sets(const SetWords& words) {
  keep_inputs(words.out, {words.sets, words.de, words.up, words.down, words.list, words.background});
  const bool fisher = words.method == "fisher",
             own_lists = !words.up.empty() || !words.down.empty() || !words.list.empty();
  if (words.de.empty() && !own_lists)
    throw UsageError("there are no genes to test: give --de TABLE, or --up, --down or --list");
  if (fisher && own_lists && words.background.empty())
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
    if (!fisher && !words.rank.empirical)
      notes.emplace_back(
          "p is the tail of a normal distribution, which is too small for sets with little overlap; "
          "--empirical counts permutations instead.");
    RankOptions rank = words.rank;
    rank.threads = words.common.threads;
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const DeList& list = lists[i];
      const auto share = [&](std::size_t done) {
        return static_cast<double>(done) / static_cast<double>(lists.size());
      };
      const RunControl here = part(control, share(i), share(i + 1));
      here.check();
      if (const auto unknown = fisher && list.target.empty() ? missing_from(list.background, list.genes) : 0;
          unknown > 0)
        notes.push_back(std::to_string(unknown) + " of " + std::to_string(list.genes.size()) +
                        " genes of a list are not in the background and are left out.");
      append(all, with_list(list, fisher ? fisher_table(fisher_tests(list.genes, list.background, sets,
                                                                     {.ease = !words.no_ease}, here))
                                         : rank_table(rank_tests(list.genes, sets, rank, here))));
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
