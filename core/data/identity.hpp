#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/data/count_sink.hpp"

namespace scriptorium::data {

/// Identity of counts with names: the same for the same counts in any file format, layout or order of reading.
/// Order-independent sum of 128-bit hashes of (cell name, gene name, count) and of the names. 32 hex digits.
std::string data_identity(const Dataset& dataset);

/// The same of counts that pass by.
class IdentitySink final : public CountSink {
 public:
  IdentitySink();
  ~IdentitySink() override;
  void begin(const Table& cells, const Table& genes) override;
  void add(const CountBlock& block) override;
  std::string finish(const Missing& missing) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The identity of parts together: of the cells of all of them, in data with the genes of all of them.
class IdentitySum {
 public:
  /// A part by its own identity and names, and the genes of the others that it does not have: its cells did not measure
  /// them. @throws Error(BadInput) if `identity` is none
  void add(const std::string& identity, const std::vector<std::string>& cells, const std::vector<std::string>& genes,
           const std::vector<std::string>& lacking, const RunControl& control);
  std::string finish(const std::vector<std::string>& all_genes) const;

 private:
  std::uint64_t low_ = 0, high_ = 0;
};

}  // namespace scriptorium::data
