#include "ui/workspaces/components/components_page.hpp"

namespace scriptorium::ui {

ComponentsPage::ComponentsPage(Session& session, QWidget* parent)
    : NeedsPage("components", tr("Components"), session,
                tr("Which cell belongs to which component of a mixture, and how sure that is: cells sorted by their "
                   "probabilities, entropy by cell, and the components' means gene by gene."),
                {{tr("A fit of a mixture, two components or more."),
                  [](const Session& s) {
                    return fitsInWords(s) + QObject::tr(" The models of this version have one component.");
                  }}},
                parent) {}

}  // namespace scriptorium::ui
