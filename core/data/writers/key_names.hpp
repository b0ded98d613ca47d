#pragma once
#include <string>
#include <vector>

namespace scriptorium::data {

/// Names under which things can stand beside each other in an HDF5 group, one for each of `names`, no two the same.
/// What the format can hold stays as it is; "/", "." alone, no name at all and zero bytes are told by percent signs
/// ("A%2FB"), and what would then meet another name has a number behind it ("A%2FB_2").
std::vector<std::string> key_names(const std::vector<std::string>& names);

}  // namespace scriptorium::data
