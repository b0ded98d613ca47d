#include "ui/shell/error_bar.hpp"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>

namespace scriptorium::ui {

ErrorBar::ErrorBar(QWidget* parent)
    : QFrame(parent),
      label_(new QLabel),
      copy_(new QPushButton(tr("Copy details"))),
      yes_(new QPushButton),
      no_(new QPushButton),
      close_(new QPushButton(tr("Close"))) {
  setObjectName("errorBar");
  label_->setObjectName("errorText");
  label_->setWordWrap(true);
  label_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  copy_->setObjectName("errorCopy");
  yes_->setObjectName("errorYes");
  no_->setObjectName("errorNo");
  close_->setObjectName("errorClose");
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(10, 6, 10, 6);
  row->addWidget(label_, 1);
  for (QPushButton* button : {yes_, no_, copy_, close_}) row->addWidget(button);
  connect(copy_, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(text()); });
  connect(yes_, &QPushButton::clicked, this, [this] {
    hide();
    if (accepted_) accepted_();
  });
  connect(no_, &QPushButton::clicked, this, [this] {
    hide();
    if (refused_) refused_();
  });
  connect(close_, &QPushButton::clicked, this, &QWidget::hide);
  hide();
}

void ErrorBar::showError(const JobError& error) {
  error_ = true;
  label_->setText(QString("<b>%1</b><br>%2").arg(error.message.toHtmlEscaped(), error.remedy.toHtmlEscaped()));
  setProperty("kind", "error");
  setStyleSheet("#errorBar { background: #fbe3d6; border: 1px solid #d55e00; } #errorBar QLabel { color: #3a1600; }");
  copy_->show();
  yes_->hide();
  no_->hide();
  close_->setText(tr("Close"));
  show();
}

void ErrorBar::offer(const QString& text, const QString& yes, std::function<void()> accepted, const QString& no,
                     std::function<void()> refused) {
  error_ = false;
  accepted_ = std::move(accepted);
  refused_ = std::move(refused);
  label_->setText(text);
  setStyleSheet("#errorBar { background: #dcecf7; border: 1px solid #0072b2; } #errorBar QLabel { color: #06283d; }");
  copy_->hide();
  yes_->setText(yes);
  yes_->show();
  no_->setText(no);
  no_->show();
  close_->setText(tr("Not now"));
  show();
}

QString ErrorBar::text() const {
  return label_->text().replace("<br>", "\n").remove("<b>").remove("</b>");
}

}  // namespace scriptorium::ui
