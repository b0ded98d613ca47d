#include "ui/project/model_state.hpp"

#include <QUndoCommand>

namespace scriptorium::ui {

const char* methodKey(inference::Method method) {
  return method == inference::Method::Svi ? "svi" : method == inference::Method::Structured ? "structured" : "exact";
}

inference::Method methodFromKey(const QString& key) {
  return key == "svi"          ? inference::Method::Svi
         : key == "structured" ? inference::Method::Structured
                               : inference::Method::Exact;
}

class ModelCommand : public QUndoCommand {
 public:
  struct All {
    model::Model model;
    inference::FitOptions options;
    analysis::AnnotationOptions annotation;
  };
  ModelCommand(ModelState& state, All after, const QString& what)
      : QUndoCommand(what),
        state_(state),
        before_{state.model_, state.options_, state.annotation_},
        after_(std::move(after)) {}
  void undo() override { apply(before_); }
  void redo() override { apply(after_); }
  int id() const override { return 2; }
  bool mergeWith(const QUndoCommand* other) override {
    if (other->text() != text()) return false;
    after_ = static_cast<const ModelCommand&>(*other).after_;
    return true;
  }

 private:
  void apply(const All& all) { state_.apply(all.model, all.options, all.annotation); }
  ModelState& state_;
  All before_, after_;
};

ModelState::ModelState(QUndoStack& undo, QObject* parent) : QObject(parent), undo_(undo) {}

void ModelState::setModel(const model::Model& model, const QString& what) {
  if (!(model == model_)) setMixture(model, options_, annotation_, what);
}

void ModelState::setOptions(const inference::FitOptions& options, const QString& what) {
  setMixture(model_, options, annotation_, what);
}

void ModelState::setMixture(const model::Model& model, const inference::FitOptions& options,
                            const analysis::AnnotationOptions& annotation, const QString& what) {
  undo_.push(new ModelCommand(*this, {model, options, annotation}, what));
}

void ModelState::restore(const model::Model& model, const inference::FitOptions& options,
                         const analysis::AnnotationOptions& annotation) {
  apply(model, options, annotation);
}

void ModelState::apply(const model::Model& model, const inference::FitOptions& options,
                       const analysis::AnnotationOptions& annotation) {
  model_ = model;
  options_ = options;
  annotation_ = annotation;
  emit changed();
}

QString ModelState::proposedName() const {
  QString name = QString::fromStdString(model_.likelihood);
  if (model_.parameterization != "canonical") name += " " + QString::fromStdString(model_.parameterization);
  if (model_.unconstrained) name += " unconstrained";
  if (model_.components > 1) name += QString(" K=%1").arg(model_.components);
  if (options_.method != inference::Method::Exact) name += QString(" ") + methodKey(options_.method);
  return name;
}

}  // namespace scriptorium::ui
