#pragma once
#include <QFrame>
#include <functional>

#include "ui/jobs/job_error.hpp"

class QLabel;
class QPushButton;

namespace scriptorium::ui {

/// What went wrong and what to do, over the page and without stopping the work. Copy takes the whole text.
class ErrorBar : public QFrame {
  Q_OBJECT
 public:
  explicit ErrorBar(QWidget* parent = nullptr);
  void showError(const JobError& error);
  /// A question with two answers; "Not now" closes it and does neither.
  void offer(const QString& text, const QString& yes, std::function<void()> accepted, const QString& no,
             std::function<void()> refused);
  QString text() const;
  bool isError() const { return error_; }

 private:
  QLabel* label_;
  QPushButton *copy_, *yes_, *no_, *close_;
  std::function<void()> accepted_, refused_;
  bool error_ = false;
};

}  // namespace scriptorium::ui
