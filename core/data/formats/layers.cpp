#include "core/data/formats/layers.hpp"

#include <algorithm>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data {
namespace {

bool is_counts(const LayerInfo& layer) {
  return layer.is_counts;
}

[[noreturn]] void refuse(const std::vector<LayerInfo>& layers, std::size_t first, const std::string& file) {
  std::vector<std::string> all, counts;
  for (const LayerInfo& layer : layers) {
    all.push_back(quoted(layer.path));
    if (layer.is_counts) counts.push_back(all.back());
  }
  throw Error(ErrorCode::BadInput, quoted(layers[first].path) + " of " + file + " " + layers[first].why_not,
              !counts.empty() ? "Choose the layer " + listed(counts, 8, "or") + ": counts are there."
                              : "No matrix of this file holds counts (" + listed(all) +
                                    " looked at): open the file from before the values were transformed.");
}

}  // namespace

Taken take_layer(const LayerChoice& choice, bool keep, const std::string& file, const JudgeLayer& judge) {
  Taken out;
  out.layers.resize(choice.paths.size());
  const auto take = [&](std::size_t i, bool keep_it, Span span) {
    try {
      Judged judged = judge(i, keep_it, span);
      out.layers[i] = std::move(judged.info);
      if (keep_it && out.layers[i].is_counts) out.scanned = std::move(judged.scanned);
    } catch (const Error& error) {
      out.layers[i].path = choice.paths[i];
      out.layers[i].is_counts = false;
      out.layers[i].why_not = "cannot be read (" + std::string(error.what()) + ")";
    }
  };
  const std::size_t n = choice.paths.size(), first = choice.first;
  const double share = 1.0 / static_cast<double>(n);
  for (std::size_t turn = 0; turn < n; ++turn) {
    const std::size_t i = turn == 0 ? first : turn <= first ? turn - 1 : turn;
    take(i, keep && turn == 0, {share * static_cast<double>(turn), share * static_cast<double>(turn + 1)});
  }
  if (out.layers[first].is_counts)
    out.chosen = first;
  else if (!choice.asked && std::count_if(out.layers.begin(), out.layers.end(), is_counts) == 1)
    out.chosen = std::find_if(out.layers.begin(), out.layers.end(), is_counts) - out.layers.begin();
  if (!keep) return out;
  if (!out.chosen) refuse(out.layers, first, file);
  if (*out.chosen == first) return out;
  take(*out.chosen, true, {1 - share, 1});
  if (!out.layers[*out.chosen].is_counts) refuse(out.layers, *out.chosen, file);  // a sample had looked like counts
  out.scanned.notes.push_back(quoted(choice.paths[first]) + " " + out.layers[first].why_not +
                              ": the counts are taken from " + quoted(choice.paths[*out.chosen]) + ".");
  return out;
}

std::size_t find_layer(const std::vector<std::string>& paths, const std::vector<std::string>& wanted,
                       const std::string& file) {
  for (const std::string& path : wanted)
    if (const auto found = std::find(paths.begin(), paths.end(), path); found != paths.end())
      return found - paths.begin();
  std::vector<std::string> all;
  for (const std::string& path : paths) all.push_back(quoted(path));
  throw Error(ErrorCode::BadInput, file + " has no layer " + quoted(wanted.front()),
              "Choose one of " + listed(all, 8, "or") + ".");
}

}  // namespace scriptorium::data
