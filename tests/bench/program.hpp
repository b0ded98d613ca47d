#pragma once
#include <string>
#include <vector>

/// What another program prints, read to its end; `echo` prints it on as it comes. Its errors go where ours go.
/// @param words  the program and its arguments @returns nothing where it cannot be started
std::string output_of(const std::vector<std::string>& words, bool echo = false);
