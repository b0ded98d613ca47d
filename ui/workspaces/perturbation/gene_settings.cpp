#include "ui/workspaces/perturbation/gene_settings.hpp"

#include <QCheckBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QSpinBox>
#include <QVBoxLayout>
#include <set>

#include "ui/workspaces/page.hpp"

namespace scriptorium::ui {
namespace {

constexpr int kInARow = 2;

}  // namespace

GeneSettingsForm::GeneSettingsForm(QWidget* parent) : QWidget(parent) {
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->setSpacing(0);
  GeneSettings& of = settings_;
  using enum Part;
  number(Tests, tr("|log2 FC| from"), makeNumber("genesDeLogfc", 0, 20, 0, 0.05, 6), of.de.logfc_threshold);
  number(Tests, tr("Share expressing"), makeNumber("genesDeMinPct", 0, 1, 0, 0.05, 6), of.de.min_pct);
  whole(Tests, tr("Cells expressing"), makeWholeNumber("genesDeMinCells", 0, 1'000'000, 0, 1), of.de.min_cells);
  tick(Tests, tr("Numbers as glmGamPoi"), "genesDeRCompatible", of.de.r_compatible);
  tick(Tests, tr("All cells weigh 1"), "genesDeUnweighted", of.de.unweighted);

  number(Matrix, tr("p up to"), makeNumber("genesZP", 0, 1, 0, 1e-6, 30), of.z.p);
  number(Matrix, tr("|log2 FC| from"), makeNumber("genesZLog2fc", 0, 20, 0, 0.05, 6), of.z.log2fc);
  whole(Matrix, tr("Genes per target"), makeWholeNumber("genesZMost", 0, 1'000'000, 0, 10), of.z.most);

  number(Programs, tr("Clusters cut at"), makeNumber("genesHeight", 0, 1, 0, 0.05, 6), of.programs.height);
  whole(Programs, tr("Components"), makeWholeNumber("genesComponents", 1, 1000, 1, 1),
        of.programs.pca.components.number);
  whole(Programs, tr("Permutations"), makeWholeNumber("genesPermutations", 1, 1'000'000, 1, 100),
        of.programs.pca.permutations);
  number(Programs, tr("p of genes up to"), makeNumber("genesRowP", 0, 1, 0, 0.01, 6), of.programs.pca.row_p);
  whole(Programs, tr("Clear genes from"), makeWholeNumber("genesMinSig", 0, 1'000'000, 0, 1),
        of.programs.clean.min_sig);
  whole(Programs, tr("Seed"), makeWholeNumber("genesProgramSeed", 0, 2'000'000'000, 0, 1), of.programs.pca.seed);
  tick(Programs, tr("Mask the target's own gene"), "genesMaskTarget", of.programs.clean.mask_target);
  tick(Programs, tr("Each group by itself"), "genesEach", of.programs.each);
  tick(Programs, tr("All targets together"), "genesWhole", of.programs.whole);

  number(Lists, tr("Adjusted p up to"), makeNumber("genesListP", 0, 1, 0, 0.01, 6), of.lists.p_adj);
  number(Lists, tr("|log2 FC| above"), makeNumber("genesListLog2fc", 0, 20, 0, 0.05, 6), of.lists.log2fc);
  whole(Lists, tr("Genes from"), makeWholeNumber("genesListLeast", 1, 1'000'000, 1, 1), of.lists.least);

  tick(Fisher, tr("One gene of the overlap is taken away (EASE)"), "genesEase", of.fisher.ease);

  number(Ranks, tr("Depth weight p"), makeNumber("genesRboP", 0.001, 0.999, 0.5, 0.01, 6), of.ranks.p);
  whole(Ranks, tr("Ranks"), makeWholeNumber("genesRboDepth", 1, 1'000'000, 1, 50), of.ranks.depth);
  whole(Ranks, tr("Permutations"), makeWholeNumber("genesRboPermutations", 2, 1'000'000, 2, 100),
        of.ranks.permutations);
  whole(Ranks, tr("Seed"), makeWholeNumber("genesRboSeed", 0, 2'000'000'000, 0, 1), of.ranks.seed);
  tick(Ranks, tr("Count permutations"), "genesRboEmpirical", of.ranks.empirical);
}

void GeneSettingsForm::showFor(const QString& view) {
  const std::set<Part> shown = view == "volcano" ? std::set{Part::Tests}
                               : view == "z"     ? std::set{Part::Matrix}
                               : view == "sets"  ? std::set{Part::Lists, Part::Fisher}
                               : view == "ranks" ? std::set{Part::Lists, Part::Ranks}
                                                 : std::set{Part::Matrix, Part::Programs};
  for (const auto& [part, box] : groups_) box->setVisible(shown.contains(part));
}

QGridLayout* GeneSettingsForm::group(Part part) {
  QWidget*& made = groups_[part];
  if (!made) {
    made = new QWidget;
    auto* grid = new QGridLayout(made);
    grid->setContentsMargins(0, 2, 0, 2);
    grid->setVerticalSpacing(4);
    for (int i = 0; i < kInARow; ++i) grid->setColumnStretch(2 * i + 1, 1);
    layout()->addWidget(made);
  }
  return static_cast<QGridLayout*>(made->layout());
}

void GeneSettingsForm::place(Part part, const QString& label, QWidget* box) {
  QGridLayout* grid = group(part);
  const int at = placed_[part]++, row = at / kInARow, column = 2 * (at % kInARow);
  if (label.isEmpty()) return grid->addWidget(box, row, column, 1, 2);
  auto* words = new QLabel(label);
  words->setBuddy(box);
  box->setMinimumWidth(70);
  grid->addWidget(words, row, column);
  grid->addWidget(box, row, column + 1);
}

void GeneSettingsForm::number(Part part, const QString& label, QDoubleSpinBox* box, double& value) {
  box->setValue(value);
  place(part, label, box);
  connect(box, &QDoubleSpinBox::valueChanged, this, [this, part, &value](double now) {
    value = now;
    emit changed(part);
  });
}

template <std::integral Number>
void GeneSettingsForm::whole(Part part, const QString& label, QSpinBox* box, Number& value) {
  box->setValue(static_cast<int>(value));
  place(part, label, box);
  connect(box, &QSpinBox::valueChanged, this, [this, part, &value](int now) {
    value = static_cast<Number>(now);
    emit changed(part);
  });
}

void GeneSettingsForm::tick(Part part, const QString& text, const QString& name, bool& value) {
  auto* box = new QCheckBox(text);
  help::describe(box, name);
  box->setChecked(value);
  place(part, {}, box);
  connect(box, &QCheckBox::clicked, this, [this, part, &value](bool now) {
    value = now;
    emit changed(part);
  });
}

}  // namespace scriptorium::ui
