#pragma once
#include "core/model/model.hpp"
#include "core/progress.hpp"
#include "ui/charts/figure.hpp"

namespace scriptorium::ui {

/// The density of each site's prior, one panel a site, with its central 95 % shaded.
struct PriorPicture {
  charts::Figure figure;
  std::map<std::string, QString> interval;  ///< by site: "95 % between 0.14 and 7.1"
};
PriorPicture drawPriors(const std::vector<model::Site>& sites, const RunControl& control);

}  // namespace scriptorium::ui
