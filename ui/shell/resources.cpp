#include "ui/shell/resources.hpp"

#include <QDir>

static void initScriptoriumResources() {
  Q_INIT_RESOURCE(scriptorium);
}  // must be outside any namespace

namespace scriptorium::ui {

void initResources() {
  initScriptoriumResources();
}

}  // namespace scriptorium::ui
