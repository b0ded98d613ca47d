#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <bit>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <string_view>

#include "core/data/identity.hpp"
#include "core/error.hpp"

// The permutation of SipHash (Aumasson and Bernstein 2012) with a 128-bit output: strong mixing from adds, rotations
// and exclusive ors, the same on every machine. Sums modulo 2^128 make the order of cells, genes and entries
// irrelevant.
namespace scriptorium::data {
namespace {

struct Hash128 {
  std::uint64_t low = 0, high = 0;
  Hash128& operator+=(const Hash128& other) {
    low += other.low;
    high += other.high + (low < other.low ? 1 : 0);
    return *this;
  }
  Hash128& operator-=(const Hash128& other) {
    high -= other.high + (low < other.low ? 1 : 0);
    low -= other.low;
    return *this;
  }
};

struct State {
  std::uint64_t a, b, c, d;
  void rounds(int n) {
    for (int i = 0; i < n; ++i) {
      a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
      c += d, d = std::rotl(d, 16) ^ c;
      a += d, d = std::rotl(d, 21) ^ a;
      c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
    }
  }
  Hash128 finish() {
    c ^= 0xee;
    rounds(4);
    const std::uint64_t low = a ^ b ^ c ^ d;
    b ^= 0xdd;
    rounds(4);
    return {low, a ^ b ^ c ^ d};
  }
};

/// SipHash-2-4 with 128 bits out; `kind` is the key and keeps cell names apart from gene names.
Hash128 hash_name(std::string_view name, std::uint64_t kind) {
  State s{0x736f6d6570736575 ^ kind, 0x646f72616e646f6d ^ kind ^ 0xee, 0x6c7967656e657261 ^ kind,
          0x7465646279746573 ^ kind};
  const auto absorb = [&s](std::uint64_t word) {
    s.d ^= word;
    s.rounds(2);
    s.a ^= word;
  };
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(name[i])) << (8 * (i % 8));
    if (i % 8 == 7) absorb(word), word = 0;
  }
  absorb(word | static_cast<std::uint64_t>(name.size()) << 56);
  return s.finish();
}

Hash128 hash_entry(const Hash128& cell, const Hash128& gene, Count count) {
  State s{cell.low, gene.low ^ count, cell.high, gene.high ^ static_cast<std::uint64_t>(count) << 32};
  s.rounds(2);
  return s.finish();
}

std::vector<Hash128> hash_names(const std::vector<std::string>& names, std::uint64_t kind, Hash128& sum) {
  std::vector<Hash128> hashes;
  hashes.reserve(names.size());
  for (const std::string& name : names) sum += hashes.emplace_back(hash_name(name, kind));
  return hashes;
}

Hash128 hash_missing(const Missing& missing, const std::vector<Hash128>& cells, const std::vector<Hash128>& genes) {
  Hash128 sum;
  for (std::size_t cell = 0; cell < missing.pattern_of_cell.size(); ++cell)
    for (const std::uint32_t gene : missing.genes[missing.pattern_of_cell[cell]])
      sum += hash_entry(cells[cell], genes[gene], 0);  // a count of 0 is never an entry
  return sum;
}

std::string to_text(const Hash128& sum) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(sum.high),
                static_cast<unsigned long long>(sum.low));
  return text;
}

Hash128 from_text(const std::string& text) {
  Hash128 sum;
  const char* const middle = text.data() + 16;
  const auto half = [](const char* first, std::uint64_t& into) {
    return std::from_chars(first, first + 16, into, 16).ptr == first + 16;
  };
  if (text.size() != 32 || !half(text.data(), sum.high) || !half(middle, sum.low))
    throw Error(ErrorCode::BadInput, "\"" + text + "\" is not the identity of any data",
                "Summarise the data again with this program.");
  return sum;
}

}  // namespace

struct IdentitySink::State {
  Hash128 names, sum;
  std::vector<Hash128> cells, genes;
  std::mutex mutex;
};

IdentitySink::IdentitySink() : state_(std::make_unique<State>()) {}
IdentitySink::~IdentitySink() = default;

void IdentitySink::begin(const Table& cells, const Table& genes) {
  state_ = std::make_unique<State>();
  state_->cells = hash_names(cells.names, 1, state_->names);
  state_->genes = hash_names(genes.names, 2, state_->names);
}

void IdentitySink::add(const CountBlock& block) {
  Hash128 part;
  const bool by_cell = block.major == Major::Cell;
  const auto& majors = by_cell ? state_->cells : state_->genes;
  const auto& minors = by_cell ? state_->genes : state_->cells;
  for (std::int64_t row = 0; row < block.rows(); ++row) {
    const Hash128& major = majors.at(static_cast<std::size_t>(block.first + row));
    for (auto k = static_cast<std::size_t>(block.row_start[row]);
         k < static_cast<std::size_t>(block.row_start[row + 1]); ++k) {
      const Hash128& minor = minors[block.minor[k]];
      part += by_cell ? hash_entry(major, minor, block.count[k]) : hash_entry(minor, major, block.count[k]);
    }
  }
  const std::lock_guard lock(state_->mutex);
  state_->sum += part;
}

std::string IdentitySink::finish(const Missing& missing) const {
  Hash128 sum = state_->sum;
  sum += state_->names;
  sum += hash_missing(missing, state_->cells, state_->genes);
  return to_text(sum);
}

void IdentitySum::add(const std::string& identity, const std::vector<std::string>& cells,
                      const std::vector<std::string>& genes, const std::vector<std::string>& lacking,
                      const RunControl& control) {
  Hash128 sum{low_, high_}, of_genes, ignored;
  sum += from_text(identity);
  hash_names(genes, 2, of_genes);
  sum -= of_genes;
  if (!lacking.empty()) {
    const auto gene_hashes = hash_names(lacking, 2, ignored);
    const auto cell_hashes = hash_names(cells, 1, ignored);
    std::mutex mutex;
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, cells.size(), 64),
                      [&](const tbb::blocked_range<std::size_t>& range) {
                        control.check();
                        Hash128 part;
                        for (std::size_t cell = range.begin(); cell < range.end(); ++cell)
                          for (const Hash128& gene : gene_hashes) part += hash_entry(cell_hashes[cell], gene, 0);
                        const std::lock_guard lock(mutex);
                        sum += part;
                      });
  }
  low_ = sum.low;
  high_ = sum.high;
}

std::string IdentitySum::finish(const std::vector<std::string>& all_genes) const {
  Hash128 sum{low_, high_};
  hash_names(all_genes, 2, sum);
  return to_text(sum);
}

std::string data_identity(const Dataset& dataset) {
  IdentitySink identity;
  identity.begin(dataset.cells, dataset.genes);
  tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, dataset.counts.n_cells, 256),
                    [&](const tbb::blocked_range<std::int64_t>& range) {
                      std::vector<std::int64_t> scratch;
                      identity.add(dataset.counts.block(range.begin(), range.end(), scratch));
                    });
  return identity.finish(dataset.missing);
}

}  // namespace scriptorium::data
