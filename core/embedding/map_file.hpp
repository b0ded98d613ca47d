#pragma once
#include <optional>
#include <string>

#include "core/embedding/embed.hpp"

/// Maps that were computed once, kept in a folder so that nobody waits for them again.
namespace scriptorium::embedding {

/// What coordinates depend on: the data (data::data_identity), the method and its options. Threads are no part of it.
std::string map_key(const std::string& data_id, const EmbedOptions& options);

/// Keeps coordinates under their key, a sealed file of the folder; beyond `most` files the oldest go.
/// @throws Error(Io) naming the file
void keep_map(const std::string& folder, const std::string& key, const Coordinates& map, std::size_t most = 30);
/// The coordinates of a key, nothing where there are none: never kept, or damaged.
/// @param cells  how many there must be
std::optional<Coordinates> kept_map(const std::string& folder, const std::string& key, std::int64_t cells);

}  // namespace scriptorium::embedding
