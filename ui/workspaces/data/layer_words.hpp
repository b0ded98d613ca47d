#pragma once
#include "core/data/dataset.hpp"

class QComboBox;
class QLabel;

namespace scriptorium::ui {

/// The layers of a file as choices (data: the path), the one taken chosen, and a verdict on each in words.
void fillLayers(const data::Dataset& dataset, QComboBox& choice, QLabel& words);

}  // namespace scriptorium::ui
