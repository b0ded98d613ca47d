#pragma once
#include <QColor>
#include <QObject>
#include <QStringList>
#include <QUndoStack>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/analysis/assignments.hpp"
#include "core/data/dataset.hpp"
#include "core/result/fit_file.hpp"
#include "ui/project/index_set.hpp"

namespace scriptorium::ui {

/// Which cell belongs to which component, and how sure: a value, made by a worker and then only read.
struct Assignments {
  QString source;                  ///< where it is from, in words
  QString key = {};                ///< whose components these are: the same for all answers of one fit
  std::vector<std::string> cells;  ///< names
  int components = 0;
  std::vector<double> probability;  ///< cells × components, row-major; a row with NaN belongs nowhere
  std::vector<QString> names;       ///< of the components
  std::vector<QRgb> colors;
  std::shared_ptr<const result::Fit> fit;  ///< the mixture they come from, where they do
  QStringList notes;                       ///< what to know of the components: empty ones, two that share their cells
  int draws = 0;                           ///< of the posterior that they are means over; 0: at a point
  std::vector<double> concentration;       ///< cells × components: Dirichlet fits to the draws; empty without draws
  /// −Σ p log p, in nats; NaN where there is none. Over draws: the mean of the draws' entropies, which the mean
  /// probabilities do not tell. Made by complete() where it is empty.
  std::vector<double> entropy;
  bool merged = false;  ///< some were made one: entropies are those of the (mean) probabilities
  // Made by complete():
  std::vector<std::int32_t> assigned;  ///< the most probable component, −1 where there is none
  std::vector<double> weight;          ///< mean probability of each component
  std::vector<std::int64_t> size;      ///< cells assigned
  std::vector<std::int64_t> sure;      ///< of them with a probability above 0.9

  double at(std::size_t cell, int component) const {
    return probability[cell * static_cast<std::size_t>(components) + static_cast<std::size_t>(component)];
  }
  /// The entropy of a cell over log K, 0 … 1; 0 where there is only one component.
  double entropyShare(std::size_t cell) const;
};

/// Fills in what follows from the probabilities, and names and colours where there are none.
std::shared_ptr<const Assignments> complete(Assignments made);
/// What to know of the components by their shown names, as analysis::component_notes() says it.
QStringList notesOf(const Assignments& of);
/// Whether the rows of an embedding are probabilities: two columns or more, none negative, sums of 1.
bool areProbabilities(const data::Embedding& embedding);
/// Of an embedding of the file that areProbabilities().
std::shared_ptr<const Assignments> assignmentsOf(const data::Dataset& data, std::size_t embedding);
/// Of a mixture, as `scriptorium-cli assign` gives them for the same options. `data` holds the cells and genes of the
/// fit, in its order. @throws Error as analysis::assign_cells
std::shared_ptr<const Assignments> assignmentsOf(std::shared_ptr<const result::Fit> fit, const QString& name,
                                                 const data::Dataset& data, analysis::AssignmentOptions options,
                                                 const RunControl& control);
/// Tells fits apart by what they are, not by their name or place: the same for a fit that was saved and opened again.
QString identityOf(const result::Fit& fit);
/// A table with columns cell, p_1 … p_K, as `scriptorium-cli assign` writes it; TSV, or CSV by the ending.
/// @throws Error(BadInput) naming file and line
std::shared_ptr<const Assignments> readAssignments(const QString& path);

/// What somebody made of the components of an answer. Sizes are those of the answer.
struct ComponentEdits {
  std::vector<QString> names;          ///< of its components
  std::vector<QRgb> colors;            ///< the same
  std::vector<int> group;              ///< the first component of those that are one with it: itself, where it is alone
  std::map<int, QString> group_names;  ///< of what was merged, by its first component
  bool operator==(const ComponentEdits&) const = default;
};
/// Names and colours of an answer as it is, nothing merged.
ComponentEdits editsOf(const Assignments& answer);
/// An answer with its edits. Merged components have the sum of their probabilities and concentrations, the place and
/// the colour of the first; their entropies are those of the summed probabilities, and there is no fit of them.
std::shared_ptr<const Assignments> edited(const std::shared_ptr<const Assignments>& answer,
                                          const ComponentEdits& edits);

/// The assignments that are shown, and what was made of them. Names, colours and mergers are steps that can be undone;
/// they are kept by Assignments::key, so that they are there again when the same components are shown another time.
class AssignmentState : public QObject {
  Q_OBJECT
 public:
  explicit AssignmentState(QUndoStack& undo, QObject* parent = nullptr) : QObject(parent), undo_(undo) {}
  /// With edits.
  const std::shared_ptr<const Assignments>& now() const { return now_; }
  /// As they were handed over.
  const std::shared_ptr<const Assignments>& answer() const { return answer_; }
  /// Others, from elsewhere, before any edit: no step to undo.
  void show(std::shared_ptr<const Assignments> answer);
  /// False when another component has this name, or there is none to name.
  bool rename(int component, const QString& name);
  void recolor(int component, QRgb color);
  void merge(const IndexSet& which);

  /// What was made of the components of a key; null where nothing was.
  const ComponentEdits* edits(const QString& key) const;
  QByteArray toJson() const;
  /// Those that are known already stay as they are.
  void restore(const QByteArray& json);

 signals:
  void changed();
  void keptChanged();  ///< what toJson() would say

 private:
  friend class AssignmentCommand;
  struct Kept {
    QString key;
    ComponentEdits edits;
  };
  void push(ComponentEdits next, const QString& what);
  void apply(const QString& key, const ComponentEdits& edits);
  void lay();  ///< the edits over the answer
  /// The edits of the answer; of none where what is kept under its key does not fit it.
  ComponentEdits current() const;
  /// The components of the answer that are shown as one.
  std::vector<int> members(int component) const;

  QUndoStack& undo_;
  std::shared_ptr<const Assignments> answer_, now_;
  std::vector<Kept> kept_;  ///< the latest last
};

}  // namespace scriptorium::ui
