#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace scriptorium::data {

/// `text` with bytes that are no UTF-8 replaced by U+FFFD, so that it can be shown, hashed and written as JSON.
std::string valid_utf8(std::string text);

/// A path or key as messages show it: `X`, as valid UTF-8.
std::string quoted(const std::string& text);

/// Makes names unique and none empty: the second "A" becomes "A-1", the third "A-2", passing over names that exist;
/// an empty one becomes "<what> <row>". Adds a note where something was renamed.
/// @param what "cell" or "gene"
void make_unique(std::vector<std::string>& names, const std::string& what, std::vector<std::string>& notes);

/// "cell 1", "cell 2", … for a table without names, with a note.
/// @throws Error(BadInput) for more than a file without names can be believed to have
std::vector<std::string> generated_names(std::int64_t n, const std::string& what, std::vector<std::string>& notes);

/// Last component of a path, for messages.
std::string file_name(const std::string& path);

/// "1,234,567"
std::string grouped(std::int64_t number);

/// "a, b and c" (or another last word); at most `limit` of them, then "and 12 more". Items with commas are quoted.
std::string listed(const std::vector<std::string>& items, std::size_t limit = 8, const char* last = "and");

}  // namespace scriptorium::data
