#include "command.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <thread>
#include <unordered_map>

#include "core/data/identity.hpp"
#include "core/error.hpp"
#include "core/storage/atomic_file.hpp"
#include "core/storage/file_kind.hpp"
#include "core/summary/count_summary.hpp"

namespace scriptorium::cli {
namespace {

std::stop_source& interrupt_source() {
  static std::stop_source source;
  return source;
}

/// At most 20 lines a second, the last one always.
class Reporter {
 public:
  explicit Reporter(bool json) : json_(json) {}
  ~Reporter() {
    if (shown_) std::fputs(json_ ? "" : "\r\x1b[K", stderr);
  }
  void operator()(const Progress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (shown_ && progress.fraction < 1 && now - last_ < std::chrono::milliseconds(50)) return;
    last_ = now;
    shown_ = true;
    if (json_) {
      nlohmann::json line{{"message", progress.message}};
      line["fraction"] = progress.fraction < 0 ? nlohmann::json(nullptr) : nlohmann::json(progress.fraction);
      std::fprintf(stderr, "%s\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    } else if (progress.fraction >= 0) {
      const int filled = static_cast<int>(progress.fraction * 24);
      std::fprintf(stderr, "\r\x1b[K[%s%s] %3.0f%% %s", std::string(static_cast<std::size_t>(filled), '#').c_str(),
                   std::string(static_cast<std::size_t>(24 - filled), ' ').c_str(), progress.fraction * 100,
                   progress.message.c_str());
    } else {
      std::fprintf(stderr, "\r\x1b[K%s", progress.message.c_str());
    }
    std::fflush(stderr);
  }

 private:
  bool json_, shown_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace

namespace {
std::atomic<bool> listening = false;  // whether the command at work looks at the stop token
}

std::stop_token interrupted() {
  listening = true;
  return interrupt_source().get_token();
}

void watch_for_interrupts() {
  ::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is an error of the write, not the end of the program
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread is made, so that all inherit it
  interrupt_source();
  std::thread([signals] {
    for (int times = 0;; ++times) {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0) continue;
      if (times > 0 || !listening) _exit(128 + signal);  // outputs are written aside: none is left half done
      interrupt_source().request_stop();
    }
  }).detach();
}

void Common::add_to(CLI::App& command) {
  command.add_option("--progress", progress, "bar, json or none, on standard error")
      ->transform(one_of({"auto", "bar", "json", "none"}));
  command.add_option("--threads", threads, "threads; 0: all cores")->check(CLI::Range(0, 4096));
}

RunControl Common::control() const {
  RunControl control;
  control.stop = interrupted();
  const bool bar = progress == "bar" || (progress == "auto" && ::isatty(STDERR_FILENO));
  if (bar || progress == "json") {
    auto reporter = std::make_shared<Reporter>(progress == "json");
    control.report = [reporter](const Progress& p) { (*reporter)(p); };
  }
  return control;
}

void DataOptions::add_to(CLI::App& command, bool required) {
  command.add_option("data", path, "file or folder with counts")->required(required);
  add_words_to(command);
}

void DataOptions::add_words_to(CLI::App& command) {
  command.add_option("--layer", open.layer, "where the counts are, as inspect lists it");
  command.add_option("--genome", open.genome, "genome of a 10x v2 file that holds several");
  command
      .add_option_function<std::string>(
          "--missing", [this](const std::string& word) { open.missing = data::missing_rule(word); },
          "entries that were not measured (NaN, or the lowest int64, in many cells alike): leave-out (default), zero "
          "or "
          "full-genes")
      ->transform(one_of({"leave-out", "zero", "full-genes"}));
  command.add_option("--modality", open.modality, "modality of an h5mu file, or assay of a Seurat object");
  command
      .add_option("--orientation", open.orientation, "what the rows of a table or bare R matrix are: cells or genes")
      ->transform(one_of({"cells", "genes"}));
}

data::Dataset DataOptions::read(const RunControl& control) const {
  refuse_own_file(path);
  return data::open(path, open, control);
}

void refuse_own_file(const std::string& path) {
  const std::string kind = storage::sealed_kind(path);
  if (kind.empty()) return;
  throw Error(ErrorCode::BadInput, "\"" + path + "\" is a " + kind + " of this program, not data.",
              kind == "summary" ? "Only fit, summarise, show and inspect take summaries; give the counts themselves."
                                : "Give a file or folder with counts.");
}

const CLI::Validator whole_number(
    [](std::string& text) {
      const bool good = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
      return good ? std::string() : "\"" + text + "\" is not a whole number from 0 up";
    },
    "WHOLE", "whole number");
const CLI::Validator draws_number = CLI::Range(1, 10'000'000);
const CLI::Validator netcdf_name(
    [](const std::string& name) {
      return name.ends_with(".nc") ? std::string() : "draws are written as netCDF: give a name that ends in .nc";
    },
    "FILE.nc", "netCDF name");

namespace {
CLI::Validator number_above(double limit, bool limit_too, const std::string& words) {
  return {[=](std::string& text) {
            char* end = nullptr;
            const double value = std::strtod(text.c_str(), &end);
            const bool number = !text.empty() && *end == '\0' && std::isfinite(value);
            const bool good = number && (value > limit || (limit_too && value == limit));
            return good ? std::string() : "\"" + text + "\" is not a number " + words;
          },
          "NUMBER", words};
}
}  // namespace
const CLI::Validator positive_number = number_above(0, false, "above 0");
const CLI::Validator number_from_zero = number_above(0, true, "from 0 up");

CLI::Validator one_of(std::vector<std::string> words, std::vector<std::string> later) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i)
    list += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return {[words = std::move(words), later = std::move(later), list](std::string& text) {
            const auto same = [&text](const std::string& word) {
              return CLI::detail::to_lower(word) == CLI::detail::to_lower(text);
            };
            if (const auto at = std::find_if(words.begin(), words.end(), same); at != words.end()) {
              text = *at;
              return std::string();
            }
            return std::any_of(later.begin(), later.end(), same) ? "not built yet: " + text
                                                                 : "\"" + text + "\" is not " + list;
          },
          list, list};
}

void PointOption::add_to(CLI::App& command) {
  command.add_option("--point", point, "mode (the mean where a mode is undefined) or mean")
      ->transform(one_of({"mode", "mean"}));
}

void DeviceOption::add_to(CLI::App& command) {
  command.add_option("--device", device, "auto (a GPU where there is one), cpu or cuda:N")
      ->check([](const std::string& word) {
        static const std::regex known("auto|cpu|cuda(:[0-9]{1,4})?");
        return std::regex_match(word, known) ? std::string() : "\"" + word + "\" is not auto, cpu or cuda:N";
      });
}

std::shared_ptr<const compute::Backend> DeviceOption::choose(int threads) const {
  auto choice = compute::choose_backend(device, threads);
  if (!choice.told.empty() && device != "auto") std::fprintf(stderr, "note: %s\n", choice.told.c_str());
  return choice.backend;
}

void tell_notes(const compute::Backend& backend) {
  for (const auto& note : backend.notes()) std::fprintf(stderr, "note: %s\n", note.c_str());
}

data::Dataset match_data(result::Fit& fit, const data::Dataset& dataset, bool same_counts, const RunControl& control) {
  if (fit.point_only) {
    const auto genes = static_cast<std::int64_t>(fit.genes.size()), cells = static_cast<std::int64_t>(fit.cells.size());
    if ((genes != 0 && genes != dataset.counts.n_genes) || (cells != 0 && cells != dataset.counts.n_cells))
      throw Error(ErrorCode::BadInput,
                  "The parameters are of " + std::to_string(cells) + " cells and " + std::to_string(genes) +
                      " genes; the data have " + std::to_string(dataset.counts.n_cells) + " and " +
                      std::to_string(dataset.counts.n_genes) + ".",
                  "Give the data that the parameters were made from.");
    fit.genes = dataset.genes.names;
    fit.cells = dataset.cells.names;
    fit.summary = summary::summarise(dataset.counts, 0, control, dataset.missing);
    return dataset;
  }
  const auto indices = [](const std::vector<std::string>& names, const std::vector<std::string>& wanted,
                          const char* what) {
    std::unordered_map<std::string, std::int64_t> index;
    for (std::size_t i = 0; i < names.size(); ++i) index.emplace(names[i], static_cast<std::int64_t>(i));
    std::vector<std::int64_t> found;
    for (const auto& name : wanted) {
      const auto at = index.find(name);
      if (at == index.end())
        throw Error(ErrorCode::BadInput,
                    "The data have no " + std::string(what) + " \"" + name + "\", which the fit has.",
                    "Give the data that were fitted; a fit speaks of its own cells and genes only.");
      found.push_back(at->second);
    }
    return found;
  };
  const auto cells = indices(dataset.cells.names, fit.cells, "cell"),
             genes = indices(dataset.genes.names, fit.genes, "gene");
  auto matched = dataset.select(cells, genes);
  if (fit.data_id.empty() || data::data_identity(matched) == fit.data_id) return matched;
  // A subset of a fit keeps the identity of the whole; its genes' histograms tell whether the counts are the same.
  const auto summary = summary::summarise(matched.counts, 0, control, matched.missing);
  for (std::size_t g = 0; g < fit.genes.size(); ++g) {
    const auto histogram = [g](const summary::CountSummary& s) {
      const auto first = s.gene_start[g], last = s.gene_start[g + 1];
      return std::pair(std::vector(s.value.begin() + first, s.value.begin() + last),
                       std::vector(s.cells.begin() + first, s.cells.begin() + last));
    };
    if (histogram(summary) == histogram(fit.summary)) continue;
    const std::string what =
        "These counts are not the ones that were fitted: they differ in gene " + fit.genes[g] + ".";
    if (same_counts) throw Error(ErrorCode::BadInput, what, "Give the data, and the layer, that were fitted.");
    std::fprintf(stderr, "note: %s\n", what.c_str());
    break;
  }
  return matched;
}

std::optional<data::Dataset> data_of_fit(result::Fit& fit, const DataOptions& given, bool same_counts,
                                         const RunControl& control) {
  if (given.path.empty()) {
    if (fit.point_only) throw UsageError("DATA is needed beside a file of parameters");
    return std::nullopt;
  }
  // The same counts may lie under another name in another kind of file: the layer of the fit only decides where the
  // file has it, and the identity of the counts decides in the end.
  DataOptions data = given;
  if (data.open.layer.empty() && !fit.data_layer.empty()) {
    refuse_own_file(data.path);
    const auto offered = data::peek(data.path, data.open, control).layers;
    if (std::any_of(offered.begin(), offered.end(), [&](const auto& layer) { return layer.path == fit.data_layer; }))
      data.open.layer = fit.data_layer;
  }
  return match_data(fit, data.read(control), same_counts, control);
}

void tell_notes(const result::Fit& fit) {
  if (fit.point_only) return;
  const auto& convergence = fit.result.convergence;
  if (!convergence.converged) std::fprintf(stderr, "note: not converged: %s\n", convergence.verdict.c_str());
  for (const auto& note : convergence.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
}

void keep_inputs(const std::string& out, std::initializer_list<std::string> inputs) {
  std::error_code problem;
  for (const auto& input : inputs)
    if (!input.empty() && std::filesystem::equivalent(out, input, problem))
      throw Error(ErrorCode::BadInput, "\"" + out + "\" is an input of this command and would be written over.",
                  "Give another name with --out.");
}

void add_table_output(CLI::App& command, std::string& path) {
  command.add_option("--out", path, "table to write (.tsv, .csv, .json, -)")
      ->required()
      ->check([](const std::string& name) {
        try {
          report::table_format(name);
          return std::string();
        } catch (const Error& error) {
          return std::string(error.what()) + " " + error.remedy();
        }
      });
}

void write(const report::Table& table, const std::string& path) {
  report::write_table(table, path);
}

void print_json(const nlohmann::json& json) {
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

}  // namespace scriptorium::cli
