#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/data/formats/rds_source.hpp"

/// Looking into R objects. Nothing here trusts a slot to be there or of the right type: what is missing is null or
/// empty.
namespace scriptorium::data::rds {

using rds2cpp::RObject;

/// Attribute or slot of that name.
const RObject* slot(const RObject* object, const std::string& name);
/// Element of a list, by name.
const RObject* element(const RObject* list, const std::string& name);
/// The names of a list; one a value, or none.
std::vector<std::string> names_of(const RObject* list);
/// What `class(object)` says first, S4 or not: "dgCMatrix", "data.frame", "matrix"; else the type: "list", "double", …
std::string class_of(const RObject* object);
/// Whether the object is of the S4 class or has the class among those it inherits.
bool is_a(const RObject* object, const std::string& class_name);

std::vector<std::string> strings(const RObject* object);
/// Whole numbers, stored as integers, logicals or doubles.
std::vector<std::int64_t> integers(const RObject* object);
bool is_null(const RObject* object);

template <class Vector>
const Vector* as(const RObject* object) {
  return dynamic_cast<const Vector*>(object);
}

/// A data.frame or DataFrame of S4Vectors with one row a name. `names` are its row names, or none; columns that are no
/// plain vectors or factors are left out with a note.
/// @param what it is called in notes
Table table_of(const RObject* object, const std::string& what, std::vector<std::string>& notes);

/// A numeric matrix of one row a cell as coordinates; no dimensions where it is none.
Embedding embedding_of(const std::string& name, const RObject* object, std::int64_t n_cells);

}  // namespace scriptorium::data::rds
