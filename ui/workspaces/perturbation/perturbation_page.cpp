#include "ui/workspaces/perturbation/perturbation_page.hpp"

namespace scriptorium::ui {

PerturbationPage::PerturbationPage(Session& session, QWidget* parent)
    : NeedsPage("perturbation", tr("Perturbation"), session,
                tr("For every guide of a screen: how strongly its cells respond against the controls, which cells "
                   "respond at all, and which guides do nothing."),
                {{tr("A column that names the guide or target of each cell, and its control label."),
                  [](const Session& s) { return dataInWords(s); }}},
                parent) {}

}  // namespace scriptorium::ui
