#pragma once
#include <QWidget>
#include <concepts>
#include <map>

#include "core/perturbation/program_search.hpp"
#include "core/perturbation/screening_de.hpp"
#include "core/perturbation/set_tests.hpp"

class QCheckBox;
class QDoubleSpinBox;
class QGridLayout;
class QSpinBox;

namespace scriptorium::ui {

/// What decides the genes of a screen: the words of `perturb de`, `perturb programs` and `perturb sets`.
struct GeneSettings {
  perturbation::DeOptions de;
  perturbation::ZOptions z;
  perturbation::ProgramSearchOptions programs;
  perturbation::ListOptions lists;
  perturbation::FisherOptions fisher;
  perturbation::RankOptions ranks;
};

/// The settings of a view of genes, and only those. Each value is used as soon as it is entered.
class GeneSettingsForm : public QWidget {
  Q_OBJECT
 public:
  /// What a setting decides; later ones are made of earlier ones: tests → Z matrix → programs; tests → lists → sets.
  enum class Part { Tests, Matrix, Programs, Lists, Fisher, Ranks };
  explicit GeneSettingsForm(QWidget* parent = nullptr);
  const GeneSettings& settings() const { return settings_; }
  /// Shows what the view depends on: "volcano", "z", "programs", "clusters", "sets", "ranks".
  void showFor(const QString& view);

 signals:
  void changed(scriptorium::ui::GeneSettingsForm::Part part);

 private:
  /// A box of settings, two in a row.
  QGridLayout* group(Part part);
  void place(Part part, const QString& label, QWidget* box);
  void number(Part part, const QString& label, QDoubleSpinBox* box, double& value);
  template <std::integral Number>
  void whole(Part part, const QString& label, QSpinBox* box, Number& value);
  void tick(Part part, const QString& text, const QString& name, bool& value);

  GeneSettings settings_;
  std::map<Part, QWidget*> groups_;
  std::map<Part, int> placed_;
};

}  // namespace scriptorium::ui
