#include "ui/workspaces/regression/regression_page.hpp"

namespace scriptorium::ui {

RegressionPage::RegressionPage(Session& session, QWidget* parent)
    : NeedsPage(
          "regression", tr("Regression"), session,
          tr("Counts explained by what is known of the cells: coefficients with intervals, gene by gene, and which "
             "genes did not converge."),
          {{tr("Columns on the cells to explain the counts by."), [](const Session& s) { return dataInWords(s); }}},
          parent) {}

}  // namespace scriptorium::ui
