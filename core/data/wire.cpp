#include "core/data/wire.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace scriptorium::data::wire {
namespace {

constexpr std::uint64_t piece_bytes = 16U << 20;
constexpr std::uint8_t end_mark = 0xA5;

template <class List>
void put_list(Writer& out, const List& list) {
  out.value<std::uint64_t>(list.size());
  out.bytes(list.data(), list.size() * sizeof(*list.data()));
}

void put_texts(Writer& out, const std::vector<std::string>& texts) {
  out.value<std::uint64_t>(texts.size());
  for (const std::string& text : texts) out.text(text);
}

/// Writes or reads `n` things one after the other.
template <class T, class Get>
std::vector<T> get_each(Reader& in, const Get& get) {
  std::vector<T> out;
  for (auto n = in.value<std::uint64_t>(); n > 0; --n) out.push_back(get());
  return out;
}

std::vector<std::string> get_texts(Reader& in) {
  return get_each<std::string>(in, [&] { return in.text(); });
}

void put_column(Writer& out, const Column& column) {
  out.text(column.name);
  out.value<std::uint8_t>(static_cast<std::uint8_t>(column.values.index()));
  if (const auto* labels = std::get_if<Categorical>(&column.values)) {
    put_list(out, labels->codes);
    put_texts(out, labels->categories);
    out.value(labels->ordered);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
    put_texts(out, *texts);
  } else if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) {
    put_list(out, *numbers);
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values)) {
    put_list(out, *integers);
  } else {
    put_list(out, std::get<std::vector<std::uint8_t>>(column.values));
  }
  put_list(out, column.missing);
}

Column get_column(Reader& in) {
  Column column;
  column.name = in.text();
  switch (in.value<std::uint8_t>()) {
    case 0:
      column.values = in.list<double>();
      break;
    case 1:
      column.values = in.list<std::int64_t>();
      break;
    case 2:
      column.values = in.list<std::uint8_t>();
      break;
    case 3:
      column.values = get_texts(in);
      break;
    default: {
      Categorical labels;
      labels.codes = in.list<std::int32_t>();
      labels.categories = get_texts(in);
      labels.ordered = in.value<bool>();
      column.values = std::move(labels);
    }
  }
  column.missing = in.list<std::uint8_t>();
  return column;
}

void put_table(Writer& out, const Table& table) {
  put_texts(out, table.names);
  out.value<std::uint64_t>(table.columns.size());
  for (const Column& column : table.columns) put_column(out, column);
}

Table get_table(Reader& in) {
  Table table;
  table.names = get_texts(in);
  table.columns = get_each<Column>(in, [&] { return get_column(in); });
  return table;
}

void put_layer(Writer& out, const LayerInfo& layer) {
  for (const std::string* text : {&layer.path, &layer.encoding, &layer.dtype, &layer.why_not}) out.text(*text);
  for (const std::int64_t number : {layer.n_cells, layer.n_genes, layer.stored}) out.value(number);
  out.value(layer.is_counts);
}

LayerInfo get_layer(Reader& in) {
  LayerInfo layer;
  for (std::string* text : {&layer.path, &layer.encoding, &layer.dtype, &layer.why_not}) *text = in.text();
  for (std::int64_t* number : {&layer.n_cells, &layer.n_genes, &layer.stored}) *number = in.value<std::int64_t>();
  layer.is_counts = in.value<bool>();
  return layer;
}

Embedding get_embedding(Reader& in) {
  Embedding embedding;
  embedding.name = in.text();
  embedding.dims = in.value<int>();
  embedding.coordinates = in.list<float>();
  return embedding;
}

[[noreturn]] void not_whole() {
  throw Error(ErrorCode::BadInput, "The data set that came from the reading program is not whole",
              "The file is damaged: copy or download it again.");
}

bool consistent(const Missing& missing, std::size_t cells, std::size_t genes) {
  return !missing.genes.empty() && (missing.none() || missing.pattern_of_cell.size() == cells) &&
         std::all_of(missing.pattern_of_cell.begin(), missing.pattern_of_cell.end(),
                     [&](std::uint32_t pattern) { return pattern < missing.genes.size(); }) &&
         std::all_of(missing.genes.begin(), missing.genes.end(), [&](const auto& of) {
           return std::all_of(of.begin(), of.end(), [&](std::uint32_t gene) { return gene < genes; });
         });
}

bool consistent(const Table& table) {
  return std::all_of(table.columns.begin(), table.columns.end(), [&](const Column& column) {
    if (column.size() != table.size() || (!column.missing.empty() && column.missing.size() != table.size()))
      return false;
    const auto* labels = std::get_if<Categorical>(&column.values);
    return labels == nullptr || std::all_of(labels->codes.begin(), labels->codes.end(), [&](std::int32_t code) {
             return code < static_cast<std::int64_t>(labels->categories.size());
           });
  });
}

}  // namespace

std::string Reader::text() {
  const auto bytes = list<char>();
  return {bytes.data(), bytes.size()};
}

template <class T>
std::vector<T> Reader::list() {
  std::vector<T> out;
  for (auto left = value<std::uint64_t>(); left > 0;) {
    const std::uint64_t n = std::min<std::uint64_t>(left, piece_bytes / sizeof(T));
    const std::size_t at = out.size();
    out.resize(at + n);
    fill_(out.data() + at, n * sizeof(T));
    left -= n;
  }
  return out;
}

void write(Writer& out, const Dataset& dataset) {
  for (const std::string* text : {&dataset.path, &dataset.format, &dataset.layer}) out.text(*text);
  out.value<std::uint64_t>(dataset.layers.size());
  for (const LayerInfo& layer : dataset.layers) put_layer(out, layer);
  out.value<std::uint64_t>(dataset.missing.genes.size());
  for (const auto& genes : dataset.missing.genes) put_list(out, genes);
  put_list(out, dataset.missing.pattern_of_cell);
  put_table(out, dataset.cells);
  put_table(out, dataset.genes);
  out.value<std::uint64_t>(dataset.embeddings.size());
  for (const Embedding& embedding : dataset.embeddings) {
    out.text(embedding.name);
    out.value(embedding.dims);
    put_list(out, embedding.coordinates);
  }
  put_texts(out, dataset.notes);
  out.value(end_mark);
}

Dataset read(Reader& in) {
  Dataset out;
  for (std::string* text : {&out.path, &out.format, &out.layer}) *text = in.text();
  out.layers = get_each<LayerInfo>(in, [&] { return get_layer(in); });
  out.missing.genes = get_each<std::vector<std::uint32_t>>(in, [&] { return in.list<std::uint32_t>(); });
  out.missing.pattern_of_cell = in.list<std::uint32_t>();
  out.cells = get_table(in);
  out.genes = get_table(in);
  out.embeddings = get_each<Embedding>(in, [&] { return get_embedding(in); });
  out.notes = get_texts(in);
  const bool whole = in.value<std::uint8_t>() == end_mark;
  if (!whole || !consistent(out.missing, out.cells.size(), out.genes.size()) || !consistent(out.cells) ||
      !consistent(out.genes))
    not_whole();
  return out;
}

std::vector<std::string> read_names(Reader& in) {
  return get_texts(in);
}

void CountWriter::begin(const Table& cells, const Table& genes) {
  const auto frame = out_.frame();
  out_.value(Frame::Begin);
  put_texts(out_, cells.names);
  put_texts(out_, genes.names);
}

void CountWriter::add(const CountBlock& block) {
  const auto frame = out_.frame();
  out_.value(Frame::Block);
  out_.value(block.major);
  out_.value(block.first);
  put_list(out_, block.row_start);
  put_list(out_, block.minor);
  put_list(out_, block.count);
}

Block read_block(Reader& in, const std::array<std::size_t, 2>& sizes) {
  Block out;
  out.major = in.value<Major>();
  out.first = in.value<std::int64_t>();
  out.row_start = in.list<std::int64_t>();
  out.minor = in.list<std::uint32_t>();
  out.count = in.list<Count>();
  const bool by_gene = out.major == Major::Gene;
  const auto rows = static_cast<std::int64_t>(sizes[by_gene ? 1 : 0]);
  const std::size_t minors = sizes[by_gene ? 0 : 1];
  const auto& start = out.row_start;
  const bool good = !start.empty() && start.front() == 0 &&
                    start.back() == static_cast<std::int64_t>(out.count.size()) &&
                    std::is_sorted(start.begin(), start.end()) && out.minor.size() == out.count.size() &&
                    out.first >= 0 && out.first <= rows && out.first + out.view().rows() <= rows &&
                    std::all_of(out.minor.begin(), out.minor.end(), [&](std::uint32_t m) { return m < minors; });
  if (!good) not_whole();
  return out;
}

}  // namespace scriptorium::data::wire
