#include "core/embedding/embed.hpp"

#include "counts_input.hpp"

namespace scriptorium::cli {

void add_embed(CLI::App& app) {
  struct Options {
    DataOptions data;
    FilterWords filter;
    Common common;
    embedding::EmbedOptions embed;
    std::string method = "umap", out;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("embed", "Coordinates of the cells: UMAP, t-SNE or principal components");
  options->data.add_to(*command, true);
  auto& embed = options->embed;
  command->add_option("--method", options->method, "umap, tsne or pca")->transform(one_of({"umap", "tsne", "pca"}));
  command->add_option("--dims", embed.pca.dims, "principal components to find, and to start from")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--scale", embed.pca.scale, "every gene to variance 1, cut at 10 standard deviations");
  command->add_option("--neighbours", embed.neighbours, "UMAP: neighbours that tie a cell to the others")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  command->add_option("--min-dist", embed.min_dist, "UMAP: least distance of cells")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--perplexity", embed.perplexity, "t-SNE: neighbours that count")
      ->check(CLI::Range(1.0, 1000.0))
      ->capture_default_str();
  command->add_option("--seed", embed.pca.seed, "same seed, same numbers")->check(whole_number)->capture_default_str();
  options->filter.add_to(*command);
  add_table_output(*command, options->out);
  options->common.add_to(*command);
  command->footer(
      "Counts are divided by the total of their cell, times 10,000; log(1 + x) is taken, and principal components of "
      "the 2,000\nmost variable genes found (--genes hvg:N for another number, or a list of genes). UMAP and t-SNE "
      "start from these.\nColumns: cell, and one a coordinate (umap_1, …).");
  command->callback([options] {
    keep_inputs(options->out, {options->data.path});
    refuse_own_file(options->data.path);
    report::Table table;
    {
      const auto control = options->common.control();
      embedding::EmbedOptions& wanted = options->embed;
      data::Filter filter = options->filter.filter();
      if (filter.highly_variable > 0) wanted.pca.highly_variable = std::exchange(filter.highly_variable, 0);
      if (!filter.genes.empty()) wanted.pca.highly_variable = 0;
      wanted.method = embedding::method_from_string(options->method);
      wanted.pca.threads = options->common.threads;
      const data::PackedDataset data(options->data.path, options->data.open, filter, {}, control);
      const data::Dataset& tables = data.tables();
      const auto found = embedding::embed(static_cast<std::int64_t>(tables.cells.size()),
                                          static_cast<std::int64_t>(tables.genes.size()), data.source(control),
                                          tables.missing, wanted, control);
      table.add("cell", tables.cells.names);
      for (int d = 0; d < found.dims; ++d) {
        std::vector<double> column(tables.cells.size());
        for (std::size_t i = 0; i < column.size(); ++i)
          column[i] = found.values[i * static_cast<std::size_t>(found.dims) + static_cast<std::size_t>(d)];
        table.add(found.name + "_" + std::to_string(d + 1), std::move(column));
      }
    }
    write(table, options->out);
  });
}

}  // namespace scriptorium::cli
