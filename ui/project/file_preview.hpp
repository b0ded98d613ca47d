#pragma once
#include <memory>

#include "core/data/dataset.hpp"
#include "core/progress.hpp"
#include "ui/jobs/fit_item.hpp"
#include "ui/tables/table_data.hpp"

namespace scriptorium::ui {

/// A file that was looked into and not loaded.
struct FilePreview {
  std::shared_ptr<const data::Dataset> dataset;  ///< as data::peek leaves it: tables and verdicts, no counts
  double file_bytes = 0;
  double free_bytes = 0;                          ///< memory that programs may still take; 0 where it is not known
  std::shared_ptr<const TableData> counts;        ///< the first cells and the genes that have most counts in them
  std::shared_ptr<const TableData> cells, genes;  ///< the first rows of the tables
  QString counts_say;                             ///< why there are no first counts; empty when there are
  double share_positive = 1;                      ///< of the entries of the first cells
  /// Memory that loading one of its layers takes, roughly.
  double neededBytes(const data::LayerInfo& layer) const;
  bool severalModalities() const;  ///< whether its layers are those of several kinds of measurement
};

/// Whether a file is so large that it is worth looking before loading it.
bool isLarge(const QString& path);
/// Looks into a file: its tables, what each layer holds, and the first cells. @throws Error as data::peek.
std::shared_ptr<const FilePreview> previewFile(const DataChoice& choice, const RunControl& control);

/// Memory that this program may still take, in bytes: what the system can spare, and the limit of its control group.
/// 0 where neither is known.
double freeMemory();

/// "3.1 GB", "12 MB"; whole megabytes at least.
QString inBytes(double bytes);

}  // namespace scriptorium::ui
