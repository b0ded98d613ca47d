#include "core/data/writers/key_names.hpp"

#include <set>

namespace scriptorium::data {
namespace {

std::string escaped(const std::string& name) {
  if (name.empty()) return "%";
  if (name == ".") return "%2E";
  std::string out;
  for (const char letter : name) {
    if (letter == '/')
      out += "%2F";
    else if (letter == '\0')
      out += "%00";
    else
      out += letter;
  }
  return out;
}

}  // namespace

std::vector<std::string> told_apart(const std::vector<std::string>& names,
                                    const std::function<std::string(const std::string&)>& possible) {
  std::vector<std::string> keys(names.size());
  std::set<std::string> taken;
  // Names that can stay do, whatever comes before them.
  for (const bool staying : {true, false})
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string key = possible(names[i]);
      const bool stays = key == names[i] && !taken.contains(key);
      if (!keys[i].empty() || (staying && !stays)) continue;
      keys[i] = key;
      for (int number = 2; !taken.insert(keys[i]).second; ++number) keys[i] = key + "_" + std::to_string(number);
    }
  return keys;
}

std::vector<std::string> key_names(const std::vector<std::string>& names) {
  return told_apart(names, escaped);
}

}  // namespace scriptorium::data
