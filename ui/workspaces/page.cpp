#include "ui/workspaces/page.hpp"

#include <QButtonGroup>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QPushButton>
#include <QRegularExpression>
#include <QSpinBox>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

namespace scriptorium::ui {
namespace {

/// A spin box that shows 0.001 as "0.001", not with all the decimals it could hold.
class NumberBox : public QDoubleSpinBox {
 public:
  QString textFromValue(double value) const override { return QString::number(value, 'g', 10); }
  double valueFromText(const QString& text) const override { return text.toDouble(); }
  QValidator::State validate(QString& text, int&) const override {
    bool number = false;
    text.toDouble(&number);
    static const QRegularExpression begun("^[-+0-9.eE]*$");
    return number                         ? QValidator::Acceptable
           : begun.match(text).hasMatch() ? QValidator::Intermediate
                                          : QValidator::Invalid;
  }
};

}  // namespace

Page::Page(const QString& key, const QString& title, Session& session, QWidget* parent)
    : QWidget(parent), key_(key), title_(title), session_(session), stack_(new QStackedWidget) {
  setObjectName(key + "Page");
  setAccessibleName(title);
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(8, 6, 8, 6);
  box->addWidget(stack_);
}

void Page::setDark(bool dark) {
  dark_ = dark;
  for (auto* figure : findChildren<charts::FigureView*>()) figure->setDark(dark);
  themeChanged();
}

void Page::setContent(QWidget* content) {
  stack_->insertWidget(0, content);
}

void Page::showContent() {
  stack_->setCurrentIndex(0);
}

bool Page::showsContent() const {
  return stack_->currentWidget() != words_;
}

void Page::showWords(const QString& words, const std::vector<std::pair<QString, std::function<void()>>>& buttons) {
  auto* made = new QWidget;
  auto* box = new QVBoxLayout(made);
  auto* label = new QLabel(words);
  label->setObjectName(key_ + "Words");
  label->setTextFormat(Qt::RichText);
  label->setWordWrap(true);
  label->setAlignment(Qt::AlignCenter);
  label->setMinimumWidth(200);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  box->addStretch(2);
  box->addWidget(label);
  auto* row = new QHBoxLayout;
  row->addStretch();
  for (const auto& [text, act] : buttons) {
    auto* button = new QPushButton(text);
    button->setObjectName(key_ + "WordsButton" + QString::number(row->count()));
    connect(
        button, &QPushButton::clicked, this, [act = act] { act(); },
        Qt::QueuedConnection);  // it may replace this button
    row->addWidget(button);
  }
  row->addStretch();
  box->addLayout(row);
  box->addStretch(3);
  stack_->addWidget(made);
  stack_->setCurrentWidget(made);
  if (words_) words_->deleteLater();
  words_ = made;
}

charts::FigureView* Page::makeFigure(const QString& object_name, const QString& title, const QString& file_name) {
  auto* figure = new charts::FigureView;
  figure->setObjectName(object_name);
  figure->setAccessibleName(title);
  figure->setFileName(file_name);
  connect(figure, &charts::FigureView::failed, this, [this](const QString& message, const QString& remedy) {
    emit session_.errorReported({message, remedy});
  });
  return figure;
}

void addDragTools(QBoxLayout& row, charts::FigureView& figure, const QString& name) {
  auto* tools = new QButtonGroup(&figure);
  using Drag = charts::FigureView::Drag;
  for (const auto& [text, what, drag] :
       {std::tuple{QObject::tr("Zoom"), "Zoom", Drag::Zoom}, std::tuple{QObject::tr("Box"), "Box", Drag::Box},
        std::tuple{QObject::tr("Lasso"), "Lasso", Drag::Lasso}}) {
    auto* tool = new QToolButton;
    tool->setText(text);
    tool->setCheckable(true);
    tool->setChecked(drag == Drag::Lasso);
    help::describe(tool, name + what);
    tools->addButton(tool);
    row.addWidget(tool);
    QObject::connect(tool, &QToolButton::clicked, &figure, [&figure, drag = drag] { figure.setDrag(drag); });
  }
  figure.setDrag(Drag::Lasso);
}

QToolButton* makeFold(const QString& text, const QString& object_name, QWidget* content) {
  auto* fold = new QToolButton;
  fold->setText(text);
  fold->setCheckable(true);
  fold->setArrowType(Qt::RightArrow);
  fold->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  fold->setAutoRaise(true);
  help::describe(fold, object_name);
  content->hide();
  QObject::connect(fold, &QToolButton::toggled, content, [fold, content](bool open) {
    fold->setArrowType(open ? Qt::DownArrow : Qt::RightArrow);
    content->setVisible(open);
  });
  return fold;
}

QSpinBox* makeWholeNumber(const QString& object_name, int low, int high, int value, int step) {
  auto* box = new QSpinBox;
  box->setRange(low, high);
  box->setSingleStep(step);
  box->setValue(value);
  box->setGroupSeparatorShown(true);
  box->setKeyboardTracking(false);
  help::describe(box, object_name);
  return box;
}

QDoubleSpinBox* makeNumber(const QString& object_name, double low, double high, double value, double step,
                           int decimals) {
  auto* box = new NumberBox;
  box->setDecimals(decimals);
  box->setRange(low, high);
  box->setSingleStep(step);
  box->setValue(value);
  box->setKeyboardTracking(false);
  help::describe(box, object_name);
  return box;
}

}  // namespace scriptorium::ui
