#include "core/data/formats/orientation.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

constexpr std::size_t enough_names = 2000;  ///< looked at, spread over all
constexpr double enough_evidence = 0.05;    ///< of 2: the difference of the shares of names that look right and wrong
/// Sizes of a whole transcriptome.
constexpr std::int64_t fewest_genes = 5000, most_genes = 70000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

std::string lower(std::string_view word) {
  std::string out(word);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool starts_with(std::string_view text, std::string_view part) {
  return text.substr(0, part.size()) == part;
}

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t n = 0;
  while (from + n < text.size() && is_digit(text[from + n])) ++n;
  return n;
}

/// ENSG00000123456, ENSMUSG…: Ensembl's ids of genes of any species, with a version or not.
bool is_ensembl(std::string_view name) {
  if (!starts_with(name, "ENS")) return false;
  std::size_t i = 3;
  while (i < name.size() && is_letter(name[i])) ++i;
  return name[i - 1] == 'G' && digits_at(name, i) >= 6;
}

bool looks_like_gene(const std::string& name) {
  if (is_ensembl(name)) return true;
  static constexpr std::array<std::string_view, 14> before_digits{
      "FBgn", "WBGene", "LOC", "LINC", "MIR", "ERCC-", "Gm", "RPL", "RPS", "Rpl", "Rps", "NDUF", "ZNF", "Olfr"};
  for (const std::string_view start : before_digits)
    if (starts_with(name, start) && digits_at(name, start.size()) > 0) return true;
  for (const std::string_view start : {"MT-", "mt-", "HLA-", "IGH", "TRB"})
    if (starts_with(name, start)) return true;
  if (name.size() > 6 && name.compare(name.size() - 3, 3, "Rik") == 0) return true;
  // Symbols that hardly any table of counts lacks, and a few that come first where genes are sorted.
  static constexpr std::array<std::string_view, 40> known{
      "a1bg",  "a1cf", "a2m",   "actb",  "actg1",  "aldoa",  "apoe",   "apoa1", "b2m", "calm1",
      "cd3d",  "cd3e", "cd4",   "cd74",  "cd8a",   "cdk1",   "eef1a1", "eef2",  "fn1", "fth1",
      "ftl",   "ftl1", "gapdh", "hmgb1", "hspa8",  "lgals1", "ldha",   "ldhb",  "lyz", "malat1",
      "mki67", "nkg7", "npm1",  "ptprc", "s100a4", "tmsb4x", "tp53",   "tubb",  "vim", "xist"};
  const std::string word = lower(name);
  return word.find("gene") != std::string::npos || std::find(known.begin(), known.end(), word) != known.end();
}

/// A run of at least eight bases, as barcodes are, between characters that are no letters or digits.
bool has_barcode(std::string_view name) {
  std::size_t run = 0;
  bool whole = true;  // the run began where a word does
  for (std::size_t i = 0; i <= name.size(); ++i) {
    const char c = i < name.size() ? name[i] : '-';
    if (c == 'A' || c == 'C' || c == 'G' || c == 'T' || c == 'N') {
      ++run;
    } else if (!is_letter(c) && !is_digit(c)) {
      if (whole && run >= 8) return true;
      run = 0;
      whole = true;
    } else {
      run = 0;
      whole = false;
    }
  }
  return false;
}

/// A well of a plate, A1 … P24, at the end of the name.
bool ends_as_well(std::string_view name) {
  std::size_t digits = 0;
  while (digits < name.size() && is_digit(name[name.size() - 1 - digits])) ++digits;
  if (digits == 0 || digits > 2 || digits == name.size()) return false;
  const std::size_t letter = name.size() - 1 - digits;
  if (name[letter] < 'A' || name[letter] > 'P') return false;
  return letter == 0 || name[letter - 1] == '.' || name[letter - 1] == '_' || name[letter - 1] == '-';
}

bool looks_like_cell(const std::string& name) {
  if (has_barcode(name) || ends_as_well(name)) return true;
  for (const std::string_view start : {"SRR", "ERR", "DRR", "GSM", "SRS", "ERS", "SRX"})
    if (starts_with(name, start) && digits_at(name, 3) >= 4) return true;
  const std::string word = lower(name);
  for (const char* part : {"cell", "barcode", "sample", "plate", "well"})
    if (word.find(part) != std::string::npos) return true;
  return false;
}

/// Share of names that look right, and the first of them.
struct Share {
  double share = 0;
  std::string example;
};
template <class Looks>
Share share_of(const std::vector<std::string>& names, const Looks& looks) {
  Share out;
  if (names.empty()) return out;
  const std::size_t step = (names.size() + enough_names - 1) / enough_names;
  double right = 0, all = 0;
  for (std::size_t i = 0; i < names.size(); i += step, ++all)
    if (looks(names[i]) && right++ == 0) out.example = names[i];
  out.share = right / all;
  return out;
}

Orientation by_names(const BareMatrix& matrix) {
  const Share gene_rows = share_of(matrix.rows, looks_like_gene),
              gene_columns = share_of(matrix.columns, looks_like_gene),
              cell_rows = share_of(matrix.rows, looks_like_cell),
              cell_columns = share_of(matrix.columns, looks_like_cell);
  const double evidence = gene_rows.share + cell_columns.share - gene_columns.share - cell_rows.share;
  if (std::abs(evidence) < enough_evidence) return {};
  const bool genes_in_rows = evidence > 0;
  const Share& genes = genes_in_rows ? gene_rows : gene_columns;
  const Share& cells = genes_in_rows ? cell_columns : cell_rows;
  const bool by_genes = genes.share >= cells.share;
  return {genes_in_rows, std::string("the ") + (by_genes == genes_in_rows ? "row" : "column") + " names look like " +
                             (by_genes ? "genes" : "cells") + " (" + (by_genes ? genes : cells).example + ")"};
}

Orientation by_corner(const std::string& corner) {
  const std::string word = lower(corner);
  const auto says = [&](const char* part) { return word.find(part) != std::string::npos; };
  const bool genes = says("gene") || says("symbol") || says("ensembl") || says("feature"),
             cells = says("cell") || says("barcode");
  if (genes == cells) return {};
  return {genes, "“" + corner + "” stands above the row names"};
}

Orientation by_sizes(const BareMatrix& matrix) {
  const auto fits = [](std::int64_t n) { return n >= fewest_genes && n <= most_genes; };
  const bool rows = fits(matrix.n_rows), columns = fits(matrix.n_columns);
  if (rows == columns) return {};
  return {rows, grouped(rows ? matrix.n_rows : matrix.n_columns) + (rows ? " rows" : " columns") +
                    " are as many as a transcriptome has genes"};
}

}  // namespace

Orientation decide_orientation(const std::string& asked, const BareMatrix& matrix, const Orientation& beside) {
  if (asked == "genes" || asked == "cells") return {asked == "genes", "as asked"};
  if (!asked.empty())
    throw Error(ErrorCode::BadInput, "The rows of a matrix cannot be “" + valid_utf8(asked) + "”",
                "Say cells or genes (--orientation on the command line), or nothing.");
  for (const Orientation& found : {by_corner(matrix.corner), by_names(matrix), beside, by_sizes(matrix)})
    if (!found.why.empty()) return found;
  return {true, "nothing in the file tells, and this is the custom"};
}

std::string describe(const Orientation& orientation) {
  return std::string("Read with ") +
         (orientation.genes_in_rows ? "genes in rows and cells" : "cells in rows and genes") +
         " in columns: " + orientation.why + "." +
         (orientation.why == "as asked"
              ? ""
              : std::string(" (Turn it by --orientation ") + (orientation.genes_in_rows ? "cells" : "genes") + ".)");
}

}  // namespace scriptorium::data
