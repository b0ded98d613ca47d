#pragma once
#include <QWidget>

#include "core/compute/devices.hpp"
#include "core/inference/fit.hpp"
#include "ui/project/session.hpp"

class QComboBox;
class QLabel;
class QToolButton;

namespace scriptorium::ui {

/// What the machine has, told in one go by a worker.
struct DeviceFacts {
  compute::GpuList gpus;
  double free_bytes = 0;         ///< of main memory; 0 where it is not known
  inference::FitEstimate needs;  ///< of the model of the form on the open data
  bool known = false;            ///< whether `needs` says anything
};

/// What is said under the choice of a device: its free memory, what the fit needs, and what happens when it is not
/// enough or not there.
QString deviceInWords(const DeviceFacts& facts, const QString& device);

/// On what fits are computed: by itself, the processor, or one of the GPUs, with free and needed memory.
class DevicePanel : public QWidget {
  Q_OBJECT
 public:
  explicit DevicePanel(Session& session, QWidget* parent = nullptr);

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void look();  ///< asks a worker what there is
  void show(const DeviceFacts& facts);

  Session& session_;
  QComboBox* device_;
  QLabel* says_;
  QToolButton* again_;
  DeviceFacts facts_;
};

}  // namespace scriptorium::ui
