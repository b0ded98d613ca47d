#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace scriptorium::result {

/// Writes a whole file aside and renames it over `path`: whoever looks sees the old file or the new one, never a part.
/// @throws Error(Io) that names the path and the reason (disk full, no permission, …); the old file stays.
void write_whole_file(const std::string& path, std::span<const std::byte> bytes);
void write_whole_file(const std::string& path, std::string_view text);

/// All bytes of a file. @throws Error(Io).
std::string read_whole_file(const std::string& path);

}  // namespace scriptorium::result
