#include "core/data/formats/matrix_reading.hpp"

#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/names.hpp"

namespace scriptorium::data {

MatrixReading::MatrixReading(std::string layer, const Names& names, LayerInfo& info, CountSink* counts, Span span,
                             const RunControl& control)
    : layer_(std::move(layer)),
      names_(names),
      info_(info),
      counts_(counts),
      span_(span),
      control_(control),
      missing_(info.n_cells) {}

void MatrixReading::refuse(Major major, std::int64_t row, std::int64_t minor, std::string text,
                           const std::string& why) {
  const auto name = [](const std::vector<std::string>& names, std::int64_t i) {
    return i >= 0 && i < static_cast<std::int64_t>(names.size()) ? names[i] : "number " + std::to_string(i + 1);
  };
  const std::lock_guard lock(mutex_);
  if (refused_ && std::pair(row_, minor_) <= std::pair(row, minor)) return;
  refused_ = true;
  row_ = row;
  minor_ = minor;
  const std::int64_t cell = major == Major::Cell ? row : minor, gene = major == Major::Cell ? minor : row;
  info_.why_not = "holds " + std::move(text) + " at cell " + name(names_.cells, cell) + ", gene " +
                  name(names_.genes, gene) + ", which is " + why;
}

void MatrixReading::refuse(Major major, std::int64_t row, std::int64_t minor, double value) {
  const bool single = info_.dtype == "float32" || info_.dtype == "float16";
  refuse(major, row, minor, number_text(value, single), describe(judge(value)));
}

void MatrixReading::refuse(Major major, std::int64_t row, std::int64_t minor, std::int64_t value) {
  refuse(major, row, minor, std::to_string(value), describe(judge(value)));
}

void MatrixReading::add_missing(Major major, std::int64_t row, std::span<const std::uint32_t> minors) {
  if (minors.empty()) return;
  if (major == Major::Cell)
    missing_.add_cell(row, minors);
  else
    missing_.add_gene(static_cast<std::uint32_t>(row), minors);
}

void MatrixReading::step(std::int64_t done, std::int64_t all, const char* what) {
  control_.check();
  const std::lock_guard lock(mutex_);
  if (done < told_) return;
  told_ = done;
  control_.tell(span_.from + (span_.to - span_.from) * static_cast<double>(done) / static_cast<double>(all),
                "reading " + layer_ + ": " + grouped(done) + " of " + grouped(all) + " " + what);
}

Scanned MatrixReading::finish(bool is_float) {
  Scanned out{{}, std::move(notes_)};
  note_merged(merged_, out.notes);
  if (!refused_ && counts_) {
    MissingBuilder::Stray stray;
    if (auto missing = missing_.finish(stray))
      out.missing = std::move(*missing);
    else if (is_float)
      refuse(Major::Cell, stray.cell, stray.gene, std::numeric_limits<double>::quiet_NaN());
    else
      refuse(Major::Cell, stray.cell, stray.gene, std::numeric_limits<std::int64_t>::min());
    if (refused_) info_.why_not += stray_words();
  }
  info_.is_counts = !refused_;
  if (!out.missing.none()) out.notes.push_back("`" + layer_ + "`: " + describe_missing(out.missing) + ".");
  return out;
}

}  // namespace scriptorium::data
