#include "ui/project/file_preview.hpp"

#include <QDirIterator>
#include <QFile>
#include <QFileInfo>
#include <QSet>
#include <algorithm>
#include <mutex>
#include <numeric>

#include "core/data/count_sink.hpp"

namespace scriptorium::ui {
namespace {

constexpr double large_file = 300e6, large_packed = 60e6;  // bytes; text and R files unpack to several times as much
constexpr std::int64_t first_cells = 12, first_genes = 10, first_rows = 50;

double sizeOf(const QString& path) {
  const QFileInfo info(path);
  if (!info.isDir()) return static_cast<double>(info.size());
  double bytes = 0;
  int files = 0;
  for (QDirIterator it(path, QDir::Files, QDirIterator::Subdirectories); it.hasNext() && ++files < 20'000;) {
    it.next();
    bytes += static_cast<double>(it.fileInfo().size());
  }
  return bytes;
}

/// Takes the first rows that come and then stops the reader.
class FirstRows final : public data::CountSink {
 public:
  explicit FirstRows(std::stop_source& stop) : stop_(stop) {}

  void begin(const data::Table& cells, const data::Table& genes) override {
    const std::lock_guard lock(mutex_);
    cells_ = cells.select(firstOf(cells.size()));
    genes_ = genes.names;
    counts_.clear();
    entries_ = 0;
  }
  void add(const data::CountBlock& block) override {
    const std::lock_guard lock(mutex_);
    if (block.major == data::Major::Cell && block.first != 0) return;  // another one brings the first cells
    const std::int64_t rows = std::min(block.rows(), block.major == data::Major::Cell ? first_cells : block.rows());
    for (std::int64_t row = 0; row < rows; ++row)
      for (auto i = block.row_start[static_cast<std::size_t>(row)];
           i < block.row_start[static_cast<std::size_t>(row) + 1]; ++i) {
        const auto minor = static_cast<std::int64_t>(block.minor[static_cast<std::size_t>(i)]),
                   major = block.first + row;
        const bool by_cell = block.major == data::Major::Cell;
        const std::int64_t cell = by_cell ? major : minor, gene = by_cell ? minor : major;
        if (cell < first_cells) counts_[gene][cell] = block.count[static_cast<std::size_t>(i)];
      }
    entries_ += static_cast<double>(rows) *
                static_cast<double>(block.major == data::Major::Cell ? genes_.size() : cells_.size());
    if (block.major == data::Major::Cell || counts_.size() >= static_cast<std::size_t>(first_genes))
      stop_.request_stop();
  }
  /// Cells × the genes with most counts in them, best first.
  std::shared_ptr<const TableData> table() const {
    std::vector<std::int64_t> genes;
    for (const auto& [gene, row] : counts_) genes.push_back(gene);
    const auto total = [&](std::int64_t gene) {
      double sum = 0;
      for (const auto& [cell, count] : counts_.at(gene)) sum += count;
      return sum;
    };
    std::stable_sort(genes.begin(), genes.end(), [&](auto a, auto b) { return total(a) > total(b); });
    if (genes.size() > static_cast<std::size_t>(first_genes)) genes.resize(static_cast<std::size_t>(first_genes));
    auto table = std::make_shared<TableData>();
    table->name = "first_counts";
    TableColumn names{"cell", QObject::tr("Name of the cell."), {}, {}};
    for (const std::string& name : cells_.names) names.texts.push_back(QString::fromStdString(name));
    table->columns.push_back(std::move(names));
    for (const std::int64_t gene : genes) {
      const QString name = QString::fromStdString(genes_[static_cast<std::size_t>(gene)]);
      TableColumn column{
          name, QObject::tr("Counts of %1 in the first cells.").arg(name), std::vector<double>(cells_.size(), 0.0), {}};
      for (const auto& [cell, count] : counts_.at(gene)) column.numbers[static_cast<std::size_t>(cell)] = count;
      table->columns.push_back(std::move(column));
    }
    return table;
  }
  double sharePositive() const {
    double positive = 0;
    for (const auto& [gene, row] : counts_) positive += static_cast<double>(row.size());
    return entries_ > 0 ? std::min(1.0, positive / entries_) : 1;
  }
  bool any() const { return entries_ > 0; }
  static std::vector<std::int64_t> firstOf(std::size_t n, std::int64_t most = first_cells) {
    std::vector<std::int64_t> rows(std::min(n, static_cast<std::size_t>(most)));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    return rows;
  }

 private:
  std::stop_source& stop_;
  mutable std::mutex mutex_;
  data::Table cells_;
  std::vector<std::string> genes_;
  std::map<std::int64_t, std::map<std::int64_t, data::Count>> counts_;
  double entries_ = 0;
};

std::shared_ptr<const TableData> firstRows(const QString& name, const QString& what, const data::Table& from) {
  const data::Table some = from.select(FirstRows::firstOf(from.size(), first_rows));
  auto table = std::make_shared<TableData>();
  table->name = name;
  TableColumn names{what, QObject::tr("Name as the file has it."), {}, {}};
  for (const std::string& one : some.names) names.texts.push_back(QString::fromStdString(one));
  table->columns.push_back(std::move(names));
  for (const data::Column& column : some.columns) {
    TableColumn made;
    made.name = QString::fromStdString(column.name);
    made.help = QString::fromStdString(column.type());
    for (std::size_t row = 0; row < some.size(); ++row) made.texts.push_back(QString::fromStdString(column.text(row)));
    table->columns.push_back(std::move(made));
  }
  return table;
}

}  // namespace

bool isLarge(const QString& path) {
  const QString name = path.toLower();
  const bool packed = name.endsWith(".gz") || name.endsWith(".rds") || name.endsWith(".zip");
  return sizeOf(path) > (packed ? large_packed : large_file);
}

double FilePreview::neededBytes(const data::LayerInfo& layer) const {
  const double n_cells = static_cast<double>(layer.n_cells), n_genes = static_cast<double>(layer.n_genes);
  // What is stored sparse is positive; of a dense matrix so much as of its first cells. 8 bytes an entry, twice: the
  // counts as they come and as they are kept; 200 bytes a row of the tables and more for their columns.
  const double positive =
      layer.encoding == "dense" ? n_cells * n_genes * share_positive : static_cast<double>(layer.stored);
  const double columns = static_cast<double>(dataset->cells.columns.size() + dataset->genes.columns.size());
  return 16 * positive + (n_cells + n_genes) * (200 + 16 * columns) + 60e6;
}

bool FilePreview::severalModalities() const {
  QSet<QString> modalities;
  for (const data::LayerInfo& layer : dataset->layers) {
    const QString path = QString::fromStdString(layer.path);
    if (path.startsWith("mod/")) modalities.insert(path.section('/', 1, 1));
  }
  return modalities.size() > 1;
}

std::shared_ptr<const FilePreview> previewFile(const DataChoice& choice, const RunControl& control) {
  data::OpenOptions options;
  options.layer = choice.layer.toStdString();
  options.modality = choice.modality.toStdString();
  control.tell(-1, QObject::tr("looking into the file").toStdString());
  auto made = std::make_shared<FilePreview>();
  const std::string path = choice.path.toStdString();
  auto dataset = std::make_shared<data::Dataset>(data::peek(path, options, control));
  made->file_bytes = sizeOf(choice.path);
  made->free_bytes = freeMemory();
  made->cells = firstRows("first_cells", QObject::tr("cell"), dataset->cells);
  made->genes = firstRows("first_genes", QObject::tr("gene"), dataset->genes);
  if (std::none_of(dataset->layers.begin(), dataset->layers.end(), [](const auto& layer) { return layer.is_counts; })) {
    made->counts_say = QObject::tr("No layer of this file holds counts.");
  } else if (dataset->format.rfind("rds", 0) == 0) {
    made->counts_say = QObject::tr("An R file is read whole or not at all: its counts are shown once it is open.");
  } else {
    std::stop_source enough;
    const std::stop_callback also(control.stop, [&] { enough.request_stop(); });
    FirstRows first(enough);
    options.layer = dataset->layer;
    try {
      data::stream(path, options, first, {enough.get_token(), control.report});
    } catch (const Cancelled&) {  // it has what it needs
    }
    control.check();
    if (first.any()) {
      made->counts = first.table();
      made->share_positive = first.sharePositive();
    } else {
      made->counts_say = QObject::tr("The first cells have no counts.");
    }
  }
  made->dataset = std::move(dataset);
  return made;
}

double freeMemory() {
  double free = 0;
  QFile info("/proc/meminfo");
  if (info.open(QIODevice::ReadOnly))
    for (const QByteArray& line : info.readAll().split('\n'))
      if (line.startsWith("MemAvailable:")) free = 1024 * line.mid(13).simplified().split(' ').first().toDouble();
  const auto number = [](const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll().trimmed().toDouble() : 0.0;  // "max" is no number: no limit
  };
  const QString group = "/sys/fs/cgroup/";
  if (const double limit = number(group + "memory.max"); limit > 0)
    free = std::min(free > 0 ? free : limit, std::max(0.0, limit - number(group + "memory.current")));
  return free;
}

QString inBytes(double bytes) {
  if (bytes < 1e6) return QObject::tr("under 1 MB");
  return bytes < 1e9 ? QObject::tr("%1 MB").arg(bytes / 1e6, 0, 'f', 0)
                     : QObject::tr("%1 GB").arg(bytes / 1e9, 0, 'f', 1);
}

}  // namespace scriptorium::ui
