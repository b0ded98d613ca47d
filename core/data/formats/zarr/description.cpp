#include "core/data/formats/zarr/description.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/data/formats/names.hpp"
#include "core/error.hpp"

namespace scriptorium::data::zarr {
namespace {

using nlohmann::json;
using Kind = ValueType::Kind;

constexpr std::int64_t longest_axis = 1LL << 40, most_values = 1LL << 60;
constexpr std::int64_t largest_chunk = 1LL << 31;       ///< bytes unpacked; Blosc holds no more
constexpr std::int64_t longest_text_chunk = 1LL << 25;  ///< texts in one chunk
constexpr std::size_t longest_fixed_text = 1 << 20;

[[noreturn]] void damaged(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::BadInput, name + " " + what,
              "Copy or download the store again, or write it anew with the program that made it.");
}

[[noreturn]] void unsupported(const std::string& name, const std::string& what, const std::string& remedy) {
  throw Error(ErrorCode::Unsupported, name + " " + what, remedy);
}

const json& member(const json& object, const char* key, const std::string& name) {
  const auto at = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || at == object.end()) damaged(name, "has a description without `" + std::string(key) + "`");
  return *at;
}

const json& configuration(const json& codec, const std::string& name) {
  return member(codec, "configuration", name);
}

/// As short as it can be shown.
std::string shown(const json& value) {
  std::string text =
      value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "…";
  return "“" + valid_utf8(text) + "”";
}

std::vector<std::int64_t> lengths(const json& value, std::int64_t least, const char* what, const std::string& name) {
  std::vector<std::int64_t> out;
  if (!value.is_array()) damaged(name, "has a description whose " + std::string(what) + " is no list");
  for (const json& length : value) {
    const bool whole = length.is_number_integer() &&
                       (!length.is_number_unsigned() || length.get<std::uint64_t>() <= std::uint64_t{longest_axis});
    const auto number = whole ? length.get<std::int64_t>() : -1;
    if (number < least || number > longest_axis)
      damaged(name, "has a description with the length " + shown(length) + " in its " + what);
    out.push_back(number);
  }
  return out;
}

void set_chunks(Description& out, const std::vector<std::int64_t>& chunk, const std::string& name) {
  if (chunk.size() != static_cast<std::size_t>(out.rank))
    damaged(name, "has " + std::to_string(out.rank) + " dimensions but chunks of " + std::to_string(chunk.size()));
  out.chunk_rows = chunk[0];
  out.chunk_columns = out.rank == 2 ? chunk[1] : 1;
}

/// Holds the size of a chunk against what can be unpacked at a time.
void check_chunk_size(const Description& d, const std::string& name) {
  const std::int64_t bytes = std::max<std::int64_t>(1, static_cast<std::int64_t>(d.type.bytes_in_memory()));
  const std::int64_t most = std::min(d.type.is_text() ? longest_text_chunk : largest_chunk, largest_chunk / bytes);
  if (d.chunk_rows > most / d.chunk_columns)
    unsupported(name,
                "has chunks of " + grouped(d.chunk_rows) + " × " + grouped(d.chunk_columns) +
                    " values, more than are held at a time (" + grouped(most) + ")",
                "Write it again with smaller chunks.");
}

void set_shape(Description& out, const std::vector<std::int64_t>& shape, const std::string& name) {
  if (shape.empty() || shape.size() > 2)
    unsupported(name, "has " + std::to_string(shape.size()) + " dimensions where 1 or 2 are needed",
                "Choose another array: this one is no table column and no matrix of cells and genes.");
  out.rank = static_cast<int>(shape.size());
  out.rows = shape[0];
  out.columns = shape.size() == 2 ? shape[1] : 1;
  if (out.columns > 0 && out.rows > most_values / out.columns)
    damaged(name, "claims " + grouped(out.rows) + " × " + grouped(out.columns) + " values, more than any store holds");
}

ValueType number_type(Kind kind, std::size_t bytes, bool swapped) {
  const char* const word = kind == Kind::Integer ? "int" : kind == Kind::Unsigned ? "uint" : "float";
  return {kind, bytes, swapped && bytes > 1, kind == Kind::Boolean ? "boolean" : word + std::to_string(8 * bytes)};
}

[[noreturn]] void unknown_type(const json& type, const std::string& name) {
  unsupported(name, "holds values of the type " + shown(type) + ", which is not read",
              "Write it again as whole numbers, floating-point numbers, booleans or text.");
}

bool is_number_width(Kind kind, std::size_t bytes) {
  if (kind == Kind::Boolean) return bytes == 1;
  return bytes == 2 || bytes == 4 || bytes == 8 || (bytes == 1 && kind != Kind::Float);
}

/// A type as numpy writes it: byte order, letter, bytes (characters for U).
ValueType type_v2(const json& type, const std::string& name) {
  if (!type.is_string()) unknown_type(type, name);
  const auto text = type.get<std::string>();
  if (text == "|O") return {Kind::Text, 0, false, "text"};
  std::size_t width = 0;
  const char* const end = text.data() + text.size();
  if (text.size() < 3 || std::from_chars(text.data() + 2, end, width).ptr != end) unknown_type(type, name);
  const bool big = text[0] == '>', swapped = text[0] != '|' && big != (std::endian::native == std::endian::big);
  if (text[1] == 'S' || text[1] == 'U') {
    if (width > longest_fixed_text) unknown_type(type, name);
    return {text[1] == 'S' ? Kind::FixedBytes : Kind::FixedUtf32, text[1] == 'S' ? width : 4 * width, swapped, "text"};
  }
  constexpr std::string_view letters = "biuf";
  const std::size_t letter = letters.find(text[1]);
  if (letter == std::string_view::npos) unknown_type(type, name);
  const auto kind = static_cast<Kind>(letter);
  if (!is_number_width(kind, width)) unknown_type(type, name);
  return number_type(kind, width, swapped);
}

/// Byte order is left to the codecs.
ValueType type_v3(const json& type, const std::string& name) {
  const json& named = type.is_object() ? member(type, "name", name) : type;
  if (!named.is_string()) unknown_type(type, name);
  const auto text = named.get<std::string>();
  if (text == "string" || text == "variable_length_utf8") return {Kind::Text, 0, false, "text"};
  if (text == "bool") return number_type(Kind::Boolean, 1, false);
  if (text == "null_terminated_bytes" || text == "fixed_length_utf32") {
    const json& bytes = member(configuration(type, name), "length_bytes", name);
    const bool wide = text == "fixed_length_utf32";
    if (!bytes.is_number_unsigned() || bytes.get<std::uint64_t>() > longest_fixed_text ||
        (wide && bytes.get<std::uint64_t>() % 4 != 0))
      unknown_type(type, name);
    return {wide ? Kind::FixedUtf32 : Kind::FixedBytes, bytes.get<std::size_t>(), false, "text"};
  }
  for (const auto& [word, kind] : {std::pair{"int", Kind::Integer}, {"uint", Kind::Unsigned}, {"float", Kind::Float}})
    for (const std::size_t bytes : {1, 2, 4, 8})
      if (is_number_width(kind, bytes) && text == word + std::to_string(8 * bytes))
        return number_type(kind, bytes, false);
  unknown_type(type, name);
}

template <class T>
Bytes as_bytes(T value) {
  Bytes out(sizeof value);
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

template <class Signed, class Unsigned>
Bytes whole_bytes(const json& fill, bool is_unsigned) {
  return is_unsigned ? as_bytes(static_cast<Unsigned>(fill.get<std::uint64_t>()))
                     : as_bytes(static_cast<Signed>(fill.get<std::int64_t>()));
}

std::optional<double> fill_number(const json& fill) {
  if (fill.is_null()) return 0.0;
  if (fill.is_boolean()) return fill.get<bool>() ? 1.0 : 0.0;
  if (fill.is_number()) return fill.get<double>();
  if (!fill.is_string()) return {};
  const auto text = fill.get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return {};
}

/// What missing chunks hold. Floating-point numbers of version 3 may be given by their bits: those are not read.
void set_fill(Description& out, const json& fill, const std::string& name) {
  const auto wrong = [&] {
    damaged(name, "has the fill value " + shown(fill) + " for values of type " + out.type.name);
  };
  if (out.type.is_text()) {
    const bool empty = fill.is_null() || fill == 0 || (fill.is_string() && fill.get<std::string>().empty());
    if (out.type.kind == Kind::Text && fill.is_string()) out.fill_text = valid_utf8(fill.get<std::string>());
    out.fill_is_known = empty || out.type.kind == Kind::Text;
    out.fill.assign(out.type.bytes, std::byte{0});
    return;
  }
  const std::optional<double> number = fill_number(fill);
  if (!number) wrong();
  if (out.type.kind == Kind::Float) {
    out.fill = out.type.bytes == 8 ? as_bytes(*number) : as_bytes(static_cast<float>(*number));
    return;
  }
  if (!std::isfinite(*number) || *number != std::floor(*number)) wrong();
  if (!fill.is_number_integer()) {  // a whole number written as 0.0, true or null
    if (std::fabs(*number) > 1e15) wrong();
    return set_fill(out, json(static_cast<std::int64_t>(*number)), name);
  }
  const bool is_unsigned = fill.is_number_unsigned();
  switch (out.type.bytes) {
    case 1:
      out.fill = whole_bytes<std::int8_t, std::uint8_t>(fill, is_unsigned);
      break;
    case 2:
      out.fill = whole_bytes<std::int16_t, std::uint16_t>(fill, is_unsigned);
      break;
    case 4:
      out.fill = whole_bytes<std::int32_t, std::uint32_t>(fill, is_unsigned);
      break;
    default:
      out.fill = whole_bytes<std::int64_t, std::uint64_t>(fill, is_unsigned);
  }
}

[[noreturn]] void unknown_codec(const json& codec, const std::string& name) {
  unsupported(name, "is packed with the codec " + shown(codec) + ", which this program cannot undo",
              "Write it again with Blosc, zstd, gzip, zlib or LZ4, or without a codec.");
}

std::string codec_name(const json& codec, const char* key, const std::string& name) {
  if (codec.is_string()) return codec.get<std::string>();
  const json& text = member(codec, key, name);
  if (!text.is_string()) unknown_codec(text, name);
  return text.get<std::string>();
}

/// From the values of a chunk to its bytes, as version 3 lists the steps.
void set_codecs(Description& out, const json& codecs, const std::string& name);

void set_shards(Description& out, const json& codec, const std::string& name) {
  const json& settings = configuration(codec, name);
  if (out.shards) unsupported(name, "has shards within shards", "Write it again with one level of shards.");
  const std::vector<std::int64_t> inner = lengths(member(settings, "chunk_shape", name), 1, "inner chunks", name);
  const std::vector<std::int64_t> outer =
      out.rank == 2 ? std::vector{out.chunk_rows, out.chunk_columns} : std::vector{out.chunk_rows};
  set_chunks(out, inner, name);
  Shards shards;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (outer[i] % inner[i] != 0)
      damaged(name, "has shards of " + grouped(outer[i]) + " that chunks of " + grouped(inner[i]) + " do not divide");
    shards.chunks.push_back(outer[i] / inner[i]);
  }
  const json location = settings.value("index_location", json("end"));
  if (location != "start" && location != "end") damaged(name, "has its shard index at " + shown(location));
  shards.index_at_start = location == "start";
  for (const json& step : member(settings, "index_codecs", name)) {
    const std::string text = codec_name(step, "name", name);
    if (text == "crc32c")
      shards.index_has_checksum = true;
    else if (text != "bytes" || step.value("/configuration/endian"_json_pointer, "little") != "little")
      unknown_codec(step, name);
  }
  out.shards = shards;
  set_codecs(out, member(settings, "codecs", name), name);
}

void set_codecs(Description& out, const json& codecs, const std::string& name) {
  bool made_bytes = false;
  if (!codecs.is_array()) damaged(name, "has a description whose codecs are no list");
  for (const json& codec : codecs) {
    const std::string text = codec_name(codec, "name", name);
    if (made_bytes) {
      const std::optional<Packing> packing = packing_named(text);
      if (!packing) unknown_codec(text, name);
      out.packing.push_back(*packing);
    } else if (text == "transpose") {
      const json& order = member(configuration(codec, name), "order", name);
      if (order == "F" || order == json{1, 0})
        out.by_column = out.rank == 2 && !out.by_column;
      else if (order != "C" && order != json{0, 1} && order != json::array({0}))
        damaged(name, "has its dimensions in the order " + shown(order));
    } else if (text == "bytes") {
      const std::string order =
          codec.is_object() ? codec.value("/configuration/endian"_json_pointer, "little") : "little";
      out.type.swapped = out.type.kind != Kind::FixedBytes && out.type.bytes > 1 &&
                         (order == "big") != (std::endian::native == std::endian::big);
      made_bytes = true;
    } else if (text == "vlen-utf8" || text == "numcodecs.vlen-utf8") {
      if (out.type.kind != Kind::Text) damaged(name, "packs " + out.type.name + " as text");
      made_bytes = true;
    } else if (text == "sharding_indexed") {
      if (out.by_column || codecs.size() > 1)
        unsupported(name, "packs whole shards once more", "Write it again with codecs inside of the shards only.");
      set_shards(out, codec, name);
      made_bytes = true;
    } else {
      unknown_codec(text, name);
    }
  }
  if (!made_bytes) damaged(name, "has codecs that make no bytes");
}

/// Runs `read`, with what the JSON library says of members of wrong types as words of ours.
template <class Read>
Description guarded(const std::string& name, Read read) try {
  return read();
} catch (const json::exception&) {
  damaged(name, "has a description whose parts are of wrong types");
}

}  // namespace

Description describe_v2(const json& zarray, const std::string& name) {
  return guarded(name, [&] {
    Description out;
    set_shape(out, lengths(member(zarray, "shape", name), 0, "shape", name), name);
    set_chunks(out, lengths(member(zarray, "chunks", name), 1, "chunks", name), name);
    out.type = type_v2(member(zarray, "dtype", name), name);
    check_chunk_size(out, name);
    out.by_column = out.rank == 2 && zarray.value("order", json("C")) == "F";
    bool is_text = false;
    if (const json filters = zarray.value("filters", json()); filters.is_array())
      for (const json& filter : filters) {
        const std::string text = codec_name(filter, "id", name);
        if (text != "vlen-utf8" || out.type.kind != Kind::Text) unknown_codec(text, name);
        is_text = true;
      }
    if (out.type.kind == Kind::Text && !is_text) unknown_type("Python objects", name);
    if (const json compressor = zarray.value("compressor", json()); !compressor.is_null()) {
      const std::string text = codec_name(compressor, "id", name);
      const std::optional<Packing> packing = packing_named(text);
      if (!packing) unknown_codec(text, name);
      out.packing.push_back(*packing);
    }
    set_fill(out, zarray.value("fill_value", json()), name);
    out.separator = zarray.value("dimension_separator", ".") == "/" ? '/' : '.';
    return out;
  });
}

Description describe_v3(const json& node, const std::string& name) {
  return guarded(name, [&] {
    Description out;
    set_shape(out, lengths(member(node, "shape", name), 0, "shape", name), name);
    const json& grid = member(node, "chunk_grid", name);
    if (codec_name(grid, "name", name) != "regular")
      unsupported(name, "has a chunk grid that is not regular", "Write it again with chunks of one size.");
    set_chunks(out, lengths(member(configuration(grid, name), "chunk_shape", name), 1, "chunks", name), name);
    out.type = type_v3(member(node, "data_type", name), name);
    if (const json more = node.value("storage_transformers", json()); more.is_array() && !more.empty())
      unsupported(name, "goes through a storage transformer", "Write it again without one.");
    set_codecs(out, member(node, "codecs", name), name);
    check_chunk_size(out, name);
    set_fill(out, node.value("fill_value", json()), name);
    const json& keys = member(node, "chunk_key_encoding", name);
    const bool as_v2 = codec_name(keys, "name", name) == "v2";
    const std::string separator =
        keys.is_object() ? keys.value("/configuration/separator"_json_pointer, as_v2 ? "." : "/") : "/";
    out.separator = separator == "." ? '.' : '/';
    if (!as_v2) out.key_prefix = std::string("c") + out.separator;
    return out;
  });
}

}  // namespace scriptorium::data::zarr
