#pragma once
#include "core/data/identity.hpp"
#include "core/summary/count_summary.hpp"

namespace scriptorium::summary {

/// What one pass over counts with names leaves: enough for fits that do not visit the counts again.
struct Digest {
  CountSummary summary;
  std::string data_id;  ///< data::data_identity
};

/// Takes a digest of counts that pass by.
class DigestSink final : public data::CountSink {
 public:
  void begin(const data::Table& cells, const data::Table& genes) override {
    summary_.begin(cells, genes);
    identity_.begin(cells, genes);
  }
  void add(const data::CountBlock& block) override {
    summary_.add(block);
    identity_.add(block);
  }
  Digest finish(const data::Missing& missing) const { return {summary_.finish(missing), identity_.finish(missing)}; }

 private:
  SummarySink summary_;
  data::IdentitySink identity_;
};

/// The digest of a data set in memory.
inline Digest digest(const data::Dataset& dataset, int threads, const RunControl& control) {
  return {summarise(dataset.counts, threads, control, dataset.missing), data::data_identity(dataset)};
}

}  // namespace scriptorium::summary
