#include "core/perturbation/chain_state.hpp"

#include "core/error.hpp"
#include "core/perturbation/state_words.hpp"
#include "core/storage/sealed_file.hpp"

namespace scriptorium::perturbation {
namespace {

namespace hdf5 = storage::hdf5;

constexpr storage::Seal state_seal{"screen-state", 1, "written by a running `perturb all`"};

template <class T>
using Lists = std::vector<std::vector<T>>;

/// Lists of different lengths: all values, and where each list ends.
template <class T>
void write_lists(hid_t group, const std::string& name, const Lists<T>& lists) {
  std::vector<T> values;
  std::vector<std::int64_t> ends;
  for (const auto& list : lists) {
    values.insert(values.end(), list.begin(), list.end());
    ends.push_back(static_cast<std::int64_t>(values.size()));
  }
  hdf5::write(group, name, values);
  hdf5::write(group, name + "_ends", ends);
}
template <class T>
Lists<T> read_lists(hid_t group, const std::string& name) {
  const auto values = hdf5::read<T>(group, name);
  Lists<T> lists;
  std::int64_t first = 0;
  for (const std::int64_t end : hdf5::read<std::int64_t>(group, name + "_ends")) {
    if (end < first || end > static_cast<std::int64_t>(values.size()))
      throw Error(ErrorCode::BadInput, "The state file is damaged: a list ends before it begins.",
                  "Run again without --resume.");
    lists.emplace_back(values.begin() + first, values.begin() + end);
    first = end;
  }
  return lists;
}

/// A field of every group, as a list.
template <class T, class Group, class Get>
std::vector<T> field(const std::vector<Group>& groups, Get get) {
  std::vector<T> out;
  for (const Group& group : groups) out.push_back(get(group));
  return out;
}

/// What groups of scores and of calls have in common.
template <class Group>
void write_groups(hid_t to, const std::vector<Group>& groups) {
  hdf5::write(to, "target", field<std::int32_t>(groups, [](const Group& g) { return g.target; }));
  hdf5::write(to, "split", field<std::int32_t>(groups, [](const Group& g) { return g.split; }));
  hdf5::write(to, "n_target",
              field<std::int64_t>(groups, [](const Group& g) { return static_cast<std::int64_t>(g.n_target); }));
  write_lists(to, "cells", field<std::vector<std::int64_t>>(groups, [](const Group& g) { return g.cells; }));
  write_lists(to, "markers", field<std::vector<std::int64_t>>(groups, [](const Group& g) { return g.markers; }));
  write_lists(to, "projection", field<std::vector<double>>(groups, [](const Group& g) { return g.projection; }));
}
template <class Group>
std::vector<Group> read_groups(hid_t from) {
  const auto target = hdf5::read<std::int32_t>(from, "target"), split = hdf5::read<std::int32_t>(from, "split");
  const auto n_target = hdf5::read<std::int64_t>(from, "n_target");
  auto cells = read_lists<std::int64_t>(from, "cells"), markers = read_lists<std::int64_t>(from, "markers");
  auto projection = read_lists<double>(from, "projection");
  std::vector<Group> groups(target.size());
  for (std::size_t j = 0; j < groups.size(); ++j) {
    groups[j].target = target[j];
    groups[j].split = split.at(j);
    groups[j].n_target = static_cast<std::size_t>(n_target.at(j));
    groups[j].cells = std::move(cells.at(j));
    groups[j].markers = std::move(markers.at(j));
    groups[j].projection = std::move(projection.at(j));
  }
  return groups;
}

void write_scores(hid_t file, const Scores& scores) {
  const auto to = hdf5::create_group(file, "scores");
  hdf5::write(to, "score", scores.score);
  write_lists(to, "markers_of_target", scores.markers);
  write_words(to, "reason", scores.reason);
  write_words(to, "notes", scores.notes);
  write_groups(to, scores.groups);
  using Group = GroupScore;
  write_lists(to, "direction", field<std::vector<double>>(scores.groups, [](const Group& g) { return g.direction; }));
  hdf5::write(to, "control_mean", field<double>(scores.groups, [](const Group& g) { return g.control_mean; }));
  hdf5::write(to, "control_sd", field<double>(scores.groups, [](const Group& g) { return g.control_sd; }));
}
Scores read_scores(hid_t file) {
  const auto from = hdf5::open_group(file, "scores");
  Scores scores;
  scores.score = hdf5::read<double>(from, "score");
  scores.markers = read_lists<std::int64_t>(from, "markers_of_target");
  scores.reason = read_words(from, "reason");
  scores.notes = read_words(from, "notes");
  scores.groups = read_groups<GroupScore>(from);
  auto direction = read_lists<double>(from, "direction");
  const auto mean = hdf5::read<double>(from, "control_mean"), sd = hdf5::read<double>(from, "control_sd");
  for (std::size_t j = 0; j < scores.groups.size(); ++j) {
    scores.groups[j].direction = std::move(direction.at(j));
    scores.groups[j].control_mean = mean.at(j);
    scores.groups[j].control_sd = sd.at(j);
  }
  return scores;
}

void write_calls(hid_t file, const Calls& calls) {
  const auto to = hdf5::create_group(file, "calls");
  std::vector<std::int32_t> state;
  for (const CellState one : calls.state) state.push_back(static_cast<std::int32_t>(one));
  hdf5::write(to, "state", state);
  hdf5::write(to, "posterior", calls.posterior);
  write_words(to, "words", {calls.perturbation_type});
  write_words(to, "notes", calls.notes);
  write_groups(to, calls.groups);
  hdf5::write(to, "rounds", field<std::int32_t>(calls.groups, [](const GroupCall& g) { return g.rounds; }));
  hdf5::write(to, "converged",
              field<std::int32_t>(calls.groups, [](const GroupCall& g) { return std::int32_t{g.converged}; }));
}
Calls read_calls(hid_t file) {
  const auto from = hdf5::open_group(file, "calls");
  Calls calls;
  for (const std::int32_t one : hdf5::read<std::int32_t>(from, "state"))
    calls.state.push_back(static_cast<CellState>(one));
  calls.posterior = hdf5::read<double>(from, "posterior");
  calls.perturbation_type = read_words(from, "words").at(0);
  calls.notes = read_words(from, "notes");
  calls.groups = read_groups<GroupCall>(from);
  const auto rounds = hdf5::read<std::int32_t>(from, "rounds"), converged = hdf5::read<std::int32_t>(from, "converged");
  for (std::size_t j = 0; j < calls.groups.size(); ++j) {
    calls.groups[j].rounds = rounds.at(j);
    calls.groups[j].converged = converged.at(j) != 0;
  }
  return calls;
}

void write_discriminant(hid_t file, const Discriminant& found) {
  const auto to = hdf5::create_group(file, "discriminant");
  hdf5::write(to, "cells", found.cells);
  hdf5::write(to, "label", found.label);
  hdf5::write(to, "coordinates", found.coordinates);
  hdf5::write(to, "explained", found.explained);
  write_words(to, "notes", found.notes);
}
Discriminant read_discriminant(hid_t file) {
  const auto from = hdf5::open_group(file, "discriminant");
  Discriminant found;
  found.cells = hdf5::read<std::int64_t>(from, "cells");
  found.label = hdf5::read<std::int32_t>(from, "label");
  found.coordinates = hdf5::read<double>(from, "coordinates");
  found.explained = hdf5::read<double>(from, "explained");
  found.axes = static_cast<int>(found.explained.size());
  found.notes = read_words(from, "notes");
  return found;
}

}  // namespace

void save_state(const ChainState& state, const std::string& path) {
  const auto file = hdf5::create_in_memory();
  hdf5::write_attribute(file, "fingerprint", state.fingerprint);
  if (state.neighbours) {
    const auto to = hdf5::create_group(file, "signature");
    hdf5::write(to, "neighbours", *state.neighbours);
    write_words(to, "notes", state.signature_notes);
  }
  if (state.scores) write_scores(file, *state.scores);
  if (state.calls) write_calls(file, *state.calls);
  if (state.discriminant) write_discriminant(file, *state.discriminant);
  storage::write_sealed(file, state_seal, path);
}

bool is_state(const std::string& path) {
  return storage::sealed_kind(path) == state_seal.kind;
}

ChainState load_state(const std::string& path) try {
  const std::string bytes = storage::read_sealed(path, state_seal);
  const auto file = hdf5::open_image(bytes, path);
  ChainState state;
  state.fingerprint = hdf5::read_attribute(file, "fingerprint");
  if (hdf5::has(file, "signature")) {
    const auto from = hdf5::open_group(file, "signature");
    state.neighbours = hdf5::read<std::int32_t>(from, "neighbours");
    state.signature_notes = read_words(from, "notes");
  }
  if (hdf5::has(file, "scores")) state.scores = read_scores(file);
  if (hdf5::has(file, "calls")) state.calls = read_calls(file);
  if (hdf5::has(file, "discriminant")) state.discriminant = read_discriminant(file);
  return state;
} catch (const Error& error) {
  throw UnusableState(error.what());
}

}  // namespace scriptorium::perturbation
