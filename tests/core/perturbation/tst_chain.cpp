#include <QTemporaryDir>
#include <QtTest>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "core/data/open.hpp"
#include "core/data/writers/key_names.hpp"
#include "core/error.hpp"
#include "core/perturbation/chain.hpp"
#include "core/perturbation/chain_state.hpp"
#include "core/perturbation/tables.hpp"
#include "core/storage/atomic_file.hpp"
#include "core/storage/hdf5_stream.hpp"
#include "simulated_screen.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

simulated_screen::Screen simulated() {
  return simulated_screen::make({.cells = 800, .genes = 120, .effect_genes = 30, .counts = 3000});
}
ChainOptions options(const std::string& split = "rep") {
  ChainOptions out;
  out.columns = {"target", "NT", "guide", split};
  out.discriminant.components = 4;
  out.threads = 2;
  return out;
}

void same_numbers(const Screening& a, const Screening& b) {
  QCOMPARE(a.scores.score, b.scores.score);
  QCOMPARE(a.calls.posterior, b.calls.posterior);
  QCOMPARE(a.calls.state, b.calls.state);
  QCOMPARE(a.signature.neighbours(), b.signature.neighbours());
  QCOMPARE(a.discriminant.has_value(), b.discriminant.has_value());
  if (a.discriminant) QCOMPARE(a.discriminant->coordinates, b.discriminant->coordinates);
  QCOMPARE(a.scores.groups.size(), b.scores.groups.size());
  for (std::size_t j = 0; j < a.scores.groups.size(); ++j) {
    QCOMPARE(a.scores.groups[j].projection, b.scores.groups[j].projection);
    QCOMPARE(a.scores.groups[j].direction, b.scores.groups[j].direction);
    QCOMPARE(a.scores.groups[j].control_sd, b.scores.groups[j].control_sd);
  }
  QCOMPARE(a.targets.size(), b.targets.size());
  for (std::size_t j = 0; j < a.targets.size(); ++j) QCOMPARE(a.targets[j].reason, b.targets[j].reason);
  QCOMPARE(a.notes, b.notes);
}

}  // namespace

class TestChain : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  std::string in_folder(const char* name) { return folder_.filePath(name).toStdString(); }

 private slots:
  void resumesToTheSameNumbers() {
    const auto data = simulated().data;
    const std::string state = in_folder("a.state");
    const auto whole = run_chain(data, options());
    QVERIFY(whole.discriminant.has_value());
    // Stopped when scores are being made: the signature is kept, and a second run goes on behind it.
    std::stop_source stop;
    RunControl control{stop.get_token(), [&](const Progress& progress) {
                         if (progress.message.rfind("scoring", 0) == 0) stop.request_stop();
                       }};
    QVERIFY_THROWS_EXCEPTION(Cancelled, run_chain(data, options(), state, false, control));
    auto again = run_chain(data, options(), state, true);
    same_numbers(whole, again);
    const auto resumed = [](const Screening& run) {
      std::vector<std::string> names;
      for (const auto& step : run.steps)
        if (step.resumed) names.push_back(step.name);
      return names;
    };
    QCOMPARE(resumed(again), std::vector<std::string>{"signature"});
    again = run_chain(data, options(), state, true);
    same_numbers(whole, again);
    QCOMPARE(resumed(again), (std::vector<std::string>{"signature", "score", "call", "discriminant"}));
  }

  void otherOptionsBeginAnew() {
    const auto data = simulated().data;
    const std::string state = in_folder("b.state");
    run_chain(data, options(), state);
    auto other = options();
    other.score.markers.max_de_genes = 6;
    const auto found = run_chain(data, other, state, true);
    for (const auto& step : found.steps) QVERIFY(!step.resumed);
    QCOMPARE(found.notes.size(), run_chain(data, other).notes.size() + 1);
    // Labels are part of what a state is of, though counts are the same.
    auto relabelled = data;
    std::swap(std::get<std::vector<std::string>>(relabelled.cells.columns[0].values)[0],
              std::get<std::vector<std::string>>(relabelled.cells.columns[0].values)[1]);
    QVERIFY(fingerprint(data, options()) != fingerprint(relabelled, options()) ||
            std::get<std::vector<std::string>>(data.cells.columns[0].values)[0] ==
                std::get<std::vector<std::string>>(data.cells.columns[0].values)[1]);
  }

  void damagedStateIsRefused() {
    const auto data = simulated().data;
    const std::string state = in_folder("c.state");
    run_chain(data, options(), state);
    std::string bytes = storage::read_whole_file(state);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    storage::write_whole_file(state, std::string_view(bytes));
    QVERIFY_THROWS_EXCEPTION(Error, run_chain(data, options(), state, true));
    run_chain(data, options(), state, false);  // not asked to resume: written anew
    load_state(state);
  }

  void oneMethodAlone() {
    const auto data = simulated().data;
    auto only = options();
    only.with_calls = false;
    auto found = run_chain(data, only);
    QVERIFY(found.calls.state.empty() && !found.discriminant && found.scores.score.size() == 800);
    only.with_calls = true;
    only.with_scores = false;
    found = run_chain(data, only);
    QVERIFY(found.scores.score.empty() && found.calls.state.size() == 800);
    only.with_calls = false;
    QVERIFY_THROWS_EXCEPTION(Error, run_chain(data, only));
  }

  void optionsGoThroughJson() {
    auto some = options();
    some.signature.reference = Reference::SplitMean;
    some.call.rule = Rule::R;
    some.with_discriminant = false;
    some.score_column = "mine";
    const nlohmann::json json = some;
    QCOMPARE(nlohmann::json(json.get<ChainOptions>()), json);
    QCOMPARE(nlohmann::json(nlohmann::json::object().get<ChainOptions>()), nlohmann::json(ChainOptions{}));
  }

  void h5adHasTheReferencesNames() {
    const auto data = simulated().data;
    const auto found = run_chain(data, options());
    const std::string path = in_folder("found.h5ad");
    write_screening_h5ad(data, found, LayerType::Float64, path);
    const auto back = data::open(path, {.isolated = false}, {});
    const data::Column* score = back.cells.find("mixscale_score");
    QVERIFY(score != nullptr);
    for (std::size_t i = 0; i < 800; ++i) QCOMPARE(score->number(i), found.scores.score[i]);
    const auto classes = found.calls.classes(found.screen);
    for (std::size_t i = 0; i < 800; ++i)
      QCOMPARE(back.cells.find("mixscape_class")->text(i), classes.names[classes.code[i]]);
    QVERIFY(back.cells.find("mixscape_class_global") && back.cells.find("mixscape_class_p_ko"));
    QCOMPARE(back.counts.count, data.counts.count);
    namespace hdf5 = storage::hdf5;
    const auto file = hdf5::open_image(storage::read_whole_file(path), path);
    std::vector<hsize_t> shape;
    const auto layer = hdf5::read<double>(hdf5::open_group(file, "layers"), "X_pert", &shape);
    QCOMPARE(shape, (std::vector<hsize_t>{800, 120}));
    QCOMPARE(layer, found.signature.rows(0, 800));
    const auto uns = hdf5::open_group(file, "uns");
    const GroupScore& group = found.scores.groups.front();
    const auto kept =
        hdf5::open_group(hdf5::open_group(hdf5::open_group(uns, "mixscale"), found.screen.target.names[group.target]),
                         found.screen.split.names[group.split]);
    // Rows are cells as they stand in the data; each marker has a column without it.
    GroupScore whole = group;
    add_leave_one_out(whole, found.signature, true);
    const auto pvec = hdf5::read<double>(kept, "pvec"),
               without = hdf5::read<double>(kept, found.screen.genes[group.markers[1]]);
    QCOMPARE(pvec.size(), group.cells.size());
    for (std::size_t i = 0; i < group.cells.size(); ++i) {
      const auto row = std::count_if(group.cells.begin(), group.cells.end(),
                                     [&](std::int64_t other) { return other < group.cells[i]; });
      QCOMPARE(pvec[row], group.projection[i]);
      QCOMPARE(without[row], whole.leave_one_out[i * group.markers.size() + 1]);
    }
    QCOMPARE(hdf5::children(kept).size(), 3 + group.markers.size());  // also the index and the label
    QCOMPARE(hdf5::read<double>(uns, "mixscape_lda", &shape), found.discriminant->coordinates);
    QCOMPARE(shape, (std::vector<hsize_t>{found.discriminant->cells.size(), 2}));
    const auto everywhere = hdf5::read<double>(hdf5::open_group(file, "obsm"), "X_mixscape_lda", &shape);
    QCOMPARE(shape, (std::vector<hsize_t>{800, 2}));
    QCOMPARE(everywhere[2 * found.discriminant->cells.back() + 1], found.discriminant->coordinates.back());
    write_screening_h5ad(data, found, LayerType::None, path, {}, false);
    const auto smaller = hdf5::open_image(storage::read_whole_file(path), path);
    QCOMPARE(hdf5::children(hdf5::open_group(smaller, "uns/mixscale/" + found.screen.target.names[group.target] + "/" +
                                                          found.screen.split.names[group.split]))
                 .size(),
             std::size_t{3});
  }

  /// Labels that a key of HDF5 cannot be, or that would meet when they are changed, keep their numbers apart.
  void labelsThatAreNoKeys() {
    auto data = simulated().data;
    const auto rename = [&](const std::string& column, const std::string& from, const std::string& to) {
      for (auto& one : data.cells.columns)
        if (one.name == column)
          for (auto& text : std::get<std::vector<std::string>>(one.values))
            if (text == from) text = to;
    };
    rename("target", "T0", "A/B");
    rename("target", "T1", ".");
    rename("rep", "r0", "x/y");
    rename("rep", "r1", "x%2Fy");
    const auto found = run_chain(data, options());
    const std::string path = in_folder("keys.h5ad");
    auto notes = write_screening_h5ad(data, found, LayerType::None, path);
    std::sort(notes.begin(), notes.end());
    QCOMPARE(notes.size(), std::size_t{3});
    QVERIFY(notes[1].starts_with("\"A/B\" is named \"A%2FB\""));
    const std::map<std::string, std::string> keys{
        {"A/B", "A%2FB"}, {".", "%2E"}, {"x/y", "x%2Fy_2"}, {"x%2Fy", "x%2Fy"}};
    namespace hdf5 = storage::hdf5;
    const auto file = hdf5::open_image(storage::read_whole_file(path), path);
    QCOMPARE(found.scores.groups.size(), std::size_t{4});
    for (const GroupScore& group : found.scores.groups) {
      const std::string& key = keys.at(found.screen.target.names[group.target]);
      const auto kept =
          hdf5::open_group(file, "uns/mixscale/" + key + "/" + keys.at(found.screen.split.names[group.split]));
      QCOMPARE(hdf5::count_of(kept, "pvec"), group.cells.size());
      QVERIFY(hdf5::has(hdf5::open_group(file, "uns/mixscale_de_genes"), key));
    }
    QCOMPARE(data::key_names({"x/y", "x_y", "x%2Fy", "x/y", "", "."}),
             (std::vector<std::string>{"x%2Fy_2", "x_y", "x%2Fy", "x%2Fy_3", "%", "%2E"}));
  }

  void tables() {
    const auto data = simulated().data;
    const auto found = run_chain(data, options());
    const auto targets = target_table(found.screen, found.targets);
    QCOMPARE(targets.rows(), std::size_t{4});
    QCOMPARE(targets.columns[0].name, std::string("target"));
    QCOMPARE(call_table(data.cells.names, found.screen, found.calls, "mixscape_class").rows(), std::size_t{800});
    const auto markers = markers_of_targets(*found.expression, found.screen, -1, {});
    auto table = marker_table(found.screen, markers, found.scores.markers, -1);
    QCOMPARE(table.rows(), std::size_t{4 * 120});
    append(table, marker_table(found.screen, markers, found.scores.markers, -1));
    QCOMPARE(table.rows(), std::size_t{8 * 120});
    QCOMPARE(discriminant_table(data.cells.names, found.screen, *found.discriminant).rows(),
             found.discriminant->cells.size());
  }

  void stopsWhenAsked() {
    const auto data = simulated().data;
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_THROWS_EXCEPTION(Cancelled, run_chain(data, options(), {}, false, {stop.get_token(), {}}));
  }
};

QTEST_GUILESS_MAIN(TestChain)
#include "tst_chain.moc"
