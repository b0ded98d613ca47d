#include "ui/workspaces/run/device_panel.hpp"

#include <QComboBox>
#include <QLabel>
#include <QThread>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/help/help_texts.hpp"
#include "ui/project/file_preview.hpp"

namespace scriptorium::ui {

QString deviceInWords(const DeviceFacts& facts, const QString& device) {
  const compute::Gpu* gpu = nullptr;
  for (const compute::Gpu& one : facts.gpus.gpus)
    if (device == QString("cuda:%1").arg(one.index)) gpu = &one;
  QStringList lines;
  if (facts.gpus.gpus.empty()) {
    const QString why = QString::fromStdString(facts.gpus.why_none);
    lines << (why.isEmpty() ? QObject::tr("No GPU. The CPU is used.")
                            : QObject::tr("No GPU: %1. The CPU is used.").arg(why));
  } else if (device.startsWith("cuda") && !gpu) {
    lines << QObject::tr("%1 is not there now: the CPU is used.").arg(device);
  }
  const double free = gpu ? gpu->free_bytes : facts.free_bytes,
               needs = gpu ? facts.needs.device_bytes : facts.needs.bytes;
  if (facts.known && needs > 0) {
    QString text = QObject::tr("This model needs about %1").arg(inBytes(needs));
    text += free > 0 ? QObject::tr("; %1 are free.").arg(inBytes(free)) : QString(".");
    if (free > 0 && needs > free)
      text +=
          gpu ? QObject::tr(" Too little: the work is cut into smaller pieces, and what does not fit goes to the CPU.")
              : QObject::tr(" Too little: keep fewer cells or genes, or close other programs.");
    lines << text;
  } else if (free > 0) {
    lines << QObject::tr("%1 of memory are free.").arg(inBytes(free));
  }
  if (gpu && facts.known && facts.needs.device_bytes == 0)
    lines << QObject::tr("Nothing in this fit is work for a GPU: the CPU does it.");
  return lines.join(' ');
}

DevicePanel::DevicePanel(Session& session, QWidget* parent)
    : QWidget(parent), session_(session), device_(new QComboBox), says_(new QLabel), again_(new QToolButton) {
  help::describe(device_, "deviceChoice");
  device_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  says_->setObjectName("deviceSays");
  says_->setWordWrap(true);
  says_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  again_->setText("↻");
  help::describe(again_, "deviceAgain");
  auto* row = new QHBoxLayout;
  auto* label = new QLabel(tr("Device"));
  label->setBuddy(device_);
  row->addWidget(label);
  row->addWidget(device_, 1);
  row->addWidget(again_);
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->addLayout(row);
  box->addWidget(says_);
  connect(again_, &QToolButton::clicked, this, &DevicePanel::look);
  connect(device_, &QComboBox::activated, this, [this](int index) {
    session_.setDevice(device_->itemData(index).toString());
    says_->setText(deviceInWords(facts_, session_.device()));
  });
  show({});
}

void DevicePanel::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  look();
}

void DevicePanel::look() {
  Answer<DeviceFacts> answer;
  answer.done = [this](const DeviceFacts& facts) { show(facts); };
  session_.pool.request<DeviceFacts>(
      "devices", this,
      [data = session_.data.prepared(), model = session_.model.model(),
       options = session_.model.options()](const RunControl&) {
        DeviceFacts facts;
        facts.gpus = compute::list_gpus();
        facts.free_bytes = freeMemory();
        if (data) {
          facts.needs = inference::estimate({model, data->summary.get(), &data->dataset->counts}, options);
          facts.known = true;
        }
        return facts;
      },
      std::move(answer));
}

void DevicePanel::show(const DeviceFacts& facts) {
  facts_ = facts;
  device_->clear();
  device_->addItem(tr("automatic"), "auto");
  device_->addItem(tr("CPU, %1 threads").arg(QThread::idealThreadCount()), "cpu");
  for (const compute::Gpu& gpu : facts.gpus.gpus)
    device_->addItem(tr("GPU %1: %2, %3 of %4 free")
                         .arg(gpu.index)
                         .arg(QString::fromStdString(gpu.name), inBytes(gpu.free_bytes), inBytes(gpu.memory_bytes)),
                     QString("cuda:%1").arg(gpu.index));
  if (device_->findData(session_.device()) < 0)
    device_->addItem(tr("%1 (not there)").arg(session_.device()), session_.device());
  device_->setCurrentIndex(device_->findData(session_.device()));
  says_->setText(deviceInWords(facts_, session_.device()));
}

}  // namespace scriptorium::ui
