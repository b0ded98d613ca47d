#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>
#include <sstream>
#include <unordered_set>

#include "command.hpp"
#include "core/error.hpp"
#include "core/storage/atomic_file.hpp"

// Names of genes, components, labels … as words give them.
namespace scriptorium::cli {
namespace {

void trim(std::string& name) {
  while (!name.empty() && (name.back() == '\r' || name.back() == ' ')) name.pop_back();
  name.erase(0, name.find_first_not_of(' '));
}

/// Names between commas; in double quotes they may hold commas and spaces at their ends ("" is a quote).
std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    at = std::min(text.find_first_not_of(' ', at), text.size());
    std::string name;
    if (at < text.size() && text[at] == '"') {
      for (++at; at < text.size(); ++at) {
        if (text[at] == '"' && (at + 1 == text.size() || text[++at] != '"')) break;
        name += text[at];
      }
      at = std::min(text.find(',', at), text.size());
    } else {
      const auto end = std::min(text.find(',', at), text.size());
      name = text.substr(at, end - at);
      trim(name);
      at = end;
    }
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace

std::vector<std::string> names_of(const std::string& flag, const std::string& what, const std::string& text) {
  std::vector<std::string> names;
  if (text.empty()) return names;
  std::error_code problem;
  const bool is_file = std::filesystem::is_regular_file(text, problem);
  if (!is_file && text.find(',') == std::string::npos &&
      (text.find('/') != std::string::npos || text.ends_with(".txt") || text.ends_with(".tsv") ||
       text.ends_with(".csv")))
    throw Error(ErrorCode::Io, "There is no file \"" + text + "\" with names of " + what + ".", "Check the path.");
  if (is_file) {
    std::istringstream lines(storage::read_whole_file(text));
    for (std::string name; std::getline(lines, name);)
      if (trim(name); !name.empty()) names.push_back(name);
  } else {
    names = split_names(text);
  }
  if (names.empty()) throw UsageError(flag + " names none: \"" + text + "\"");
  return names;
}

std::vector<std::int64_t> chosen_genes(const result::Fit& fit, const std::string& text) {
  if (text.empty()) return {};
  const auto words = names_of("--genes", "genes", text);
  const auto n = static_cast<std::int64_t>(fit.genes.size());
  const std::unordered_set<std::string> known(fit.genes.begin(), fit.genes.end());
  const auto is_mask = [](const std::string& w) { return w == "True" || w == "False" || w == "true" || w == "false"; };
  std::vector<std::int64_t> genes;
  if (std::all_of(words.begin(), words.end(), is_mask) && !known.contains(words.front())) {
    if (static_cast<std::int64_t>(words.size()) != n)
      throw Error(
          ErrorCode::BadInput,
          "The mask has " + std::to_string(words.size()) + " entries and the fit " + std::to_string(n) + " genes.",
          "Give one True or False a gene.");
    for (std::int64_t g = 0; g < n; ++g)
      if (std::tolower(words[static_cast<std::size_t>(g)].front()) == 't') genes.push_back(g);
    return genes;
  }
  // Numbers and slices count from 0 and leave the end out, unless a gene has that name.
  static const std::regex number("-?[0-9]{1,9}"), slice("(-?[0-9]{1,9})?:(-?[0-9]{1,9})?");
  std::vector<std::string> names;
  for (const auto& word : words) {
    std::smatch match;
    const auto place = [&](std::int64_t i) { return i < 0 ? i + n : i; };
    if (known.contains(word)) {
      genes.push_back(result::find_genes(fit.genes, {word}).front());
    } else if (std::regex_match(word, number)) {
      const auto g = place(std::stoll(word));
      if (g < 0 || g >= n)
        throw Error(ErrorCode::BadInput, "There is no gene number " + word + "; the fit has " + std::to_string(n) + ".",
                    "Count from 0.");
      genes.push_back(g);
    } else if (std::regex_match(word, match, slice)) {
      const auto first = match[1].matched ? place(std::stoll(match[1])) : 0,
                 last = match[2].matched ? place(std::stoll(match[2])) : n;
      for (auto g = std::max<std::int64_t>(first, 0); g < std::min(last, n); ++g) genes.push_back(g);
    } else {
      names.push_back(word);
    }
  }
  if (!names.empty()) result::find_genes(fit.genes, names);  // throws, with the nearest names of all that are missing
  if (genes.empty())
    throw Error(ErrorCode::BadInput, "--genes " + text + " chooses no gene.", "The fit has " + std::to_string(n) + ".");
  return genes;
}

}  // namespace scriptorium::cli
