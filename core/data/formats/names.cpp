#include "core/data/formats/names.hpp"

#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "core/error.hpp"

namespace scriptorium::data {
namespace {

/// Bytes of the UTF-8 character that starts at `i`, 0 where there is none.
std::size_t character_length(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U; };
  const auto follows = [&](std::size_t k) { return (byte(k) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool short_form = first == 0xE0 && byte(1) < 0xA0, surrogate = first == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !short_form && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool short_form = first == 0xF0 && byte(1) < 0x90, beyond = first == 0xF4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !short_form && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string valid_utf8(std::string text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = character_length(text, i);
    if (length == 0) break;
    i += length;
  }
  if (i == text.size()) return text;
  std::string out = text.substr(0, i);
  while (i < text.size()) {
    const std::size_t length = character_length(text, i);
    out += length == 0 ? "\xEF\xBF\xBD" : text.substr(i, length);
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::string quoted(const std::string& text) {
  return std::string("`").append(valid_utf8(text)).append("`");
}

void make_unique(std::vector<std::string>& names, const std::string& what, std::vector<std::string>& notes) {
  std::int64_t empty = 0, repeated = 0;
  std::string example;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i].empty()) {
      names[i] = what + " " + std::to_string(i + 1);
      ++empty;
    }
  std::unordered_set<std::string> taken(names.begin(), names.end());
  if (taken.size() < names.size()) {
    std::unordered_map<std::string, std::int64_t> seen;
    seen.reserve(names.size());
    for (std::string& name : names) {
      const auto [at, is_first] = seen.try_emplace(name, 0);
      if (is_first) continue;
      std::string renamed;
      do renamed = at->first + "-" + std::to_string(++at->second);
      while (!taken.insert(renamed).second);
      if (repeated++ == 0) example = at->first;
      name = std::move(renamed);
    }
  }
  if (empty > 0)
    notes.push_back(grouped(empty) + " " + what + (empty == 1 ? " has" : "s have") + " no name: numbered.");
  if (repeated > 0)
    notes.push_back(grouped(repeated) + " " + what + " name" + (repeated == 1 ? " is" : "s are") +
                    " repeated (first: " + example + "): made unique by -1, -2, …");
}

std::vector<std::string> generated_names(std::int64_t n, const std::string& what, std::vector<std::string>& notes) {
  constexpr std::int64_t most = 10'000'000;
  if (n > most)
    throw Error(ErrorCode::BadInput, "The file claims " + grouped(n) + " " + what + "s and names none of them.",
                "It may be damaged: copy or download it again; more than " + grouped(most) + " need names.");
  std::vector<std::string> names;
  names.reserve(n);
  for (std::int64_t i = 1; i <= n; ++i) names.push_back(what + " " + std::to_string(i));
  notes.push_back("The file names no " + what + "s: numbered from " + what + " 1.");
  return names;
}

std::string file_name(const std::string& path) {
  auto name = std::filesystem::path(path).lexically_normal();
  return valid_utf8(name.has_filename() ? name.filename().string() : name.parent_path().filename().string());
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::int64_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string listed(const std::vector<std::string>& items, std::size_t limit, const char* last) {
  std::string out;
  const std::size_t shown = std::min(limit, items.size());
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0 && i + 1 == items.size()) out.append(" ").append(last).append(" ");
    if (i > 0 && i + 1 < items.size()) out.append(", ");
    const bool plain =
        items[i].find(',') == std::string::npos && !items[i].starts_with(' ') && !items[i].ends_with(' ');
    out.append(plain ? items[i] : '"' + items[i] + '"');
  }
  if (shown < items.size()) out += " and " + std::to_string(items.size() - shown) + " more";
  return out;
}

}  // namespace scriptorium::data
