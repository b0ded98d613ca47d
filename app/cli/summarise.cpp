#include <cstdio>

#include "core/data/formats/names.hpp"
#include "counts_input.hpp"

namespace scriptorium::cli {

void add_summarise(CLI::App& app) {
  struct Options {
    std::vector<std::string> paths;
    std::string out;
    DataOptions data;
    FilterWords filter;
    MemoryLimit memory;
    Common common;
    bool suffix = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("summarise", "The count summary of one or several files: what fit needs of them");
  command->add_option("data", options->paths, "files or folders with counts, or summaries: parts of the cells")
      ->required();
  options->data.add_words_to(*command);
  options->filter.add_to(*command);
  command->add_flag("--suffix", options->suffix,
                    "put -1, -2, … behind the names of the cells of the first, second, … file");
  options->memory.add_to(*command);
  command->add_option("--out", options->out, "summary to write")->required();
  options->common.add_to(*command);
  command->footer(
      "Parts are brought together by the names of their genes. A gene that one of them does not have counts as not\n"
      "measured in its cells, never as zero. A cell that comes twice is refused.");
  command->callback([options] {
    for (const auto& path : options->paths) keep_inputs(options->out, {path});
    summary::NamedSummary summary;
    {
      const auto control = options->common.control();
      summary = summarise({.paths = options->paths,
                           .open = options->data.open,
                           .filter = options->filter.filter(),
                           .suffix = options->suffix,
                           .storage = options->memory.storage(options->out),
                           .threads = options->common.threads},
                          control);
    }
    summary::save_summary(summary, options->out);
    const auto& s = summary.summary;
    double nonzeros = 0;
    for (const double n : s.gene_nonzero) nonzeros += n;
    std::printf("%zu cells x %zu genes of %zu %s: %s positive counts in %s bars, %s classes of cells, data %s\n",
                summary.cells.size(), summary.genes.size(), summary.sources.size(),
                summary.sources.size() == 1 ? "file" : "files",
                data::grouped(static_cast<std::int64_t>(nonzeros)).c_str(),
                data::grouped(static_cast<std::int64_t>(s.value.size())).c_str(),
                data::grouped(static_cast<std::int64_t>(s.classes.size())).c_str(), summary.data_id.c_str());
  });
}

}  // namespace scriptorium::cli
