#pragma once
#include <QWidget>
#include <map>

#include "ui/workspaces/page.hpp"

class QGridLayout;
class QLabel;
class QLineEdit;

namespace scriptorium::ui {

/// The priors of the model: one row a parameter, built from the model's layout, each drawn as it is typed.
class PriorForm : public QWidget {
  Q_OBJECT
 public:
  PriorForm(Session& session, charts::FigureView& densities, QWidget* parent = nullptr);
  charts::Figure figure() const;

 private:
  struct Row {
    model::Site site;
    QLineEdit *a, *b;
    QLabel* says;
  };
  void rebuild();
  void typed(const std::string& site);
  void draw();

  Session& session_;
  charts::FigureView& densities_;
  QGridLayout* grid_;
  std::map<std::string, Row> rows_;
  std::vector<std::string> order_;
  bool typing_ = false;
};

}  // namespace scriptorium::ui
