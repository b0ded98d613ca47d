#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace scriptorium::data {

/// What a matrix without a format of its own is known by.
struct BareMatrix {
  const std::vector<std::string>& rows;  ///< names; empty where there are none. The first ones may do
  const std::vector<std::string>& columns;
  std::int64_t n_rows = 0, n_columns = 0;
  std::string corner = {};  ///< what stands above the row names
};

/// What the rows are, and why in words: "the row names look like genes (ENSG00000281131)".
struct Orientation {
  bool genes_in_rows = true;
  std::string why;
};

/// Decides what the rows of a matrix are: as asked, else by the word above the row names, by names that look like genes
/// or cells, by what lies beside the file, by the sizes, and at last by the custom of text files and of R, genes in
/// rows.
/// @param asked OpenOptions::orientation. @throws Error(BadInput) when it is none of "", "cells" and "genes"
/// @param beside what a table beside the file says; nothing when `why` is empty
Orientation decide_orientation(const std::string& asked, const BareMatrix& matrix, const Orientation& beside = {});

/// The same as a note that says how to turn the matrix.
std::string describe(const Orientation& orientation);

}  // namespace scriptorium::data
