#pragma once
#include <QString>

namespace scriptorium::ui {

/// An error as a value: what happened to which thing, and what the user can do.
struct JobError {
  QString message, remedy;
  bool empty() const { return message.isEmpty(); }
  QString text() const { return remedy.isEmpty() ? message : message + "\n" + remedy; }
};

/// The exception being handled, in words. Call inside a catch block.
JobError describeCurrentException();

}  // namespace scriptorium::ui
