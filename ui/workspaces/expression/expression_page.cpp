#include "ui/workspaces/expression/expression_page.hpp"

namespace scriptorium::ui {

ExpressionPage::ExpressionPage(Session& session, QWidget* parent)
    : NeedsPage("expression", tr("Diff. expr."), session,
                tr("Genes that differ between two groups of cells: effect with its interval, the chance that it is "
                   "larger than you care about, and the expected false discoveries."),
                {{tr("Two fits, or one fit with two components."), [](const Session& s) { return fitsInWords(s); }},
                 {tr("Groups: a column on the cells."), [](const Session& s) { return dataInWords(s); }}},
                parent) {}

}  // namespace scriptorium::ui
