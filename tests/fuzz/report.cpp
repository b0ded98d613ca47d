#include "report.hpp"

#include <array>
#include <sstream>
#include <string_view>

namespace scriptorium::fuzz {
namespace {

/// "    #0 0x7f… in f (/usr/lib/libasan.so.8+0x…)"
bool is_frame(std::string_view line) {
  const std::size_t start = line.find_first_not_of(' ');
  return start != std::string_view::npos && line.substr(start).starts_with('#') && line.find(" 0x") != line.npos;
}

bool is_runtime(std::string_view frame) {
  static constexpr std::array<std::string_view, 11> libraries{"libasan.so",  "libubsan.so",  "liblsan.so", "libc.so",
                                                              "libm.so",     "libz.so",      "liblz4.so",  "libzstd.so",
                                                              "libblosc.so", "libstdc++.so", "libgcc_s.so"};
  for (const std::string_view library : libraries)
    if (frame.find(library) != std::string_view::npos) return true;
  return false;
}

}  // namespace

Blame blame(const std::string& report) {
  const auto says = [&](const char* words) { return report.find(words) != std::string::npos; };
  if (!says("ERROR:") && !says("runtime error:") && !says("CHECK failed")) return Blame::Nobody;
  const bool leaks = says("LeakSanitizer");
  std::istringstream lines(report);
  Blame found = says("nested bug") ? Blame::Unsaid : Blame::Own;  // where no frame says otherwise
  bool searching = !leaks, library = false;
  for (std::string line; std::getline(lines, line);) {
    if (leaks && line.find(" leak of ") != std::string::npos) searching = true;
    if (!searching || !is_frame(line) || is_runtime(line)) continue;
    searching = false;
    library = line.find("libhdf5") != std::string::npos;
    if (!leaks || !library) return library ? Blame::Library : Blame::Own;
    found = Blame::Library;
  }
  return found;
}

}  // namespace scriptorium::fuzz
