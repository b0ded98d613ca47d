#pragma once
#include <memory>

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

}  // namespace scriptorium::data
