#include "core/data/formats/rds_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/data/formats/names.hpp"
#include "core/data/formats/rds_signature.hpp"

namespace scriptorium::data::rds {
namespace {

using rds2cpp::Header;
using rds2cpp::RObject;
using rds2cpp::SEXPType;
using rds2cpp::SharedParseInfo;

constexpr std::size_t piece = 1 << 18;
constexpr std::uint64_t best_packing = 1032;  ///< deflate writes no fewer bytes than 1 for so many
constexpr int deepest = 400;                  ///< levels of objects within objects; real ones have a few dozen

constexpr const char* copy_again = "Copy or download the file again.";

/// The first bytes as they lie on disk, and unpacked.
std::string first_bytes(const std::string& path, bool unpacked) {
  std::string out(14, '\0');
  if (!unpacked) {
    std::ifstream in(path, std::ios::binary);
    in.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(in.gcount()));
    return out;
  }
  gzFile in = gzopen(path.c_str(), "rb");
  if (in == nullptr) return {};
  const int got = gzread(in, out.data(), static_cast<unsigned>(out.size()));
  gzclose(in);
  out.resize(static_cast<std::size_t>(std::max(got, 0)));
  return out;
}

std::uint32_t big_endian(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::uint32_t take_number(Source& source) {
  std::array<unsigned char, 4> bytes{};
  rds2cpp::quick_extract(source, bytes.size(), bytes.data());
  return big_endian(bytes.data());
}

/// Refuses a claim of `n` things of so many bytes each that the file cannot hold.
std::size_t believable(Source& source, std::uint64_t n, std::uint64_t bytes_each = 1) {
  if (n > source.most_left() / bytes_each)
    source.fail(ErrorCode::BadInput,
                source.name() + " is damaged: it claims a list of " +
                    grouped(static_cast<std::int64_t>(std::min<std::uint64_t>(n, INT64_MAX))) + " values",
                copy_again);
  return n;
}

/// Bytes that every value of a vector takes in the file at least.
std::uint64_t least_bytes(SEXPType type) {
  switch (type) {
    case SEXPType::INT:
    case SEXPType::LGL:
    case SEXPType::VEC:
      return 4;
    case SEXPType::REAL:
    case SEXPType::STR:
      return 8;
    case SEXPType::CPLX:
      return 16;
    default:
      return 1;
  }
}

/// A run of whole numbers that R stores by length, start and step.
template <class Vector>
Vector compact_sequence(Source& source) {
  const Header header = rds2cpp::parse_header(source);
  if (header[3] != static_cast<unsigned char>(SEXPType::REAL)) throw std::runtime_error("a sequence without its ends");
  const auto ends = rds2cpp::parse_double_body(source).data;
  const bool plain = ends.size() == 3 && ends[0] >= 0 && ends[0] <= 0x1p31 && std::abs(ends[1]) <= 0x1p31 &&
                     (ends[2] == 1 || ends[2] == -1);
  if (!plain) throw std::runtime_error("a sequence without an end");
  // Made from three numbers, so no more can be held against it than what R itself writes this way in tables of cells.
  if (ends[0] > 0x1p26) throw std::runtime_error("a sequence too long for row names");
  Vector out(static_cast<std::size_t>(ends[0]));
  for (std::size_t i = 0; i < out.data.size(); ++i) {
    const double value = ends[1] + ends[2] * static_cast<double>(i);
    if constexpr (std::is_same_v<Vector, rds2cpp::IntegerVector>)
      out.data[i] = static_cast<std::int32_t>(std::clamp(value, -2147483647.0, 2147483647.0));
    else
      out.data[i] = value;
  }
  if (rds2cpp::parse_header(source)[3] != static_cast<unsigned char>(SEXPType::NILVALUE_))
    throw std::runtime_error("a sequence goes on behind its end");
  return out;
}

template <class Object>
std::unique_ptr<RObject> owned(Object object) {
  return std::make_unique<Object>(std::move(object));
}

[[noreturn]] void refuse_kind(Source& source, const std::string& what) {
  source.fail(ErrorCode::Unsupported, source.name() + " holds " + what + ", which is not read here",
              "Save only the counts: in R, saveRDS(counts, \"counts.rds\") with counts a dgCMatrix or matrix.");
}

/// A vector within another that only adds attributes.
std::unique_ptr<RObject> unwrapped(Source& source, SharedParseInfo& shared) {
  if (rds2cpp::parse_header(source)[3] != static_cast<unsigned char>(SEXPType::LIST))
    throw std::runtime_error("a wrapped vector that is missing");
  std::unique_ptr<RObject> object = parse_object(source, shared);
  parse_object(source, shared);  // whether it is sorted or has missing values
  const Header header = rds2cpp::parse_header(source);
  if (header[3] == static_cast<unsigned char>(SEXPType::NILVALUE_)) return object;
  rds2cpp::Attributes* const attributes = attributes_of(*object);
  if (header[3] != static_cast<unsigned char>(SEXPType::LIST) || attributes == nullptr)
    throw std::runtime_error("a wrapped vector without attributes");
  rds2cpp::parse_attributes_body(source, header, *attributes, shared);
  return object;
}

/// Reads what comes before the object. @throws Error when it is another serialisation of R, or none
void take_preamble(Source& source) {
  std::array<unsigned char, 14> bytes{};
  const std::size_t got = source.advance_and_extract(bytes.size(), bytes.data());
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), got);
  const auto begins = [&](std::string_view part) { return start.substr(0, part.size()) == part; };
  if (begins("RDX") || begins("RDA"))
    source.fail(ErrorCode::Unsupported, source.name() + " is a workspace of R (.RData), which holds several objects",
                "Load it in R and save the one with the counts: saveRDS(object, \"object.rds\").");
  if (begins("A\n") || begins("B\n"))
    source.fail(ErrorCode::Unsupported, source.name() + " holds an R object in a form that is not read here",
                "Write it again in R by saveRDS(object, \"object.rds\"), which is binary unless asked otherwise.");
  if (begins("\xFD\x37zXZ") || begins("BZh"))
    source.fail(ErrorCode::Unsupported, source.name() + " is compressed with xz or bzip2, which are not unpacked here",
                "Write it again in R: saveRDS(object, \"object.rds\") compresses with gzip.");
  if (!begins("X\n") || got < bytes.size())
    source.fail(ErrorCode::BadInput, source.name() + " is no R object, or cut short", copy_again);
  const std::uint32_t version = big_endian(bytes.data() + 2);
  if (version != 2 && version != 3)
    source.fail(ErrorCode::Unsupported, source.name() + " is of version " + std::to_string(version) + " of R's format",
                "Write it again in R by saveRDS(object, \"object.rds\", version = 3).");
  if (version == 2) return;
  std::string encoding(believable(source, take_number(source)), '\0');
  rds2cpp::quick_extract(source, encoding.size(), reinterpret_cast<unsigned char*>(encoding.data()));
}

}  // namespace

Source::Source(const std::string& path, const RunControl& control)
    : name_(file_name(path)), control_(control), file_(gzopen(path.c_str(), "rb")), buffer_(2 * piece) {
  std::error_code error;
  bytes_ = std::filesystem::file_size(path, error);
  if (file_ == nullptr || error)
    throw Error(ErrorCode::Io, name_ + " cannot be opened", "Check that the file exists and may be read.");
  gzbuffer(file_, piece);
}

bool Source::refill() {
  control_.check();
  if (at_ > 0) {  // keep the byte that get() gives
    std::memmove(buffer_.data(), buffer_.data() + at_ - 1, end_ - at_ + 1);
    end_ -= at_ - 1;
    at_ = 1;
  }
  const int got = gzread(file_, buffer_.data() + end_, piece);
  int code = Z_OK;
  const char* const what = gzerror(file_, &code);
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END))
    fail(ErrorCode::BadInput,
         name_ + (code == Z_BUF_ERROR ? " is cut short" : " is damaged (" + std::string(what) + ")"), copy_again);
  end_ += static_cast<std::size_t>(got);
  packed_ = gzdirect(file_) == 0;
  if (bytes_ > 0)
    control_.tell(std::min(1.0, static_cast<double>(gzoffset(file_)) / static_cast<double>(bytes_)),
                  "reading " + name_ + " into memory");
  return got > 0;
}

std::size_t Source::advance_and_extract(std::size_t n, unsigned char* out) {
  std::size_t taken = 0;
  while (taken < n && (at_ < end_ || refill())) {
    const std::size_t part = std::min(n - taken, end_ - at_);
    std::memcpy(out + taken, buffer_.data() + at_, part);
    at_ += part;
    taken += part;
  }
  return taken;
}

unsigned char Source::next_type() {
  while (end_ - at_ < 4)
    if (!refill()) throw rds2cpp::empty_error();
  return buffer_[at_ + 3];
}

std::uint64_t Source::most_left() const {
  const auto offset = static_cast<std::uint64_t>(std::max<std::int64_t>(gzoffset(file_), 0));
  const std::uint64_t on_disk = bytes_ > offset ? bytes_ - offset : 0;
  // What zlib has read ahead counts as read: one buffer of it may be left.
  return end_ - at_ + (packed_ ? best_packing : 1) * (on_disk + piece);
}

void Source::fail(ErrorCode code, const std::string& what, const std::string& remedy) {
  failure_.emplace(code, what, remedy);
  throw Error(*failure_);
}

std::size_t get_length(Source& source) {
  const std::uint32_t length = take_number(source);
  if (length != ~std::uint32_t{0}) return believable(source, length, source.bytes_each);
  const std::uint64_t high = take_number(source);
  return believable(source, high << 32 | take_number(source), source.bytes_each);
}

rds2cpp::StringInfo parse_single_string(Source& source) {
  const Header header = rds2cpp::parse_header(source);
  if (header[3] != static_cast<unsigned char>(SEXPType::CHAR)) throw std::runtime_error("a text that is none");
  const std::uint32_t length = take_number(source);
  if (length == ~std::uint32_t{0}) return {{}, rds2cpp::StringEncoding::NONE, true};
  std::string text(believable(source, length), '\0');
  rds2cpp::quick_extract(source, text.size(), reinterpret_cast<unsigned char*>(text.data()));
  return {std::move(text), rds2cpp::StringEncoding::UTF8, false};
}

std::unique_ptr<RObject> parse_object(Source& source, SharedParseInfo& shared) {
  struct Level {
    int& depth;
    explicit Level(int& d) : depth(++d) {}
    ~Level() { --depth; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
  } level(source.depth);
  if (source.depth > deepest) refuse_kind(source, "objects nested " + std::to_string(deepest) + " deep");
  const auto type = static_cast<SEXPType>(source.next_type());
  source.bytes_each = least_bytes(type);
  switch (type) {
    case SEXPType::CLO:
    case SEXPType::SPECIAL:
    case SEXPType::BCODE:
      refuse_kind(source, "a function");
    case SEXPType::NAMESPACE:
    case SEXPType::PACKAGE:
      refuse_kind(source, "the environment of an R package");
    case SEXPType::BASENAMESPACE_:
    case SEXPType::MISSINGARG_:
    case SEXPType::UNBOUNDVALUE_:
      rds2cpp::parse_header(source);
      return std::make_unique<rds2cpp::Null>();
    default:
      return rds2cpp::parse_object<Source>(source, shared);
  }
}

std::unique_ptr<RObject> parse_altrep_body(Source& source, SharedParseInfo& shared) {
  const Header header = rds2cpp::parse_header(source);
  if (header[3] != static_cast<unsigned char>(SEXPType::LIST)) throw std::runtime_error("an ALTREP without its kind");
  const auto description = rds2cpp::parse_pairlist_body(source, header, shared);
  if (description.data.empty() || description.data[0]->type() != SEXPType::SYM)
    throw std::runtime_error("an ALTREP without its kind");
  const std::string kind = shared.symbols[static_cast<rds2cpp::SymbolIndex&>(*description.data[0]).index].name;
  if (kind == "compact_intseq") return owned(compact_sequence<rds2cpp::IntegerVector>(source));
  if (kind == "compact_realseq") return owned(compact_sequence<rds2cpp::DoubleVector>(source));
  if (kind == "deferred_string") return owned(rds2cpp::altrep_internal::parse_deferred_string(source, shared));
  if (kind.rfind("wrap_", 0) == 0) return unwrapped(source, shared);
  refuse_kind(source, "values of the kind ALTREP `" + valid_utf8(kind) + "`");
}

rds2cpp::ExternalPointerIndex parse_external_pointer_body(Source& source, const Header& header,
                                                          SharedParseInfo& shared) {
  const std::size_t index = shared.request_external_pointer();
  parse_object(source, shared);  // what it protects, and its tag: nothing of it is used
  parse_object(source, shared);
  rds2cpp::Attributes attributes;
  if (rds2cpp::has_attributes(header)) rds2cpp::parse_attributes(source, attributes, shared);
  return rds2cpp::ExternalPointerIndex(index);
}

rds2cpp::Attributes* attributes_of(RObject& object) {
  const auto of = [](auto& typed) { return &typed.attributes; };
  switch (object.type()) {
    case SEXPType::INT:
      return of(static_cast<rds2cpp::IntegerVector&>(object));
    case SEXPType::LGL:
      return of(static_cast<rds2cpp::LogicalVector&>(object));
    case SEXPType::REAL:
      return of(static_cast<rds2cpp::DoubleVector&>(object));
    case SEXPType::STR:
      return of(static_cast<rds2cpp::StringVector&>(object));
    case SEXPType::VEC:
      return of(static_cast<rds2cpp::GenericVector&>(object));
    case SEXPType::S4:
      return of(static_cast<rds2cpp::S4Object&>(object));
    default:
      return nullptr;
  }
}

bool has_signature(const std::string& path) {
  const std::string start = first_bytes(path, true);
  const auto begins = [&](std::string_view part) { return std::string_view(start).substr(0, part.size()) == part; };
  if (begins(std::string_view("X\n\0\0\0", 5)) || begins("RDX2\n") || begins("RDX3\n") || begins("RDA3\n")) return true;
  return begins("A\n2\n") || begins("A\n3\n") || begins(std::string_view("B\n\2\0\0\0", 6)) ||
         begins(std::string_view("B\n\3\0\0\0", 6));
}

std::uint64_t least_memory(const std::string& path) {
  const std::uint64_t on_disk = std::filesystem::file_size(path);
  if (first_bytes(path, false).substr(0, 2) != "\x1F\x8B" || on_disk < 18) return on_disk;
  std::ifstream in(path, std::ios::binary);
  std::array<unsigned char, 4> bytes{};
  in.seekg(-4, std::ios::end);
  in.read(reinterpret_cast<char*>(bytes.data()), 4);
  std::reverse(bytes.begin(), bytes.end());
  std::uint64_t unpacked = big_endian(bytes.data());
  // What cannot be packed grows by less than that.
  while (unpacked + unpacked / 1000 + 64 < on_disk) unpacked += std::uint64_t{1} << 32;
  return unpacked;
}

std::uint64_t machine_memory() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
}

std::unique_ptr<RObject> read_object(const std::string& path, const RunControl& control) {
  Source source(path, control);
  const auto unreadable = [&](const std::string& traceback) {
    if (source.failure()) throw Error(*source.failure());
    const std::size_t last = traceback.rfind("- ");
    if (traceback.find("bad_alloc") != std::string::npos) throw std::bad_alloc();
    const std::string cause = traceback.substr(last == std::string::npos ? 0 : last + 2);
    throw Error(ErrorCode::BadInput,
                source.name() + " is damaged: " + (cause == "no more bytes to read" ? "it is cut short" : cause),
                copy_again);
  };
  try {
    take_preamble(source);
    SharedParseInfo shared;
    return parse_object(source, shared);
  } catch (const std::exception& error) {
    unreadable(error.what());
  } catch (std::runtime_error* error) {  // rds2cpp throws one by pointer
    const std::unique_ptr<std::runtime_error> thrown(error);
    unreadable(thrown->what());
  }
  return nullptr;
}

}  // namespace scriptorium::data::rds
