#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/data/formats/matrix_reading.hpp"

namespace scriptorium::data {

/// A matrix of a file after it was judged, and after its counts went to the sink where that was asked for.
struct Judged {
  LayerInfo info;
  Scanned scanned;
};
/// Judges the matrix with this index. With `keep` its counts go to the caller's sink, which is begun first.
/// `span` is its part of the whole work. @throws Error when it cannot be read
using JudgeLayer = std::function<Judged(std::size_t layer, bool keep, Span span)>;

/// The matrices of a file, and the one that was taken.
struct Taken {
  std::vector<LayerInfo> layers;
  std::optional<std::size_t> chosen;  ///< none when no counts were found
  Scanned scanned;                    ///< with a note when another one than the first was taken
};

/// What to take where a file offers several matrices.
struct LayerChoice {
  std::vector<std::string> paths;  ///< of all matrices, as --layer takes them
  std::size_t first = 0;           ///< the one to take if it is counts
  bool asked = false;              ///< the user named it: no other one will do
};

/// Judges all matrices, the first one first, and takes that one if it is counts, else the only other that is.
/// @throws Error(BadInput) when counts are to be kept and there is no such matrix, naming those that would do
Taken take_layer(const LayerChoice& choice, bool keep, const std::string& file, const JudgeLayer& judge);

/// Index of the matrix that the user's `wanted` names, with one of the prefixes or suffixes or without.
/// @throws Error(BadInput) listing the matrices that there are
std::size_t find_layer(const std::vector<std::string>& paths, const std::vector<std::string>& wanted,
                       const std::string& file);

}  // namespace scriptorium::data
