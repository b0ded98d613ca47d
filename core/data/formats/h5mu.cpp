#include <algorithm>
#include <cctype>

#include "core/data/formats/anndata.hpp"
#include "core/data/formats/anndata_table.hpp"
#include "core/data/formats/formats.hpp"
#include "core/data/formats/hdf5.hpp"
#include "core/data/formats/join_columns.hpp"
#include "core/data/formats/names.hpp"
#include "core/error.hpp"

// MuData: an AnnData for each kind of measurement below /mod, and tables of all cells and features at the root.
namespace scriptorium::data {
namespace {

using hdf5::File;

std::vector<std::string> modalities(const File& file) {
  std::vector<std::string> out;
  for (const std::string& name : file.children("mod"))
    if (file.kind("mod/" + name + "/obs") != NodeKind::None && file.kind("mod/" + name + "/var") != NodeKind::None)
      out.push_back(name);
  return out;
}

/// Whether a modality is called as gene expression usually is.
bool is_expression(const std::string& name) {
  std::string word;
  for (const char c : name)
    if (std::isalpha(static_cast<unsigned char>(c)) != 0)
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* usual : {"rna", "gex", "geneexpression", "expression", "transcriptome", "mrna", "scrna"})
    if (word == usual) return true;
  return false;
}

/// The modality that the options name, by itself or as the beginning of a layer ("mod/rna/X"); else the only one, or
/// the only one that is called like gene expression, with a note; else, where the file is only looked into, the first.
std::string choose(const std::vector<std::string>& all, const OpenOptions& options, bool looks, const std::string& file,
                   std::vector<std::string>& notes) {
  std::string wanted = options.modality;
  for (const std::string& name : all)
    if (wanted.empty() && options.layer.rfind("mod/" + name + "/", 0) == 0) wanted = name;
  if (!wanted.empty()) {
    if (std::find(all.begin(), all.end(), wanted) != all.end()) return wanted;
    throw Error(ErrorCode::BadInput, file + " has no modality " + wanted,
                "Choose one of " + listed(all, 8, "or") + ".");
  }
  if (all.size() == 1) return all.front();
  if (std::count_if(all.begin(), all.end(), is_expression) != 1) {
    if (looks) return all.front();
    throw Error(ErrorCode::BadInput, file + " holds " + std::to_string(all.size()) + " modalities: " + listed(all),
                "Say which one: modality " + listed(all, 8, "or") + " (--modality on the command line).");
  }
  std::string taken = *std::find_if(all.begin(), all.end(), is_expression);
  notes.push_back("The modality " + taken + " is taken of " + listed(all) + " (another one: --modality).");
  return taken;
}

class H5mu final : public FormatReader {
 public:
  std::string name() const override { return "h5mu"; }

  double recognises(const std::string& path) const override try {
    if (!hdf5::has_signature(path)) return 0;
    const File file(path);
    return file.kind("X") != NodeKind::None || modalities(file).empty() ? 0 : 1;
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    const File file(path);
    std::vector<std::string> notes;
    const std::vector<std::string> all = modalities(file);
    const std::string taken = choose(all, options, counts == nullptr, file.name(), notes);
    Dataset out = read_anndata(file, "mod/" + taken + "/", options, counts, control);
    for (const std::string& other : all)  // who looks into a file may want to take another one
      if (counts == nullptr && other != taken && options.modality.empty()) add_layers(file, other, out, control);
    out.path = path;
    out.format = name();
    add_common_columns(file, out, notes, control);
    out.notes.insert(out.notes.begin(), notes.begin(), notes.end());
    return out;
  }

 private:
  static void add_layers(const File& file, const std::string& modality, Dataset& out, const RunControl& control) {
    try {
      const Dataset other = read_anndata(file, "mod/" + modality + "/", {}, nullptr, control);
      out.layers.insert(out.layers.end(), other.layers.begin(), other.layers.end());
    } catch (const Error& error) {
      out.notes.push_back("The modality " + modality + " cannot be taken: " + std::string(error.what()) + ".");
    }
  }

  /// What the table of all cells says beside what the modality's own does.
  static void add_common_columns(const File& file, Dataset& out, std::vector<std::string>& notes,
                                 const RunControl& control) {
    if (file.kind("obs") == NodeKind::None) return;
    try {
      std::vector<std::string> of_table;
      Table common = read_table(file, "obs", "cell", of_table, control);
      std::erase_if(common.columns, [&](const Column& column) { return out.cells.find(column.name) != nullptr; });
      if (join_columns(out.cells, common)) notes.insert(notes.end(), of_table.begin(), of_table.end());
    } catch (const Error& error) {
      notes.push_back("The table of all cells is left out: " + std::string(error.what()) + ".");
    }
  }
};

}  // namespace

std::unique_ptr<FormatReader> h5mu_reader() {
  return std::make_unique<H5mu>();
}

}  // namespace scriptorium::data
