#include <cmath>
#include <filesystem>

#include "core/data/formats/companion_table.hpp"
#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/delimited_text.hpp"
#include "core/data/formats/formats.hpp"
#include "core/data/formats/missing_builder.hpp"
#include "core/data/formats/names.hpp"
#include "core/data/formats/orientation.hpp"
#include "core/error.hpp"

// Text with one line a cell or a gene. The names come before the counts, so a file is walked through twice: first for
// the names of its rows, then for its values, of which only one row is held at a time.
namespace scriptorium::data {
namespace {

constexpr double look_bytes = 8 << 20;  ///< of text that `peek` reads; more until it has seen a few rows
constexpr std::int64_t look_rows = 16;
constexpr double names_share = 0.3;  ///< of the time, that finding the names takes

[[noreturn]] void bad(const std::string& what, const std::string& remedy) {
  throw Error(ErrorCode::BadInput, what, remedy);
}

/// What the rows are called, and how many there are.
struct Survey {
  std::vector<std::string> names;
  std::int64_t rows = 0;
  std::int64_t all_rows = 0;  ///< estimated where not `whole`
  bool whole = true;
  double looked_at = 0;  ///< bytes of text
  double all_bytes = 0;
};

/// `number` with three digits that mean something.
std::int64_t rounded(double number) {
  const double unit = std::pow(10.0, std::max(0.0, std::floor(std::log10(std::max(number, 1.0))) - 2));
  return static_cast<std::int64_t>(std::llround(number / unit) * std::llround(unit));
}

Survey survey_rows(const std::string& path, const text::Layout& layout, bool whole, const RunControl& control) {
  Survey out;
  text::Rows rows(path, layout, control);
  const double header = rows.stream().consumed();
  for (std::string_view line; rows.next(line); ++out.rows) {
    if ((out.rows & 0xFF) == 0) control.tell(names_share * rows.stream().fraction(), "reading the names of the rows");
    if (layout.has_names) {
      text::Fields fields(line, layout.separator);
      std::string_view name;
      fields.next(name);
      if (fields.broken()) bad(rows.here() + ": a quoted name has no end", "Mend the line: quotes come in pairs.");
      out.names.push_back(valid_utf8(std::string(name)));
    }
    if (whole || out.rows < look_rows || rows.stream().consumed() < look_bytes) continue;
    out.whole = false;
    ++out.rows;
    break;
  }
  out.looked_at = rows.stream().consumed();
  out.all_bytes = rows.stream().estimated_bytes();
  out.all_rows = out.whole
                     ? out.rows
                     : rounded(static_cast<double>(out.rows) * (out.all_bytes - header) / (out.looked_at - header));
  return out;
}

std::string mebibytes(double bytes) {
  return grouped(std::llround(bytes / (1 << 20))) + " MiB";
}

/// Reads the values row by row, judging on the way.
class Reading {
 public:
  Reading(const text::Layout& layout, const Survey& survey, bool genes_in_rows, Dataset& out, LayerInfo& info)
      : layout_(layout),
        survey_(survey),
        genes_in_rows_(genes_in_rows),
        out_(out),
        info_(info),
        missing_(static_cast<std::int64_t>(out.cells.size())) {}

  /// Sets `is_counts` and `why_not` of the layer, and what was not measured.
  void read(const std::string& path, CountSink* counts, const RunControl& control) {
    text::Rows rows(path, layout_, control);
    CountBuilder builder(counts, genes_in_rows_ ? Major::Gene : Major::Cell);
    info_.is_counts = true;
    std::string_view line;
    for (row_ = 0; info_.is_counts && (survey_.whole || row_ < survey_.rows) && rows.next(line); ++row_) {
      if ((row_ & 0x3F) == 0)
        control.tell(names_share + (1 - names_share) * rows.stream().fraction(),
                     "reading " + rows.stream().name() + ": " + grouped(row_) + " of " + grouped(survey_.rows) +
                         (genes_in_rows_ ? " genes" : " cells"));
      if (row_ >= survey_.rows) bad(rows.stream().name() + " changed while it was read", "Read it again.");
      read_row(rows, line, builder);
      builder.end_row();
    }
    if (!info_.is_counts) return;
    builder.finish();
    if (any_missing_ && survey_.whole) judge_missing();
  }

 private:
  void read_row(const text::Rows& rows, std::string_view line, CountBuilder& builder) {
    text::Fields fields(line, layout_.separator);
    std::string_view field;
    if (layout_.has_names) fields.next(field);
    unmeasured_.clear();
    std::int64_t column = 0;
    for (Count count = 0;; ++column) {
      if (fields.next_count(count)) {
        if (column < layout_.n_columns) builder.add(static_cast<std::uint32_t>(column), count);
        continue;
      }
      if (!fields.next(field)) break;
      if (column >= layout_.n_columns) continue;
      if (!read_field(rows, field, column, builder)) return;
    }
    const std::int64_t expected = layout_.n_columns + (layout_.ends_empty ? 1 : 0);
    if (column != expected)
      bad(rows.here() + " has " + grouped(column + layout_.fields() - expected) + " fields where " +
              grouped(layout_.fields()) + " are expected",
          "The file may be cut short there: copy or download it again, or mend the line.");
    if (unmeasured_.empty()) return;
    any_missing_ = true;
    if (genes_in_rows_)
      missing_.add_gene(static_cast<std::uint32_t>(row_), unmeasured_);
    else
      missing_.add_cell(row_, unmeasured_);
  }

  /// A field that is not just digits; false when it is no count.
  bool read_field(const text::Rows& rows, std::string_view field, std::int64_t column, CountBuilder& builder) {
    const text::Value value = text::value_of(field);
    const auto in_column = [&] { return ", column " + grouped(column + (layout_.has_names ? 2 : 1)); };
    if (value.kind == text::Value::Kind::Missing) {
      unmeasured_.push_back(static_cast<std::uint32_t>(column));
      return true;
    }
    if (value.kind == text::Value::Kind::Text)
      bad(rows.here() + in_column() + ": “" + valid_utf8(std::string(field.substr(0, 40))) + "” is no number",
          "Keep only the counts, one name a row and one line of column names.");
    info_.dtype = "real";
    if (const Fault fault = judge(value.number); fault != Fault::None) {
      info_.is_counts = false;
      info_.why_not = "holds " + number_text(value.number, false) + at(row_, column) + " (line " +
                      grouped(rows.line_number()) + in_column() + "), which is " + describe(fault);
      return false;
    }
    builder.add(static_cast<std::uint32_t>(column), static_cast<Count>(value.number));
    return true;
  }

  void judge_missing() {
    MissingBuilder::Stray stray;
    if (std::optional<Missing> found = missing_.finish(stray)) {
      out_.missing = std::move(*found);
      if (!out_.missing.none()) out_.notes.push_back(describe_missing(out_.missing) + ".");
      return;
    }
    info_.is_counts = false;
    info_.why_not =
        "holds no number" + (genes_in_rows_ ? at(stray.gene, stray.cell) : at(stray.cell, stray.gene)) + stray_words();
  }

  std::string at(std::int64_t row, std::int64_t column) const {
    return " at cell " + out_.cells.names[genes_in_rows_ ? column : row] + ", gene " +
           out_.genes.names[genes_in_rows_ ? row : column];
  }

  const text::Layout& layout_;
  const Survey& survey_;
  bool genes_in_rows_;
  Dataset& out_;
  LayerInfo& info_;
  MissingBuilder missing_;
  std::vector<std::uint32_t> unmeasured_;  // columns of the row in progress
  bool any_missing_ = false;
  std::int64_t row_ = 0;
};

class Delimited final : public FormatReader {
 public:
  std::string name() const override { return "text"; }

  double recognises(const std::string& path) const override try {
    return std::filesystem::is_regular_file(path) ? text::looks_like_matrix(path) : 0;
  } catch (const std::exception&) {
    return 0;
  }

  Dataset read(const std::string& path, const OpenOptions& options, CountSink* counts,
               const RunControl& control) const override {
    if (!options.layer.empty())
      bad(file_name(path) + " has no layer `" + options.layer + "`",
          "Leave the layer out: a text file has one matrix.");
    control.tell(0, "reading the first lines");
    const text::Layout layout = text::learn_layout(path, control);
    Survey survey = survey_rows(path, layout, counts != nullptr, control);
    Dataset out;
    out.path = path;
    out.format = layout.separator == '\t' ? "tsv" : layout.separator == ' ' ? "text" : "csv";
    std::vector<CompanionTable> beside = companion_tables(path, out.notes, control);
    const BareMatrix matrix{survey.names, layout.columns, survey.all_rows, layout.n_columns, layout.corner};
    std::erase_if(beside, [&](const CompanionTable& table) { return table.repeats(layout.columns); });
    const Orientation orientation = decide_orientation(options.orientation, matrix, by_companions(matrix, beside));
    const bool genes_in_rows = orientation.genes_in_rows;
    out.notes.push_back(describe(orientation));

    LayerInfo info;
    info.encoding = "dense";
    info.dtype = "integer";
    info.n_genes = genes_in_rows ? survey.all_rows : layout.n_columns;
    info.n_cells = genes_in_rows ? layout.n_columns : survey.all_rows;
    info.stored = info.n_genes * info.n_cells;
    if (!survey.whole)
      out.notes.push_back("Only the first " + mebibytes(survey.looked_at) + " of about " + mebibytes(survey.all_bytes) +
                          " of text were looked at: " + grouped(survey.rows) + (genes_in_rows ? " genes" : " cells") +
                          ", about " + grouped(survey.all_rows) + " in all.");
    (genes_in_rows ? out.genes : out.cells).names = std::move(survey.names);
    (genes_in_rows ? out.cells : out.genes).names = layout.columns;
    name_all(out.cells, genes_in_rows ? layout.n_columns : survey.rows, "cell", out.notes);
    name_all(out.genes, genes_in_rows ? survey.rows : layout.n_columns, "gene", out.notes);
    for (const CompanionTable& table : beside) join(table, table.of_cells ? out.cells : out.genes, out.notes);

    if (counts != nullptr) counts->begin(out.cells, out.genes);
    Reading(layout, survey, genes_in_rows, out, info).read(path, counts, control);
    out.layers.push_back(info);
    if (counts != nullptr && !info.is_counts)
      bad(file_name(path) + " " + info.why_not, "Open the matrix from before its values were transformed.");
    return out;
  }

 private:
  /// What the tables beside the file say the rows are.
  static Orientation by_companions(const BareMatrix& matrix, const std::vector<CompanionTable>& beside) {
    for (const CompanionTable& table : beside) {
      const bool rows = table.names_most_of(matrix.rows), columns = table.names_most_of(matrix.columns);
      if (rows == columns) continue;
      return {rows != table.of_cells, table.file + " names the " + (rows ? "rows" : "columns") + " and lists " +
                                          (table.of_cells ? "cells" : "genes")};
    }
    return {};
  }

  static void name_all(Table& table, std::int64_t n, const char* what, std::vector<std::string>& notes) {
    if (table.names.empty())
      table.names = generated_names(n, what, notes);
    else
      make_unique(table.names, what, notes);
  }
};

}  // namespace

std::unique_ptr<FormatReader> delimited_reader() {
  return std::make_unique<Delimited>();
}

}  // namespace scriptorium::data
