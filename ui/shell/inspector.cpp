#include "ui/shell/inspector.hpp"

#include <QApplication>
#include <QLabel>
#include <QScrollArea>
#include <QVBoxLayout>

#include "ui/help/help_texts.hpp"

namespace scriptorium::ui {

Inspector::Inspector(QWidget* parent) : QWidget(parent), title_(new QLabel), control_(new QLabel), page_(new QLabel) {
  setObjectName("inspector");
  for (QLabel* label : {title_, control_, page_}) {
    label->setWordWrap(true);
    label->setTextFormat(Qt::RichText);
    label->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  }
  control_->setObjectName("inspectorControl");
  page_->setObjectName("inspectorPage");
  auto* inside = new QWidget;
  auto* box = new QVBoxLayout(inside);
  box->addWidget(title_);
  box->addWidget(page_);
  box->addSpacing(8);
  box->addWidget(control_);
  box->addStretch();
  auto* scroll = new QScrollArea;
  scroll->setWidget(inside);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  auto* all = new QVBoxLayout(this);
  all->setContentsMargins(0, 0, 0, 0);
  all->addWidget(scroll);
  connect(qApp, &QApplication::focusChanged, this, [this](QWidget*, QWidget* now) { showControl(now); });
}

void Inspector::addBelow(QWidget* panel) {
  layout()->addWidget(panel);
}

void Inspector::showPage(const QString& key, const QString& title) {
  title_->setText("<h3>" + title.toHtmlEscaped() + "</h3>");
  page_->setText(help::page(key));
  control_->clear();
}

void Inspector::showControl(QWidget* control) {
  while (control && control->whatsThis().isEmpty()) control = control->parentWidget();
  if (!control) return;
  control_->setText(QString("<hr><b>%1</b><br>%2")
                        .arg(control->accessibleName().toHtmlEscaped(), control->whatsThis().toHtmlEscaped()));
}

}  // namespace scriptorium::ui
