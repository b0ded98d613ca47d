#pragma once
#include <zlib.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/progress.hpp"
#include "rds2cpp/parse_object.hpp"

/// R objects as saveRDS writes them, taken apart by rds2cpp.
namespace scriptorium::data::rds {

/// The bytes of an RDS file, plain or gzipped, as rds2cpp asks for them: "now" is the byte that was taken last.
class Source {
 public:
  Source(const std::string& path, const RunControl& control);  ///< @throws Error when it cannot be opened
  ~Source() { gzclose(file_); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// @throws Error when the file is damaged or cut short, Cancelled
  bool advance() {
    if (at_ == end_ && !refill()) return false;
    ++at_;
    return true;
  }
  unsigned char get() const { return buffer_[at_ - 1]; }
  std::size_t advance_and_extract(std::size_t n, unsigned char* out);
  /// The fourth byte from here, which names the type of the object that follows.
  unsigned char next_type();
  /// No more bytes than this can follow, however well the file is packed.
  std::uint64_t most_left() const;

  const std::string& name() const { return name_; }
  /// Throws, and keeps the error: rds2cpp wraps what it does not know.
  [[noreturn]] void fail(ErrorCode code, const std::string& what, const std::string& remedy);
  const std::optional<Error>& failure() const { return failure_; }

  int depth = 0;                 ///< of objects within objects
  std::uint64_t bytes_each = 1;  ///< of the values of the vector whose length comes next

 private:
  bool refill();
  std::string name_;
  std::uint64_t bytes_ = 0;
  const RunControl& control_;
  gzFile file_ = nullptr;
  bool packed_ = false;
  std::vector<unsigned char> buffer_;
  std::size_t at_ = 0, end_ = 0;
  std::optional<Error> failure_;
};

// Found by rds2cpp's templates before its own functions of these names, which believe every length that a file claims,
// recurse without end, and know fewer kinds of ALTREP.
std::size_t get_length(Source& source);
rds2cpp::StringInfo parse_single_string(Source& source);
std::unique_ptr<rds2cpp::RObject> parse_object(Source& source, rds2cpp::SharedParseInfo& shared);
std::unique_ptr<rds2cpp::RObject> parse_altrep_body(Source& source, rds2cpp::SharedParseInfo& shared);
rds2cpp::ExternalPointerIndex parse_external_pointer_body(Source& source, const rds2cpp::Header& header,
                                                          rds2cpp::SharedParseInfo& shared);

/// Where an object keeps its attributes and slots; null where it has none.
rds2cpp::Attributes* attributes_of(rds2cpp::RObject& object);

/// Bytes of memory that the object takes at least: by the size that a gzipped file states modulo 2³².
std::uint64_t least_memory(const std::string& path);
/// Bytes of memory of this machine.
std::uint64_t machine_memory();

/// Reads the whole object. @throws Error when the file is damaged, of another kind or too large for this machine
std::unique_ptr<rds2cpp::RObject> read_object(const std::string& path, const RunControl& control);

}  // namespace scriptorium::data::rds
