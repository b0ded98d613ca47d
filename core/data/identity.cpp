#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>

#include <bit>
#include <cstdio>
#include <string_view>

#include "core/data/dataset.hpp"

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

}  // namespace

std::string data_identity(const Dataset& dataset) {
  Hash128 names;
  const std::vector<Hash128> cells = hash_names(dataset.cells.names, 1, names);
  const std::vector<Hash128> genes = hash_names(dataset.genes.names, 2, names);
  const CountMatrix& m = dataset.counts;
  Hash128 sum = tbb::parallel_reduce(
      tbb::blocked_range<std::int64_t>(0, m.n_cells, 256), Hash128{},
      [&](const tbb::blocked_range<std::int64_t>& range, Hash128 part) {
        for (std::int64_t cell = range.begin(); cell < range.end(); ++cell)
          for (std::int64_t k = m.row_start[cell]; k < m.row_start[cell + 1]; ++k)
            part += hash_entry(cells[cell], genes[m.gene[k]], m.count[k]);
        return part;
      },
      [](Hash128 left, const Hash128& right) { return left += right; });
  sum += names;
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(sum.high),
                static_cast<unsigned long long>(sum.low));
  return text;
}

}  // namespace scriptorium::data
