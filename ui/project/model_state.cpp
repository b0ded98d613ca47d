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
  ModelCommand(ModelState& state, model::Model model, inference::FitOptions options, const QString& what)
      : QUndoCommand(what),
        state_(state),
        before_(state.model_),
        after_(std::move(model)),
        options_before_(state.options_),
        options_after_(std::move(options)) {}
  void undo() override { state_.apply(before_, options_before_); }
  void redo() override { state_.apply(after_, options_after_); }
  int id() const override { return 2; }
  bool mergeWith(const QUndoCommand* other) override {
    if (other->text() != text()) return false;
    const auto& next = static_cast<const ModelCommand&>(*other);
    after_ = next.after_;
    options_after_ = next.options_after_;
    return true;
  }

 private:
  ModelState& state_;
  model::Model before_, after_;
  inference::FitOptions options_before_, options_after_;
};

ModelState::ModelState(QUndoStack& undo, QObject* parent) : QObject(parent), undo_(undo) {}

void ModelState::setModel(const model::Model& model, const QString& what) {
  if (!(model == model_)) undo_.push(new ModelCommand(*this, model, options_, what));
}

void ModelState::setOptions(const inference::FitOptions& options, const QString& what) {
  undo_.push(new ModelCommand(*this, model_, options, what));
}

void ModelState::restore(const model::Model& model, const inference::FitOptions& options) {
  apply(model, options);
}

void ModelState::apply(const model::Model& model, const inference::FitOptions& options) {
  model_ = model;
  options_ = options;
  emit changed();
}

QString ModelState::proposedName() const {
  QString name = QString::fromStdString(model_.likelihood);
  if (model_.parameterization != "canonical") name += " " + QString::fromStdString(model_.parameterization);
  if (model_.unconstrained) name += " unconstrained";
  if (options_.method != inference::Method::Exact) name += QString(" ") + methodKey(options_.method);
  return name;
}

}  // namespace scriptorium::ui
