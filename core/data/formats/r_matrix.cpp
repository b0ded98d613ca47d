#include "core/data/formats/r_matrix.hpp"

#include <algorithm>
#include <limits>

#include "core/data/formats/count_builder.hpp"
#include "core/data/formats/missing_builder.hpp"
#include "core/data/formats/names.hpp"

namespace scriptorium::data::rds {
namespace {

constexpr std::int64_t columns_between_looks = 64;

[[noreturn]] void damaged(const std::string& file, const std::string& layer, const std::string& what) {
  throw Error(ErrorCode::BadInput, (layer.empty() ? "The matrix" : "`" + layer + "`") + " of " + file + " " + what,
              "Copy or download the file again, or write it anew in R.");
}

bool is_sparse(const RObject* object) {
  return is_a(object, "dgCMatrix");
}

std::vector<std::int64_t> shape_of(const RObject* object) {
  return integers(slot(object, is_sparse(object) ? "Dim" : "dim"));
}

double number(double value) {
  return value;
}
double number(std::int32_t value) {
  return value == std::numeric_limits<std::int32_t>::min() ? std::numeric_limits<double>::quiet_NaN() : value;
}

/// Walks through the columns of a matrix, judging every value.
class Scan {
 public:
  Scan(Matrix& matrix, const Dataset& names, CountSink* counts, const RunControl& control)
      : matrix_(matrix),
        info_(matrix.info),
        names_(names),
        control_(control),
        builder_(counts, matrix.genes_in_rows ? Major::Cell : Major::Gene),
        missing_(info_.n_cells) {}

  Missing run() {
    info_.is_counts = true;
    if (is_sparse(matrix_.object))
      sparse();
    else if (const auto* doubles = as<rds2cpp::DoubleVector>(matrix_.object))
      dense(doubles->data);
    else
      dense(as<rds2cpp::IntegerVector>(matrix_.object)->data);
    if (!info_.is_counts) return {};
    builder_.finish();
    MissingBuilder::Stray stray;
    if (std::optional<Missing> found = missing_.finish(stray)) return std::move(*found);
    const bool turned = !matrix_.genes_in_rows;
    refuse(turned ? stray.cell : stray.gene, turned ? stray.gene : stray.cell,
           std::numeric_limits<double>::quiet_NaN());
    info_.why_not += stray_words();
    return {};
  }

 private:
  void sparse() {
    const auto& rows = as<rds2cpp::IntegerVector>(slot(matrix_.object, "i"))->data;
    const auto& starts = as<rds2cpp::IntegerVector>(slot(matrix_.object, "p"))->data;
    const auto& values = as<rds2cpp::DoubleVector>(slot(matrix_.object, "x"))->data;
    for (std::size_t column = 0; column + 1 < starts.size(); ++column) {
      look(column, starts.size() - 1);
      for (auto k = static_cast<std::size_t>(starts[column]); k < static_cast<std::size_t>(starts[column + 1]); ++k)
        if (!add(rows[k], static_cast<std::int64_t>(column), values[k])) return;
      end_column(column);
    }
  }

  template <class Value>
  void dense(const std::vector<Value>& values) {
    const std::vector<std::int64_t> shape = shape_of(matrix_.object);
    std::size_t at = 0;
    for (std::int64_t column = 0; column < shape[1]; ++column) {
      look(column, shape[1]);
      for (std::int64_t row = 0; row < shape[0]; ++row, ++at)
        if (!add(row, column, number(values[at]))) return;
      end_column(column);
    }
  }

  bool add(std::int64_t row, std::int64_t column, double value) {
    if (const Fault fault = judge(value); fault == Fault::None) {
      builder_.add(static_cast<std::uint32_t>(row), static_cast<Count>(value));
    } else if (fault == Fault::NotANumber) {
      unmeasured_.push_back(static_cast<std::uint32_t>(row));
    } else {
      refuse(row, column, value);
      return false;
    }
    return true;
  }

  void end_column(std::size_t column) {
    builder_.end_row();
    if (unmeasured_.empty()) return;
    std::sort(unmeasured_.begin(), unmeasured_.end());
    if (matrix_.genes_in_rows)
      missing_.add_cell(static_cast<std::int64_t>(column), unmeasured_);
    else
      missing_.add_gene(static_cast<std::uint32_t>(column), unmeasured_);
    unmeasured_.clear();
  }

  void look(std::int64_t column, std::int64_t all) const {
    if (column % columns_between_looks != 0) return;
    control_.check();
    control_.tell(static_cast<double>(column) / static_cast<double>(all),
                  "reading " + grouped(column) + " of " + grouped(all) + (matrix_.genes_in_rows ? " cells" : " genes"));
  }

  void refuse(std::int64_t row, std::int64_t column, double value) {
    const bool turned = !matrix_.genes_in_rows;
    info_.is_counts = false;
    info_.why_not = "holds " + number_text(value, false) + " at cell " + names_.cells.names[turned ? row : column] +
                    ", gene " + names_.genes.names[turned ? column : row] + ", which is " + describe(judge(value));
  }

  Matrix& matrix_;
  LayerInfo& info_;
  const Dataset& names_;
  const RunControl& control_;
  CountBuilder builder_;
  MissingBuilder missing_;
  std::vector<std::uint32_t> unmeasured_;  // rows of the column in progress
};

void check_sparse(const RObject* object, const std::vector<std::int64_t>& shape, const std::string& layer,
                  const std::string& file) {
  const auto* rows = as<rds2cpp::IntegerVector>(slot(object, "i"));
  const auto* starts = as<rds2cpp::IntegerVector>(slot(object, "p"));
  const auto* values = as<rds2cpp::DoubleVector>(slot(object, "x"));
  if (rows == nullptr || starts == nullptr || values == nullptr) damaged(file, layer, "lacks its slots i, p or x");
  if (rows->data.size() != values->data.size())
    damaged(
        file, layer,
        "has " + std::to_string(values->data.size()) + " values but " + std::to_string(rows->data.size()) + " indices");
  const auto& p = starts->data;
  if (static_cast<std::int64_t>(p.size()) != shape[1] + 1 || p.front() != 0 ||
      static_cast<std::size_t>(p.back()) != rows->data.size() || !std::is_sorted(p.begin(), p.end()))
    damaged(file, layer, "has a slot p that does not cut its values into " + grouped(shape[1]) + " columns");
  if (std::any_of(rows->data.begin(), rows->data.end(), [&](std::int32_t i) { return i < 0 || i >= shape[0]; }))
    damaged(file, layer, "has a row index out of range: there are " + grouped(shape[0]) + " rows");
}

}  // namespace

bool is_matrix(const RObject* object) {
  const bool dense = as<rds2cpp::DoubleVector>(object) != nullptr || as<rds2cpp::IntegerVector>(object) != nullptr;
  if (!dense && !is_sparse(object)) return false;
  const std::vector<std::int64_t> shape = shape_of(object);
  return shape.size() == 2 && shape[0] > 0 && shape[1] > 0;
}

Matrix matrix_at(const std::string& layer, const RObject* object, const std::string& file) {
  Matrix out;
  out.info.path = layer;
  out.object = object;
  if (!is_matrix(object)) {
    out.info.why_not = "is of R's class `" + class_of(object) + "`, of which nothing is read here, or empty";
    return out;
  }
  const std::vector<std::int64_t> shape = shape_of(object);
  out.info.n_genes = shape[0];
  out.info.n_cells = shape[1];
  const bool sparse = is_sparse(object);
  if (sparse) {
    check_sparse(object, shape, layer, file);
    out.info.stored = static_cast<std::int64_t>(as<rds2cpp::DoubleVector>(slot(object, "x"))->data.size());
  } else {
    const auto* doubles = as<rds2cpp::DoubleVector>(object);
    const std::size_t n = doubles != nullptr ? doubles->data.size() : as<rds2cpp::IntegerVector>(object)->data.size();
    if (static_cast<double>(n) != static_cast<double>(shape[0]) * static_cast<double>(shape[1]))
      damaged(file, layer,
              "has " + grouped(static_cast<std::int64_t>(n)) + " values for " + grouped(shape[0]) + " × " +
                  grouped(shape[1]));
    out.info.stored = static_cast<std::int64_t>(n);
  }
  out.info.encoding = sparse ? "csr" : "dense";  // a gene × cell matrix by columns is a cell × gene one by rows
  out.info.dtype = sparse || as<rds2cpp::DoubleVector>(object) != nullptr ? "float64" : "int32";
  const auto* const names = as<rds2cpp::GenericVector>(slot(object, sparse ? "Dimnames" : "dimnames"));
  if (names != nullptr && names->data.size() == 2) {
    out.row_names = strings(names->data[0].get());
    out.column_names = strings(names->data[1].get());
    if (static_cast<std::int64_t>(out.row_names.size()) != shape[0]) out.row_names.clear();
    if (static_cast<std::int64_t>(out.column_names.size()) != shape[1]) out.column_names.clear();
  }
  return out;
}

Missing scan(Matrix& matrix, const Dataset& names, CountSink* counts, const RunControl& control) {
  return Scan(matrix, names, counts, control).run();
}

}  // namespace scriptorium::data::rds
