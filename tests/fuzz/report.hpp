#pragma once
#include <string>

namespace scriptorium::fuzz {

/// Whose fault a report of the sanitizers names: that of the code the first frame outside their runtimes and the
/// libraries of compression lies in. Of leaks, our own when any of them is. Unsaid: the sanitizer itself died of what it
/// had to report, before the first frame.
enum class Blame { Nobody, Library, Own, Unsaid };
Blame blame(const std::string& report);

}  // namespace scriptorium::fuzz
