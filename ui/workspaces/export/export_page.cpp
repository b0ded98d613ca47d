#include "ui/workspaces/export/export_page.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QDir>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <QSplitter>
#include <QStandardPaths>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "ui/charts/figure_job.hpp"
#include "ui/workspaces/export/fit_exports.hpp"

namespace scriptorium::ui {

ExportPage::ExportPage(Session& session, QWidget* parent) : Page("export", tr("Export"), session, parent) {
  addFitItems();
  setContent(makeContent());
  connect(&session.exports, &ExportList::changed, this, &ExportPage::refreshSoon);
  connect(&session.fits, &FitStore::currentChanged, this, &ExportPage::refreshSoon);
  connect(&session.fits, &FitStore::changed, this, &ExportPage::refreshSoon);
  refresh_.setSingleShot(true);
  refresh_.setInterval(300);
  connect(&refresh_, &QTimer::timeout, this, &ExportPage::fillList);
  fillList();
}

void ExportPage::refreshSoon() {
  if (isVisible() && !refresh_.isActive()) refresh_.start();
}

void ExportPage::showEvent(QShowEvent* event) {
  Page::showEvent(event);
  refresh_.start(0);
}

void ExportPage::addFitItems() {
  for (const auto& [key, title, make] : {std::tuple{"map", tr("Point estimates"), &mapTable},
                                         std::tuple{"distributions", tr("Marginal posteriors"), &distributionsTable},
                                         std::tuple{"loss_table", tr("Loss"), &lossTable}}) {
    session().exports.addTable({key, title, [this, make = make]() -> ExportList::TableMaker {
                                  const auto* entry = session().fits.current();
                                  if (!entry) return {};
                                  return [fit = entry->fit, make](const RunControl&) { return make(*fit); };
                                }});
  }
  const auto file = [this](const char* key, const QString& title, const char* ending, bool small, auto write) {
    session().exports.addFile({key, title, ending, small, [this, write]() -> ExportList::FileMaker {
                                 const auto* entry = session().fits.current();
                                 if (!entry) return {};
                                 return [fit = entry->fit, write](const QString& path, const RunControl& control) {
                                   write(path, *fit, control);
                                 };
                               }});
  };
  file("provenance", tr("Record: settings, seed, versions"), "txt", true,
       [](const QString& path, const result::Fit& fit, const RunControl&) { writeText(path, provenance(fit)); });
  file("posterior", tr("Posterior draws (netCDF)"), "nc", false, writeDraws);
  session().exports.addFile({"data", tr("Data with the fit (h5ad)"), "h5ad", false, [this]() -> ExportList::FileMaker {
                               const auto* entry = session().fits.current();
                               const auto prepared = session().data.prepared();
                               if (!entry || !prepared || prepared->id != entry->fit->data_id)
                                 return {};  // only with the data it was made from
                               return [fit = entry->fit, prepared](const QString& path, const RunControl& control) {
                                 writeAnndata(path, *fit, *prepared->dataset, control);
                               };
                             }});
}

QWidget* ExportPage::makeSettings() {
  const auto check = [&](const QString& text, const QString& name, bool on) {
    auto* box = new QCheckBox(text);
    box->setChecked(on);
    help::describe(box, name);
    connect(box, &QCheckBox::toggled, this, &ExportPage::countFiles);
    return box;
  };
  preset_ = new QComboBox;
  help::describe(preset_, "widthPreset");
  for (const charts::WidthPreset& preset : charts::widthPresets()) preset_->addItem(preset.name, preset.mm);
  preset_->addItem(tr("own width"), 0);
  preset_->setCurrentIndex(1);
  width_ = makeNumber("exportWidth", 10, 1000, 174, 1, 1);
  height_ = makeNumber("exportHeight", 10, 1000, 110, 1, 1);
  dpi_ = makeWholeNumber("exportDpi", 30, 1200, 300, 50);
  png_ = check("PNG", "exportPng", true);
  svg_ = check("SVG", "exportSvg", false);
  pdf_ = check("PDF", "exportPdf", true);
  tsv_ = check("TSV", "exportTsv", true);
  csv_ = check("CSV", "exportCsv", false);
  numbers_ = check(tr("numbers behind each figure"), "exportNumbers", true);
  replace_ = check(tr("replace files that are there"), "exportReplace", false);
  pattern_ = new QLineEdit("{fit}_{item}");
  help::describe(pattern_, "exportPattern");
  folder_ = new QLineEdit(
      session()
          .settings
          .value("exportFolder", QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation) + "/scriptorium")
          .toString());
  help::describe(folder_, "exportFolder");
  auto* browse = new QPushButton("…");
  help::describe(browse, "exportBrowse");
  browse->setMaximumWidth(36);
  export_ = new QPushButton;
  export_->setObjectName("exportButton");
  cancel_ = new QPushButton(tr("Cancel"));
  cancel_->setObjectName("exportCancel");
  cancel_->hide();
  progress_ = new QProgressBar;
  progress_->hide();
  said_ = new QLabel;
  said_->setObjectName("exportSaid");
  said_->setWordWrap(true);
  said_->setTextInteractionFlags(Qt::TextSelectableByMouse);

  const auto row = [](std::initializer_list<QWidget*> widgets) {
    auto* made = new QHBoxLayout;
    for (QWidget* widget : widgets) made->addWidget(widget);
    made->addStretch();
    return made;
  };
  auto* inside = new QWidget;
  auto* form = new QFormLayout(inside);
  form->setContentsMargins(0, 0, 0, 0);
  form->setRowWrapPolicy(QFormLayout::WrapLongRows);
  form->addRow(tr("Width"), preset_);
  form->addRow(tr("Size (mm)"), row({width_, new QLabel("×"), height_}));
  form->addRow(tr("Dots per inch"), dpi_);
  form->addRow(tr("Figures as"), row({png_, svg_, pdf_}));
  form->addRow(tr("Tables as"), row({tsv_, csv_}));
  form->addRow(numbers_);
  form->addRow(tr("Names"), pattern_);
  auto* folder_row = new QHBoxLayout;
  folder_row->addWidget(folder_, 1);
  folder_row->addWidget(browse);
  form->addRow(tr("Folder"), folder_row);
  form->addRow(replace_);
  auto* last = new QHBoxLayout;
  last->addWidget(export_);
  last->addWidget(progress_, 1);
  last->addWidget(cancel_);
  last->addStretch();
  form->addRow(last);
  form->addRow(said_);
  connect(preset_, &QComboBox::activated, this, [this] {
    if (preset_->currentData().toDouble() > 0) width_->setValue(preset_->currentData().toDouble());
  });
  connect(width_, &QDoubleSpinBox::valueChanged, this, [this](double mm) {
    int at = preset_->count() - 1;
    for (int i = 0; i + 1 < preset_->count(); ++i)
      if (preset_->itemData(i).toDouble() == mm) at = i;
    preset_->setCurrentIndex(at);
    showPreview();
  });
  connect(height_, &QDoubleSpinBox::valueChanged, this, &ExportPage::showPreview);
  connect(pattern_, &QLineEdit::textChanged, this, &ExportPage::countFiles);
  connect(folder_, &QLineEdit::textChanged, this, &ExportPage::countFiles);
  connect(browse, &QPushButton::clicked, this, [this] {
    const QString chosen = QFileDialog::getExistingDirectory(this, tr("Export to"), folder_->text());
    if (!chosen.isEmpty()) folder_->setText(chosen);
  });
  connect(export_, &QPushButton::clicked, this, &ExportPage::start);
  connect(cancel_, &QPushButton::clicked, this, [this] {
    if (job_) job_->cancel();
  });
  return inside;
}

QWidget* ExportPage::makeContent() {
  list_ = new QTreeWidget;
  help::describe(list_, "exportList");
  list_->setHeaderHidden(true);
  const auto group = [&](const QString& text) {
    auto* item = new QTreeWidgetItem(list_, {text});
    item->setFlags(item->flags() | Qt::ItemIsAutoTristate | Qt::ItemIsUserCheckable);
    item->setCheckState(0, Qt::Checked);
    item->setExpanded(true);
    return item;
  };
  figures_ = group(tr("Figures"));
  tables_ = group(tr("Tables"));
  files_ = group(tr("Other files"));
  connect(list_, &QTreeWidget::itemChanged, this, &ExportPage::countFiles);
  connect(list_, &QTreeWidget::currentItemChanged, this, &ExportPage::showPreview);
  preview_ = new QLabel;
  preview_->setObjectName("exportPreview");
  preview_->setAlignment(Qt::AlignCenter);
  preview_->setMinimumSize(200, 160);
  preview_->setFrameShape(QFrame::StyledPanel);
  preview_->setWordWrap(true);
  made_ = new QLabel;
  made_->setObjectName("provenanceLabel");
  made_->setWordWrap(true);
  made_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  auto* settings = makeSettings();
  auto* right = new QWidget;
  auto* box = new QVBoxLayout(right);
  box->setContentsMargins(0, 0, 0, 0);
  box->addWidget(new QLabel(tr("<b>Preview</b>")));
  box->addWidget(preview_, 1);
  box->addWidget(made_);
  auto* across = new QSplitter;
  for (QWidget* column : std::initializer_list<QWidget*>{list_, settings, right}) across->addWidget(column);
  across->setStretchFactor(2, 1);
  across->setSizes({270, 320, 420});
  across->setChildrenCollapsible(false);
  return across;
}

void ExportPage::fillList() {
  const QSignalBlocker quiet(list_);
  QHash<QString, Qt::CheckState> before;
  for (QTreeWidgetItem* group : {figures_, tables_, files_}) {
    for (int i = 0; i < group->childCount(); ++i)
      if (!group->child(i)->isDisabled())
        before[group->child(i)->data(0, Qt::UserRole).toString()] = group->child(i)->checkState(0);
  }
  const QString chosen = list_->currentItem() ? list_->currentItem()->data(0, Qt::UserRole).toString() : QString();
  const auto add = [&](QTreeWidgetItem* group, const QString& key, const QString& title, bool there,
                       bool wanted = true) {
    auto* item = new QTreeWidgetItem(group, {there ? title : tr("%1 (not made yet)").arg(title)});
    item->setData(0, Qt::UserRole, key);
    item->setCheckState(0, there ? before.value(key, wanted ? Qt::Checked : Qt::Unchecked) : Qt::Unchecked);
    item->setDisabled(!there);
    if (key == chosen && there) list_->setCurrentItem(item);
  };
  for (QTreeWidgetItem* group : {figures_, tables_, files_}) qDeleteAll(group->takeChildren());
  for (const auto& item : session().exports.figures()) add(figures_, item.key, item.title, !item.figure().empty());
  for (const auto& item : session().exports.tables())
    add(tables_, item.key, item.title, static_cast<bool>(item.table()));
  for (const auto& item : session().exports.files())
    add(files_, item.key, item.title, static_cast<bool>(item.file()), item.small);
  for (int i = 0; i < figures_->childCount(); ++i) {
    if (list_->currentItem() && list_->currentItem()->parent()) break;
    if (!figures_->child(i)->isDisabled()) list_->setCurrentItem(figures_->child(i));
  }
  showPreview();
  countFiles();
}

void ExportPage::showPreview() {
  delete preview_job_.data();  // an older preview is not wanted any more
  const QTreeWidgetItem* item = list_->currentItem();
  const QString key = item ? item->data(0, Qt::UserRole).toString() : QString();
  charts::Figure figure;
  for (const auto& one : session().exports.figures())
    if (one.key == key && item->parent() == figures_) figure = one.figure();
  if (figure.empty()) {
    preview_->setPixmap({});
    preview_->setText(key.isEmpty() ? tr("Choose a figure to see it as it will be printed.")
                                    : tr("A table or text: nothing to preview."));
    return;
  }
  const QSizeF mm(width_->value(), height_->value());
  const double ratio = devicePixelRatioF();
  const QSizeF room = QSizeF(preview_->size() - QSize(12, 8)).expandedTo({120, 90}) * ratio;
  const double fits = std::min(room.width() / mm.width(), room.height() / mm.height()) * 25.4;
  const int dpi = static_cast<int>(std::clamp(fits, 30.0, 300.0));
  auto image = std::make_shared<QImage>();
  preview_job_ = new charts::FigureJob(
      std::move(figure), mm, [image, dpi](const charts::DrawnFigure& drawn) { *image = imageOf(drawn, dpi); }, this);
  connect(preview_job_, &charts::FigureJob::failed, this,
          [this](const QString& message, const QString& remedy) { preview_->setText(message + "\n" + remedy); });
  connect(preview_job_, &charts::FigureJob::done, this, [this, image, ratio] {
    QPixmap picture = QPixmap::fromImage(*image);
    picture.setDevicePixelRatio(ratio);
    preview_->setPixmap(picture);
  });
}

QString ExportPage::fileName(const QString& item, const QString& ending) const {
  const auto* entry = session().fits.current();
  QString name = pattern_->text().isEmpty() ? QString("{item}") : pattern_->text();
  if (!name.contains("{item}")) name += "_{item}";  // or all files would have one name
  name.replace("{fit}", entry ? entry->name : tr("data")).replace("{item}", item);
  for (QChar& c : name)
    if (QString("/\\:*?\"<>| ").contains(c)) c = '_';
  return name + "." + ending;
}

ExportPlan ExportPage::plan() const {
  ExportPlan plan;
  plan.folder = folder_->text().trimmed();
  plan.size_mm = {width_->value(), height_->value()};
  plan.dpi = dpi_->value();
  plan.replace = replace_->isChecked();
  QStringList table_endings;
  if (tsv_->isChecked()) table_endings << "tsv";
  if (csv_->isChecked()) table_endings << "csv";
  const auto checked = [](const QTreeWidgetItem* group, const QString& key) {
    for (int i = 0; i < group->childCount(); ++i)
      if (group->child(i)->data(0, Qt::UserRole).toString() == key)
        return group->child(i)->checkState(0) == Qt::Checked;
    return false;
  };
  for (const auto& item : session().exports.figures()) {
    if (!checked(figures_, item.key)) continue;
    const charts::Figure figure = item.figure();
    for (const auto& [box, ending] : {std::pair{png_, "png"}, std::pair{svg_, "svg"}, std::pair{pdf_, "pdf"}})
      if (box->isChecked()) plan.figures.push_back({fileName(item.key, ending), figure});
    if (!numbers_->isChecked()) continue;
    for (const QString& ending : table_endings)
      plan.others.push_back(
          {fileName(item.key + "_numbers", ending), [figure, ending](const QString& path, const RunControl&) {
             writeText(path, figure.toTable(ending == "csv" ? ',' : '\t'));
           }});
  }
  for (const auto& item : session().exports.tables()) {
    if (!checked(tables_, item.key)) continue;
    const auto table = item.table();  // none: it went away since the list was filled
    for (const QString& ending : table_endings)
      if (table) plan.tables.push_back({fileName(item.key, ending), table});
  }
  for (const auto& item : session().exports.files()) {
    if (!checked(files_, item.key)) continue;
    if (const auto write = item.file()) plan.others.push_back({fileName(item.key, item.ending), write});
  }
  return plan;
}

void ExportPage::countFiles() {
  const int files = plan().files();
  export_->setText(files == 1 ? tr("Export 1 file") : tr("Export %1 files").arg(files));
  export_->setEnabled(files > 0 && !folder_->text().trimmed().isEmpty() && !job_);
  help::describe(export_, "exportButton");
  const auto* entry = session().fits.current();
  made_->setText(entry ? tr("<small>%1, seed %2, %3, data %4</small>")
                             .arg(entry->name.toHtmlEscaped())
                             .arg(entry->fit->options.seed)
                             .arg(QString::fromStdString(entry->fit->device).toHtmlEscaped(),
                                  QString::fromStdString(entry->fit->data_id).left(12))
                       : tr("<small>No fit yet: only the data can be exported.</small>"));
}

void ExportPage::start() {
  if (job_) return;
  job_ = new ExportJob(session().pool, plan(), this);
  session().settings.setValue("exportFolder", folder_->text());
  progress_->setRange(0, 0);
  progress_->show();
  cancel_->show();
  said_->clear();
  connect(job_, &ExportJob::progressed, this, [this](int done, int all) {
    progress_->setRange(0, all);
    progress_->setValue(done);
  });
  connect(job_, &ExportJob::finished, this, [this](const QStringList& written, const JobError& error) {
    progress_->hide();
    cancel_->hide();
    job_->deleteLater();
    job_ = nullptr;
    const QString count = written.size() == 1 ? tr("1 file") : tr("%1 files").arg(written.size());
    said_->setText(error.empty() ? tr("%1 written to %2.").arg(count, folder_->text().toHtmlEscaped())
                                 : QString("<span style='color:#d55e00'><b>%1</b></span><br>%2<br>%3")
                                       .arg(error.message.toHtmlEscaped(), error.remedy.toHtmlEscaped(),
                                            tr("Written before that: %1.").arg(count)));
    countFiles();
  });
  countFiles();
  job_->start();
}

}  // namespace scriptorium::ui
