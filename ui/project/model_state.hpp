#pragma once
#include <QObject>
#include <QUndoStack>

#include "core/analysis/annotation.hpp"
#include "core/inference/fit.hpp"

namespace scriptorium::ui {

/// What will be fitted next, and how. Every change is an undoable step with its own text.
class ModelState : public QObject {
  Q_OBJECT
 public:
  explicit ModelState(QUndoStack& undo, QObject* parent = nullptr);

  const model::Model& model() const { return model_; }
  const inference::FitOptions& options() const { return options_; }
  /// Labels that inform the components of a mixture; no columns: none.
  const analysis::AnnotationOptions& annotation() const { return annotation_; }
  /// `what` is shown in the Edit menu: "likelihood", "prior of r". Steps with the same text in a row become one.
  void setModel(const model::Model& model, const QString& what);
  void setOptions(const inference::FitOptions& options, const QString& what);
  void setMixture(const model::Model& model, const inference::FitOptions& options,
                  const analysis::AnnotationOptions& annotation, const QString& what);
  /// All at once, without an undo step (a restored session).
  void restore(const model::Model& model, const inference::FitOptions& options,
               const analysis::AnnotationOptions& annotation);
  /// A short name for the fit: "nbvcp", "nbvcp mean_odds structured", "nbvcp K=5".
  QString proposedName() const;

 signals:
  void changed();

 private:
  friend class ModelCommand;
  void apply(const model::Model& model, const inference::FitOptions& options,
             const analysis::AnnotationOptions& annotation);

  QUndoStack& undo_;
  model::Model model_;
  inference::FitOptions options_;
  analysis::AnnotationOptions annotation_;
};

/// "exact", "structured", "svi": as the command line writes them.
const char* methodKey(inference::Method method);
inference::Method methodFromKey(const QString& key);

}  // namespace scriptorium::ui
