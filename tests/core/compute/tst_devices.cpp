#include <QtTest>

#include "core/compute/devices.hpp"

/// With a GPU it is listed with its memory; without one, without a driver or without the module there is a reason.
class TestDevices : public QObject {
  Q_OBJECT

 private slots:
  void listsGpusOrSaysWhyNot() {
    const auto list = scriptorium::compute::list_gpus();
    QCOMPARE(list.gpus.empty(), !list.why_none.empty());
    for (const auto& gpu : list.gpus) {
      QVERIFY(!gpu.name.empty());
      QVERIFY(gpu.memory_bytes > 0 && gpu.free_bytes <= gpu.memory_bytes);
    }
    qInfo("%s", list.gpus.empty() ? list.why_none.c_str() : list.gpus.front().name.c_str());
  }
};

QTEST_GUILESS_MAIN(TestDevices)
#include "tst_devices.moc"
