#include <cstdio>

#include "core/data/formats/names.hpp"
#include "core/data/writers/writers.hpp"
#include "counts_input.hpp"

namespace scriptorium::cli {

void add_convert(CLI::App& app) {
  struct Options {
    DataOptions data;
    FilterWords filter;
    MemoryLimit memory;
    Common common;
    std::string out;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("convert", "Writes counts and tables in another format");
  options->data.add_to(*command, true);
  options->filter.add_to(*command);
  options->memory.add_to(*command);
  command->add_option("--out", options->out, "FILE.h5ad (anndata), FILE.h5 (Cell Ranger) or a folder (MatrixMarket)")
      ->required();
  options->common.add_to(*command);
  command->callback([options] {
    data::output_format(options->out);
    refuse_own_file(options->data.path);
    keep_inputs(options->out, {options->data.path});
    std::vector<std::string> notes;
    std::size_t cells = 0, genes = 0;
    {
      const auto control = options->common.control();
      const data::PackedDataset data(options->data.path, options->data.open, options->filter.filter(),
                                     options->memory.storage(options->out), control);
      cells = data.tables().cells.size();
      genes = data.tables().genes.size();
      notes = data.tables().notes;
      for (auto& note : data::convert(data, options->out, control)) notes.push_back(std::move(note));
    }
    for (const auto& note : notes) std::fprintf(stderr, "note: %s\n", note.c_str());
    std::printf("%s cells x %s genes written to %s\n", data::grouped(static_cast<std::int64_t>(cells)).c_str(),
                data::grouped(static_cast<std::int64_t>(genes)).c_str(), options->out.c_str());
  });
}

}  // namespace scriptorium::cli
