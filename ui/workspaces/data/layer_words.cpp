#include "ui/workspaces/data/layer_words.hpp"

#include <QComboBox>
#include <QLabel>
#include <QObject>

#include "ui/project/dataset_view.hpp"

namespace scriptorium::ui {

void fillLayers(const data::Dataset& dataset, QComboBox& choice, QLabel& words) {
  choice.clear();
  QStringList lines;
  for (const data::LayerInfo& layer : dataset.layers) {
    const QString path = QString::fromStdString(layer.path);
    const QString name = layerName(path);
    choice.addItem(layer.is_counts ? name : QObject::tr("%1 (not counts)").arg(name), path);
    if (layer.path == dataset.layer) choice.setCurrentIndex(choice.count() - 1);
    lines << (layer.is_counts ? QObject::tr("✓ <b>%1</b>: counts").arg(name.toHtmlEscaped())
                              : QObject::tr("✗ <b>%1</b>: not counts. %2")
                                    .arg(name.toHtmlEscaped(), QString::fromStdString(layer.why_not).toHtmlEscaped()));
  }
  words.setText(lines.join("<br>"));
}

}  // namespace scriptorium::ui
