#include "ui/workspaces/compare/compare_page.hpp"

namespace scriptorium::ui {

ComparePage::ComparePage(Session& session, QWidget* parent)
    : NeedsPage("compare", tr("Compare"), session,
                tr("Fits side by side on the same scales: expected predictive accuracy with its error, where they "
                   "differ gene by gene, and which settings differ."),
                {{tr("Two or more fits of the same data."), [](const Session& s) { return fitsInWords(s); }}}, parent) {
}

}  // namespace scriptorium::ui
