#pragma once
#include <QColor>
#include <QObject>
#include <QStringList>
#include <QUndoStack>
#include <memory>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/result/fit_file.hpp"
#include "ui/project/index_set.hpp"

namespace scriptorium::ui {

/// Which cell belongs to which component, and how sure: a value, made by a worker and then only read.
struct Assignments {
  QString source;                  ///< where it is from, in words
  std::vector<std::string> cells;  ///< names
  int components = 0;
  std::vector<double> probability;  ///< cells × components, row-major; a row with NaN belongs nowhere
  std::vector<QString> names;       ///< of the components
  std::vector<QRgb> colors;
  std::shared_ptr<const result::Fit> fit;  ///< the mixture they come from, where they do
  QStringList notes;                       ///< what to know of the components: empty ones, two that share their cells
  // Made by complete():
  std::vector<std::int32_t> assigned;  ///< the most probable component, −1 where there is none
  std::vector<double> entropy;         ///< −Σ p log p, in nats; NaN where there is none
  std::vector<double> weight;          ///< mean probability of each component
  std::vector<std::int64_t> size;      ///< cells assigned
  std::vector<std::int64_t> sure;      ///< of them with a probability above 0.9

  double at(std::size_t cell, int component) const {
    return probability[cell * static_cast<std::size_t>(components) + static_cast<std::size_t>(component)];
  }
};

/// Fills in what follows from the probabilities, and names and colours where there are none.
std::shared_ptr<const Assignments> complete(Assignments made);
/// Whether the rows of an embedding are probabilities: two columns or more, none negative, sums of 1.
bool areProbabilities(const data::Embedding& embedding);
std::shared_ptr<const Assignments> assignmentsOf(const data::Embedding& embedding, std::vector<std::string> cells);
/// Of a mixture at its point estimate, or over `draws` of the posterior. `data` holds the cells and genes of the fit,
/// in its order. @throws Error as analysis::assign_cells
std::shared_ptr<const Assignments> assignmentsOf(std::shared_ptr<const result::Fit> fit, const QString& name,
                                                 const data::Dataset& data, int draws, const RunControl& control);
/// A table with columns cell, p_1 … p_K, as `scriptorium-cli assign` writes it; TSV, or CSV by the ending.
/// @throws Error(BadInput) naming file and line
std::shared_ptr<const Assignments> readAssignments(const QString& path);

/// Several components as one: their probabilities add up. It takes the place and colour of the first.
std::shared_ptr<const Assignments> merged(const Assignments& from, const IndexSet& which);

/// The assignments that are shown. Names, colours and mergers are steps that can be undone.
class AssignmentState : public QObject {
  Q_OBJECT
 public:
  explicit AssignmentState(QUndoStack& undo, QObject* parent = nullptr) : QObject(parent), undo_(undo) {}
  const std::shared_ptr<const Assignments>& now() const { return now_; }
  /// Others, from elsewhere: no step to undo.
  void show(std::shared_ptr<const Assignments> assignments);
  void rename(int component, const QString& name);
  void recolor(int component, QRgb color);
  void merge(const IndexSet& which);

 signals:
  void changed();

 private:
  friend class AssignmentCommand;
  void push(std::shared_ptr<const Assignments> next, const QString& what);
  void apply(std::shared_ptr<const Assignments> next, int series);

  QUndoStack& undo_;
  std::shared_ptr<const Assignments> now_;
  int series_ = 0;  ///< steps belong to what was shown when they were made
};

}  // namespace scriptorium::ui
