#include "ui/workspaces/data/missing_form.hpp"

#include <QComboBox>
#include <QLabel>
#include <QVBoxLayout>

#include "ui/help/help_texts.hpp"

namespace scriptorium::ui {

using data::MissingRule;

MissingForm::MissingForm(Session& session, QWidget* parent)
    : QWidget(parent), session_(session), found_(new QLabel), says_(new QLabel), rule_(new QComboBox) {
  found_->setObjectName("missingFound");
  says_->setObjectName("missingSays");
  for (QLabel* label : {found_, says_}) {
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  }
  rule_->addItem(tr("leave out"), static_cast<int>(MissingRule::LeaveOut));
  rule_->addItem(tr("take as zero"), static_cast<int>(MissingRule::Zero));
  rule_->addItem(tr("keep fully measured genes only"), static_cast<int>(MissingRule::FullGenes));
  help::describe(rule_, "missingRule");
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 8);
  auto* title = new QLabel(tr("<b>Not measured</b>"));
  title->setBuddy(rule_);
  box->addWidget(title);
  box->addWidget(found_);
  box->addWidget(rule_);
  box->addWidget(says_);
  connect(rule_, &QComboBox::activated, this,
          [this](int index) { session_.data.setMissing(static_cast<MissingRule>(rule_->itemData(index).toInt())); });
  connect(&session_.data, &DataState::stageChanged, this, &MissingForm::show);
  connect(&session_.data, &DataState::filterChanged, this, &MissingForm::show);
  show();
}

void MissingForm::show() {
  const auto& opened = session_.data.opened();
  setVisible(opened && !opened->missing.isEmpty());
  if (!opened || opened->missing.isEmpty()) return;
  const MissingRule rule = session_.data.choice().missing;
  found_->setText(opened->missing);
  rule_->setCurrentIndex(rule_->findData(static_cast<int>(rule)));
  says_->setText(
      "<small>" +
      (rule == MissingRule::LeaveOut
           ? tr("They stay out of the likelihood: a gene is judged by the cells that measured it.")
       : rule == MissingRule::Zero
           ? tr("Every one of them counts as a zero. Right only where the gene was looked for and not found; "
                "else means come out too low.")
           : tr("Genes that some cell did not measure are left out of the fit altogether.")) +
      "</small>");
}

}  // namespace scriptorium::ui
