#pragma once
#include <cstdint>

#include "core/math/count_simulation.hpp"
#include "core/math/nb_entry.hpp"

/// The work that a Backend does, one functor a formula: the CPU runs it over its threads, a GPU over its grid. Plain
/// values and borrowed arrays only, so that they cross to a device as they are. Rows are cut into pieces of fixed
/// length; a piece is summed in order and so are the pieces of a row, on every device alike.
namespace scriptorium::compute {

/// Rows of non-zeros, borrowed: entries of row i are [row_start[i], row_start[i+1]) less row_start[0]. Rows are cells
/// and columns genes, or the other way round.
struct CsrView {
  std::int64_t rows = 0, columns = 0;
  const std::int64_t* row_start = nullptr;  ///< rows + 1
  const std::uint32_t* column = nullptr;
  const std::uint32_t* count = nullptr;
  std::int64_t entries() const { return row_start[rows] - row_start[0]; }
};

/// Lengths of the pieces of rows, in entries, and of the blocks of columns in which zeros are summed.
inline constexpr std::int64_t gather_piece = 1024, rising_piece = 128, likelihood_piece = 128, zero_block = 512;

enum class Weight : std::int32_t { One, Count };

/// out[row, 0 … width) = Σ over the non-zeros of the row of weight(count) · table[t, 0 … width), where t is the column;
/// or, with a look-up, the place of (column, count) among all that occur: value[start[column] … start[column+1]) holds
/// the counts of a column, ascending (CountSummary::gene_start and ::value), and an entry's count must be among them.
struct Gather {
  Weight weight = Weight::One;
  std::int64_t width = 0;
  std::int64_t table_rows = 0;
  const double* table = nullptr;                ///< table_rows × width
  const std::int64_t* lookup_start = nullptr;   ///< columns + 1, or null
  const std::uint32_t* lookup_value = nullptr;  ///< lookup_start[columns]

  SCRIPTORIUM_HD std::int64_t table_row(std::uint32_t column, std::uint32_t count) const {
    if (!lookup_start) return column;
    std::int64_t low = lookup_start[column], high = lookup_start[column + 1] - 1;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (lookup_value[middle] < count)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  /// out[m] for m in [first, last) of the entries [begin, end).
  SCRIPTORIUM_HD void piece(const std::uint32_t* column, const std::uint32_t* count, std::int64_t begin,
                            std::int64_t end, std::int64_t first, std::int64_t last, double* out) const {
    for (std::int64_t m = first; m < last; ++m) out[m] = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const double* t = table + table_row(column[i], count[i]) * width;
      if (weight == Weight::One) {
        for (std::int64_t m = first; m < last; ++m) out[m] += t[m];
      } else {
        const double w = count[i];
        for (std::int64_t m = first; m < last; ++m) out[m] += w * t[m];
      }
    }
  }
};

/// Σ over the non-zeros of a gene of lnΓ(r + u) − lnΓ(r) − ln u!, and of its slope in r. Rows are genes.
struct Rising {
  const double* r = nullptr;  ///< rows

  SCRIPTORIUM_HD void piece(const std::uint32_t* count, std::int64_t row, std::int64_t begin, std::int64_t end,
                            double* out) const {
    double value = 0, slope = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      value += math::log_rising(r[row], count[i]) - math::log_rising(1.0, count[i]);
      slope += math::digamma_rising(r[row], count[i]);
    }
    out[0] = value;
    out[1] = slope;
  }
};

/// Of each query the k candidates at the least squared distance, nearest first; distances are summed dimension by
/// dimension, and equal ones go to the lower candidate. Candidates may come in several portions: lists go on from what
/// earlier ones left, +∞ and −1 at first.
struct Nearest {
  std::int64_t dims = 0, candidates = 0, queries = 0;
  std::int64_t first = 0;  ///< number of the first candidate here
  std::int32_t k = 0;
  const double* candidate = nullptr;  ///< candidates × dims
  const double* query = nullptr;      ///< queries × dims
  double* distance = nullptr;         ///< queries × k
  std::int32_t* place = nullptr;      ///< queries × k: numbers of candidates

  /// Puts a candidate that is nearer than the last of a list in its place. Candidates come by rising number.
  SCRIPTORIUM_HD static void insert(double at, std::int32_t which, std::int32_t k, double* distance,
                                    std::int32_t* place) {
    std::int32_t to = k - 1;
    for (; to > 0 && distance[to - 1] > at; --to) {
      distance[to] = distance[to - 1];
      place[to] = place[to - 1];
    }
    distance[to] = at;
    place[to] = which;
  }
  SCRIPTORIUM_HD void operator()(std::int64_t item) const {
    const double* from = query + item * dims;
    double* distances = distance + item * k;
    std::int32_t* places = place + item * k;
    double worst = distances[k - 1];
    for (std::int64_t j = 0; j < candidates; ++j) {
      const double* to = candidate + j * dims;
      double at = 0;
      for (std::int64_t d = 0; d < dims; ++d) {
        const double apart = from[d] - to[d];
        at += apart * apart;
      }
      if (!(at < worst)) continue;
      insert(at, static_cast<std::int32_t>(first + j), k, distances, places);
      worst = distances[k - 1];
    }
  }
};

/// The log likelihood of entries: logit p̂ = x_g + n_c kept within [low, high], NB(r_g, p̂) behind gate_g.
struct EntryLikelihood {
  bool rows_are_genes = false;
  bool gene_p = false;           ///< x has one value per gene
  const double* r = nullptr;     ///< genes
  const double* x = nullptr;     ///< genes, or one
  const double* n = nullptr;     ///< cells, or null
  const double* gate = nullptr;  ///< genes, or null
  double low = 0, high = 0;
  std::int64_t cells = 0, genes = 0;
  const std::uint32_t* pattern = nullptr;  ///< cells: which genes were measured; null: all
  const std::uint8_t* measured = nullptr;  ///< patterns × genes
  std::int64_t patterns = 0;

  SCRIPTORIUM_HD double logit(std::int64_t g, std::int64_t c) const {
    const double raw = x[gene_p ? g : 0] + (n ? n[c] : 0.0);
    return raw < low ? low : raw > high ? high : raw;
  }
  SCRIPTORIUM_HD double zero(std::int64_t g, std::int64_t c) const {
    return math::nb_zero(r[g], logit(g, c), gate != nullptr, gate ? gate[g] : 0, false, 1).value;
  }
  SCRIPTORIUM_HD double positive(std::int64_t g, std::int64_t c, std::uint32_t u) const {
    return math::nb_positive(r[g], u, logit(g, c), gate != nullptr, gate ? gate[g] : 0, false, 1).value;
  }
  /// Σ over entries of ln P(u) − ln P(0): what they change of a row of zeros.
  SCRIPTORIUM_HD double piece(const std::uint32_t* column, const std::uint32_t* count, std::int64_t row,
                              std::int64_t begin, std::int64_t end) const {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t g = rows_are_genes ? row : column[i], c = rows_are_genes ? column[i] : row;
      sum += positive(g, c, count[i]) - zero(g, c);
    }
    return sum;
  }
  /// Σ of ln P(0) over the columns [begin, end) of a row that were measured.
  SCRIPTORIUM_HD double zeros(std::int64_t row, std::int64_t begin, std::int64_t end) const {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t g = rows_are_genes ? row : i, c = rows_are_genes ? i : row;
      if (!pattern || measured[pattern[c] * genes + g]) sum += zero(g, c);
    }
    return sum;
  }
};

/// Replicated histograms of one gene: where its results go and how it is drawn.
struct SimulatedGene {
  std::int64_t gene = 0;                ///< names its random streams
  std::int64_t single = 0;              ///< bins 0 … single − 1 hold one count each, bin `single` the rest
  std::int32_t level = 0;               ///< of the strata; −1: cell by cell
  std::uint64_t stride = 1, cells = 0;  ///< cell by cell: every stride-th count is kept; cells that measured the gene
  std::int64_t histogram_at = 0;        ///< of draws × (single + 1)
  std::int64_t pooled_at = 0;           ///< of draws × (single + 1); not where fixed or cell by cell
  std::int64_t mass_at = 0;             ///< of strata of the level × single; only where they are fixed
  std::int64_t kept_at = 0;             ///< of ceil(draws · cells / stride); with level −1 only
};

/// Replicates of genes × draws; item = gene · draws + draw. Outputs start as zeros.
struct Simulation {
  static constexpr int levels = 3;
  std::uint64_t seed = 0;
  math::Purpose purpose = math::Purpose::PredictivePosterior;
  std::int64_t n_genes = 0, draws = 0, patterns = 1, components = 1;
  bool fixed = false;                           ///< every draw has the same parameters: masses are given, not made
  const SimulatedGene* gene = nullptr;          ///< n_genes
  const math::GenePoint* point = nullptr;       ///< n_genes × (fixed ? 1 : draws) × components
  const std::uint8_t* measured = nullptr;       ///< n_genes × patterns
  const std::int64_t* stratum_start = nullptr;  ///< (fixed ? 1 : draws) × levels + 1
  const math::Stratum* stratum = nullptr;
  const double* mass = nullptr;        ///< fixed: of each gene and stratum, see SimulatedGene::mass_at
  std::uint32_t* histogram = nullptr;  ///< see SimulatedGene, as the next two
  double* pooled = nullptr;
  double* kept = nullptr;

  std::int64_t sources() const { return fixed ? 1 : draws; }
  /// Draw d of gene j: `counts` and `masses` (not where fixed) have single + 1 bins; `of_kept` all draws' places.
  SCRIPTORIUM_HD void draw(std::int64_t j, std::int64_t d, std::uint32_t* counts, double* masses,
                           double* of_kept) const {
    const SimulatedGene& g = gene[j];
    const math::GenePoint* points = point + (fixed ? j : j * draws + d) * components;
    math::Random random(seed, purpose, static_cast<std::uint64_t>(g.gene), static_cast<std::uint64_t>(d));
    std::uint64_t serial = static_cast<std::uint64_t>(d) * g.cells;
    const std::int64_t list = (fixed ? 0 : d) * levels + (g.level < 0 ? 0 : g.level), first = stratum_start[list];
    for (std::int64_t i = first; i < stratum_start[list + 1]; ++i) {
      const math::Stratum& s = stratum[i];
      if (!measured[j * patterns + s.pattern]) continue;
      const math::GenePoint& at = points[s.component];
      if (g.level < 0)
        serial = math::draw_cells(at, s, g.single, random, counts, of_kept, g.stride, serial);
      else if (fixed)
        math::draw_stratum(math::KnownMasses(mass + g.mass_at + (i - first) * g.single), s.cells, g.single, random,
                           counts, nullptr, 0);
      else
        math::draw_stratum(math::CountMasses(at, s), s.cells, g.single, random, counts, masses,
                           static_cast<double>(s.cells));
    }
  }
  SCRIPTORIUM_HD void operator()(std::int64_t item) const {
    const std::int64_t j = item / draws, d = item % draws, row = d * (gene[j].single + 1);
    draw(j, d, histogram + gene[j].histogram_at + row, pooled ? pooled + gene[j].pooled_at + row : nullptr,
         kept ? kept + gene[j].kept_at : nullptr);
  }
};

/// out[j] of each bin: the sum over draws, in order, of what `simulation` pooled; item = bin of gene `owner[item]`.
struct PooledSum {
  const SimulatedGene* gene = nullptr;
  std::int64_t draws = 0;
  const double* pooled = nullptr;
  const std::int64_t* owner = nullptr;  ///< items: the gene
  const std::int64_t* start = nullptr;  ///< n_genes + 1: a gene's first item
  double* out = nullptr;                ///< items

  SCRIPTORIUM_HD void operator()(std::int64_t item) const {
    const SimulatedGene& g = gene[owner[item]];
    const double* column = pooled + g.pooled_at + (item - start[owner[item]]);
    double sum = 0;
    for (std::int64_t d = 0; d < draws; ++d) sum += column[d * (g.single + 1)];
    out[item] = sum;
  }
};

}  // namespace scriptorium::compute
