#pragma once
#include "ui/project/dataset_view.hpp"
#include "ui/workspaces/components/component_figures.hpp"

namespace scriptorium::ui {

/// What the cells of the opened data are to be coloured by.
struct ColorRequest {
  QString key;   ///< "assignment", "entropy", "p:K", "total", "genes", "gene", "column:KEY", "set:ID"
  QString gene;  ///< name, for "gene"
  std::shared_ptr<const OpenedData> data;
  std::shared_ptr<const Assignments> of;  ///< may be null
  std::vector<std::int64_t> at;           ///< row of the assignments for each cell, −1: none
  std::shared_ptr<const IndexSet> members;
  QString set_name;
  std::shared_ptr<const data::Column> column;
};

/// One colour a cell. @throws Error(BadInput) in words for the user, Cancelled
MapColors colorsFor(const ColorRequest& request, const RunControl& control);

}  // namespace scriptorium::ui
