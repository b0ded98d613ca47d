#pragma once
#include <QAbstractButton>
#include <QApplication>
#include <QComboBox>
#include <QLabel>
#include <QTest>
#include <algorithm>

#include "ui/shell/error_bar.hpp"
#include "ui/shell/main_window.hpp"
#include "ui/workspaces/page.hpp"

/// Finds the controls of the real window by object name and works them as a hand would.
class WindowDriver {
 public:
  explicit WindowDriver(scriptorium::ui::MainWindow& window) : window_(window) {}

  template <class Widget>
  Widget* find(const QString& name) const {
    Widget* found = window_.findChild<Widget*>(name);
    if (!found) qWarning("no control named %s", qPrintable(name));
    return found;
  }
  /// A real click in the middle of a control; false when it is not there, hidden or disabled.
  bool click(const QString& name) const {
    auto* widget = find<QWidget>(name);
    if (!widget || !widget->isVisible() || !widget->isEnabled()) return false;
    // A radio button or check box takes clicks on its mark, at the left.
    const QPoint at = widget->inherits("QRadioButton") || widget->inherits("QCheckBox")
                          ? QPoint(9, widget->height() / 2)
                          : widget->rect().center();
    QTest::mouseClick(widget, Qt::LeftButton, {}, at);
    return true;
  }
  /// Goes to a page by its tab.
  void page(const QString& key) const { window_.showPage(key); }
  bool choose(const QString& name, const QString& text) const {
    auto* box = find<QComboBox>(name);
    const int index = box ? box->findText(text) : -1;
    if (index < 0) return false;
    box->setCurrentIndex(index);
    emit box->activated(index);
    return true;
  }
  QString text(const QString& label) const {
    auto* found = find<QLabel>(label);
    return found ? found->text() : QString();
  }
  template <class Condition>
  static bool wait(Condition condition, int milliseconds = 60'000) {
    return QTest::qWaitFor(condition, milliseconds);
  }
  bool waitForData() const {
    auto& data = window_.session().data;
    using Stage = scriptorium::ui::DataState::Stage;
    wait([&] { return data.stage() == Stage::Failed || (data.stage() == Stage::Ready && !data.preparing()); });
    return data.stage() == Stage::Ready && data.prepared();
  }
  bool waitForQueue() const {
    auto& queue = window_.session().queue;
    return wait([&] { return !queue.running() && queue.waiting() == 0; }, 3'600'000);
  }
  bool waitForWork() const {
    return wait([&] { return !window_.session().pool.busy(); }, 3'600'000);
  }
  /// Until every figure in view is drawn.
  bool waitForFigures() const {
    return wait([&] {
      const auto figures = window_.currentPage()->findChildren<scriptorium::charts::FigureView*>();
      return std::none_of(figures.begin(), figures.end(),
                          [](auto* figure) { return figure->isVisible() && figure->isBuilding(); });
    });
  }
  /// What the error bar says; empty when there is none.
  QString error() const {
    auto* bar = find<scriptorium::ui::ErrorBar>("errorBar");
    return bar && bar->isVisible() && bar->isError() ? bar->text() : QString();
  }

 private:
  scriptorium::ui::MainWindow& window_;
};
