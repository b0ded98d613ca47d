#pragma once
#include <functional>
#include <string>
#include <vector>

namespace scriptorium::data {

/// A name for each of `names` that `possible` made of it, no two the same: those that it leaves as they are stay, and
/// what would then meet another one has a number behind it.
std::vector<std::string> told_apart(const std::vector<std::string>& names,
                                    const std::function<std::string(const std::string&)>& possible);

/// Names under which things can stand beside each other in an HDF5 group, one for each of `names`, no two the same.
/// What the format can hold stays as it is; "/", "." alone, no name at all and zero bytes are told by percent signs
/// ("A%2FB"), and what would then meet another name has a number behind it ("A%2FB_2").
std::vector<std::string> key_names(const std::vector<std::string>& names);

}  // namespace scriptorium::data
