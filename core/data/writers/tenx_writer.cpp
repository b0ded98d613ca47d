#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <limits>
#include <system_error>

#include "core/data/formats/missing_builder.hpp"
#include "core/data/formats/names.hpp"
#include "core/data/writers/row_writer.hpp"
#include "core/data/writers/writers.hpp"
#include "core/error.hpp"
#include "core/storage/atomic_file.hpp"

// What Cell Ranger calls a feature-barcode matrix. Its table of features has an id, a name, a type and a genome and no
// other columns; of cells there are only the names.
namespace scriptorium::data {
namespace {

namespace hdf5 = storage::hdf5;
namespace fs = std::filesystem;

struct Features {
  std::vector<std::string> ids, symbols, types, genomes;
};

Features features_of(const Table& genes) {
  const auto column = [&](const char* name, const std::string& otherwise) {
    const Column* found = genes.find(name);
    std::vector<std::string> out;
    for (std::size_t g = 0; g < genes.size(); ++g) {
      out.push_back(found == nullptr ? "" : found->text(g));
      if (out.back().empty()) out.back() = otherwise.empty() ? genes.names[g] : otherwise;
    }
    return out;
  };
  return {genes.names, column("symbol", ""), column("feature_type", "Gene Expression"), column("genome", "unknown")};
}

void refuse_missing(const Dataset& tables, const char* format) {
  if (tables.missing.none()) return;
  throw Error(
      ErrorCode::Unsupported,
      std::string(format) + " cannot tell what was not measured from zero, and " + describe_missing(tables.missing),
      "Write an .h5ad file, or choose --missing full-genes (only genes that every cell measured) or --missing "
      "zero.");
}

/// What stays behind.
std::vector<std::string> left_behind(const Dataset& tables) {
  std::vector<std::string> lost;
  if (!tables.cells.columns.empty()) lost.emplace_back("the columns of the cell table");
  const auto known = [](const Column& column) {
    return column.name == "symbol" || column.name == "feature_type" || column.name == "genome";
  };
  if (!std::all_of(tables.genes.columns.begin(), tables.genes.columns.end(), known))
    lost.emplace_back("columns of the gene table");
  if (!tables.embeddings.empty()) lost.emplace_back("embeddings");
  if (lost.empty()) return {};
  return {"This format has no place for " + listed(lost) + ": left out."};
}

/// Text into a gzipped file. Lines are gathered, and what zlib says is looked at.
class Gzip {
 public:
  Gzip(std::string path, const RunControl& control)
      : path_(std::move(path)), control_(control), out_(gzopen(path_.c_str(), "wb6")) {
    if (out_ == nullptr) fail();
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() {
    if (out_ != nullptr) gzclose(out_);
  }
  void text(const std::string& text) {
    waiting_ += text;
    if (waiting_.size() >= piece) flush();
  }
  void number(std::uint64_t value, char end) {
    std::array<char, 24> digits{};
    waiting_.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
    waiting_ += end;
    if (waiting_.size() >= piece) flush();
  }
  void finish() {
    flush();
    gzFile out = out_;
    out_ = nullptr;
    if (gzclose(out) != Z_OK) fail();
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    const bool safe = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!safe) fail();
  }

 private:
  static constexpr std::size_t piece = 1 << 18;
  void flush() {
    control_.check();
    if (!waiting_.empty() && gzwrite(out_, waiting_.data(), static_cast<unsigned>(waiting_.size())) <= 0) fail();
    waiting_.clear();
  }
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::Io,
                "\"" + path_ + "\" could not be written: " + std::generic_category().message(errno) + ".",
                "Free some space or choose another place; what was there is unchanged.");
  }
  std::string path_, waiting_;
  const RunControl& control_;
  gzFile out_;
};

/// Names with tabs or line breaks would tear the table apart.
std::string one_field(std::string text) {
  for (char& c : text)
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  return text;
}

}  // namespace

std::vector<std::string> write_tenx_h5(const PackedDataset& data, const std::string& path, const RunControl& control) {
  const Dataset& tables = data.tables();
  refuse_missing(tables, "Cell Ranger's HDF5 file");
  const auto n_cells = static_cast<std::int64_t>(tables.cells.size());
  storage::NewFile place(path);
  auto file = hdf5::create_on_disk(place.aside());
  {
    hdf5::write_text_attribute(file, "filetype", "matrix");
    hdf5::write_integers_attribute(file, "version", {2});
    const auto matrix = hdf5::create_group(file, "matrix"), features = hdf5::create_group(matrix, "features");
    const Features of_genes = features_of(tables.genes);
    hdf5::write_strings(features, "_all_tag_keys", {"genome"});
    hdf5::write_strings(features, "id", of_genes.ids);
    hdf5::write_strings(features, "name", of_genes.symbols);
    hdf5::write_strings(features, "feature_type", of_genes.types);
    hdf5::write_strings(features, "genome", of_genes.genomes);
    hdf5::write_strings(matrix, "barcodes", tables.cells.names);
    hdf5::write(
        matrix, "shape",
        std::vector<std::int32_t>{static_cast<std::int32_t>(tables.genes.size()), static_cast<std::int32_t>(n_cells)});
    const bool wide = data.packed().max_count() > std::numeric_limits<std::int32_t>::max();
    RowWriter rows(matrix, n_cells, {wide ? H5T_STD_I64LE : H5T_STD_I32LE, H5T_STD_I64LE, H5T_STD_I64LE});
    Told told(rows, "writing the matrix", data.packed().nnz(), control);
    data.send_by_cell(told, control);
    rows.finish();
  }
  hdf5::close_file(file);
  place.put_in_place();
  return left_behind(tables);
}

std::vector<std::string> write_mtx_folder(const PackedDataset& data, const std::string& path,
                                          const RunControl& control) {
  const Dataset& tables = data.tables();
  refuse_missing(tables, "A MatrixMarket folder");
  std::error_code problem;
  if (fs::exists(path, problem) && !(fs::is_directory(path, problem) && fs::is_empty(path, problem)))
    throw Error(ErrorCode::Io, "\"" + path + "\" exists already.", "Choose a new folder, or remove this one.");
  storage::NewFolder place(path);
  const Features of_genes = features_of(tables.genes);
  Gzip barcodes(place.aside() + "/barcodes.tsv.gz", control), features(place.aside() + "/features.tsv.gz", control);
  for (const std::string& name : tables.cells.names) barcodes.text(one_field(name) + "\n");
  for (std::size_t g = 0; g < tables.genes.size(); ++g)
    features.text(one_field(of_genes.ids[g]) + "\t" + one_field(of_genes.symbols[g]) + "\t" +
                  one_field(of_genes.types[g]) + "\n");
  barcodes.finish();
  features.finish();

  std::uint64_t entries = 0;  // the heading tells it before the first of them
  BlockVisitor counter([&](const CountBlock& block) { entries += block.count.size(); });
  data.send(counter, 1, control);
  Gzip matrix(place.aside() + "/matrix.mtx.gz", control);
  matrix.text(
      "%%MatrixMarket matrix coordinate integer general\n%metadata_json: {\"software_version\": \"scriptorium " +
      std::string(SCRIPTORIUM_VERSION) + "\", \"format_version\": 2}\n");
  matrix.number(tables.genes.size(), ' ');
  matrix.number(tables.cells.size(), ' ');
  matrix.number(entries, '\n');
  BlockVisitor writer([&](const CountBlock& block) {
    for (std::size_t row = 0; row < static_cast<std::size_t>(block.rows()); ++row)
      for (auto k = static_cast<std::size_t>(block.row_start[row]);
           k < static_cast<std::size_t>(block.row_start[row + 1]); ++k) {
        matrix.number(block.minor[k] + std::uint64_t{1}, ' ');
        matrix.number(static_cast<std::uint64_t>(block.first) + row + 1, ' ');
        matrix.number(block.count[k], '\n');
      }
  });
  Told told(writer, "writing the matrix", static_cast<std::int64_t>(entries), control);
  data.send_by_cell(told, control);
  matrix.finish();
  place.put_in_place();
  return left_behind(tables);
}

}  // namespace scriptorium::data
