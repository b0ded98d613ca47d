#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/data/formats/formats.hpp"
#include "core/data/formats/join_columns.hpp"
#include "core/data/formats/layers.hpp"
#include "core/data/formats/missing_builder.hpp"
#include "core/data/formats/names.hpp"
#include "core/data/formats/orientation.hpp"
#include "core/data/formats/r_containers.hpp"
#include "core/data/formats/rds_signature.hpp"
#include "core/error.hpp"

// Objects of R in RDS files. The file is read whole before anything is known of it, so its size comes first.
namespace scriptorium::data {
namespace {

using rds::Contents;
using rds::Matrix;

std::string size_text(std::uint64_t bytes) {
  constexpr std::uint64_t million = 1'000'000;
  if (bytes < 1000 * million) return std::to_string(bytes / million + 1) + " MB";
  return std::to_string(bytes / (1000 * million)) + "." + std::to_string(bytes / (100 * million) % 10) + " GB";
}

/// How much memory the file takes, in words. @throws Error(OutOfMemory) when this machine has less
std::string memory_needed(const std::string& path) {
  const std::uint64_t need = rds::least_memory(path), have = rds::machine_memory();
  std::string words = file_name(path) + " is read whole, which takes at least " + size_text(need) + " of memory";
  if (need >= have)
    throw Error(ErrorCode::OutOfMemory, words + "; this machine has " + size_text(have),
                "Save only the counts: in R, Matrix::writeMM(counts, \"matrix.mtx\") with the names beside it.");
  return words;
}

/// Names and columns of the cells and genes of one matrix.
void fill_tables(Dataset& out, const Matrix& matrix, const Contents& contents, std::vector<std::string>& notes) {
  const auto fill = [&](Table& table, const std::vector<std::string>& names, const Table& described, std::int64_t n,
                        const char* what) {
    table = {};
    table.names = names;
    if (names.empty() && static_cast<std::int64_t>(described.names.size()) == n) table.names = described.names;
    const bool nameless = table.names.empty();
    if (nameless) table.names = generated_names(n, what, notes);
    if (!described.columns.empty() && !join_columns(table, described))
      notes.push_back("The table of " + std::string(what) + "s is left out: it describes other ones.");
    if (!nameless) make_unique(table.names, what, notes);
  };
  const bool turned = !matrix.genes_in_rows;
  fill(out.cells, turned ? matrix.row_names : matrix.column_names, contents.cells, matrix.info.n_cells, "cell");
  fill(out.genes, turned ? matrix.column_names : matrix.row_names, contents.genes, matrix.info.n_genes, "gene");
}

class Rds final : public FormatReader {
 public:
  std::string name() const override { return "rds"; }

  double recognises(const std::string& path) const override try {
    if (!std::filesystem::is_regular_file(path)) return 0;
    if (rds::has_signature(path)) return 1;
    std::string ending = std::filesystem::path(path).extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
    return ending == ".rds" ? 0.1 : 0;  // to say what is wrong with it
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    const std::string file = file_name(path), memory = memory_needed(path);
    control.tell(0, memory);
    const auto object = rds::read_object(path, control);
    Contents contents = rds::contents_of(object.get(), file, options.modality, options.layer);
    if (contents.bare) turn(contents.matrices.front(), options.orientation, contents.notes);

    Dataset out;
    out.path = path;
    out.format = contents.format;
    out.notes = {memory + "."};
    out.notes.insert(out.notes.end(), contents.notes.begin(), contents.notes.end());
    LayerChoice choice{.paths = {}, .first = contents.first, .asked = !options.layer.empty()};
    for (const Matrix& matrix : contents.matrices) choice.paths.push_back(matrix.info.path);
    if (choice.asked) choice.first = find_layer(choice.paths, {options.layer, contents.prefix + options.layer}, file);
    std::vector<std::string> name_notes;
    Taken taken = take_layer(choice, counts != nullptr, file, [&](std::size_t i, bool keep, Span) {
      Matrix& matrix = contents.matrices[i];
      name_notes.clear();
      Judged judged{.info = matrix.info, .scanned = {}};
      if (matrix.info.n_cells == 0) return judged;
      fill_tables(out, matrix, contents, name_notes);
      if (keep) counts->begin(out.cells, out.genes);
      judged.scanned.missing = rds::scan(matrix, out, keep ? counts : nullptr, control);
      if (!judged.scanned.missing.none())
        judged.scanned.notes.push_back(describe_missing(judged.scanned.missing) + ".");
      judged.info = matrix.info;
      return judged;
    });
    out.layers = std::move(taken.layers);
    const std::size_t shown = taken.chosen.value_or(choice.first);
    name_notes.clear();
    fill_tables(out, contents.matrices[shown], contents, name_notes);
    if (taken.chosen) out.layer = choice.paths[*taken.chosen];
    out.missing = std::move(taken.scanned.missing);
    for (const auto* notes : {&name_notes, &taken.scanned.notes})
      out.notes.insert(out.notes.end(), notes->begin(), notes->end());
    for (const auto& [name, coordinates] : contents.embeddings)
      if (Embedding e = rds::embedding_of(name, coordinates, static_cast<std::int64_t>(out.cells.size())); e.dims > 0)
        out.embeddings.push_back(std::move(e));
    return out;
  }

 private:
  /// Finds out what the rows of a matrix are that lies in no object of single cells.
  static void turn(Matrix& matrix, const std::string& asked, std::vector<std::string>& notes) {
    const Orientation orientation =
        decide_orientation(asked, {matrix.row_names, matrix.column_names, matrix.info.n_genes, matrix.info.n_cells});
    notes.push_back(describe(orientation));
    if (orientation.genes_in_rows) return;
    matrix.genes_in_rows = false;
    std::swap(matrix.info.n_genes, matrix.info.n_cells);
    if (matrix.info.encoding == "csr") matrix.info.encoding = "csc";
  }
};

}  // namespace

std::unique_ptr<FormatReader> rds_reader() {
  return std::make_unique<Rds>();
}

}  // namespace scriptorium::data
