#include <zlib.h>
#include <QTest>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/data/formats/zarr/unpack.hpp"
#include "core/data/open.hpp"
#include "core/error.hpp"
#include "opening.hpp"
#include "small_zarr.hpp"

using namespace scriptorium;
using opening::says;
using opening::verify;
using namespace small_zarr;
using data::zarr::Bytes;
using data::zarr::Packing;
using small_zip::Entry;
using small_zip::stored;
using small_zip::zip_of;

namespace {

const std::string stores = SCRIPTORIUM_TEST_DATA "/data/zarr/";

Bytes bytes(const std::string& text) {
  const auto all = std::as_bytes(std::span(text));
  return {all.begin(), all.end()};
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) qFatal("“%s” is not in: %s", from.c_str(), text.c_str());
  return text.replace(at, from.size(), to);
}

}  // namespace

class TestZarrBad : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  int made_ = 0;

  fs::path fresh() { return folder_.filePath(QString("%1.zarr").arg(++made_)).toStdString(); }

  /// What opening says of one array of a committed store, as a folder changed by `change`.
  template <class Change>
  std::string changed(const char* store, const char* array, Change change) {
    const fs::path copy = fresh() / array;
    unpack(stores + store, array, copy);
    change(copy);
    return says(copy.string());
  }
  /// The same with a part of its description replaced.
  std::string described(const char* store, const char* array, const char* from, const std::string& to) {
    return changed(store, array, [&](const fs::path& copy) {
      const fs::path description = copy / (fs::exists(copy / "zarr.json") ? "zarr.json" : ".zarray");
      put_file(description, with(file_text(description), from, to));
    });
  }
  /// An array without a codec, 2 × 3, in one chunk.
  std::string plain(const std::string& description, const std::string& chunk = std::string(24, '\0')) {
    const fs::path store = fresh();
    put_file(store / ".zarray", description);
    put_file(store / "0.0", chunk);
    return says(store.string());
  }

 private slots:
  void descriptionsThatAreWrong() {
    QCOMPARE(plain(zarray("2, 3", "2, 3")), std::string("no error"));
    verify(plain("{"), {"`.zarray` of", "no JSON object"});
    verify(plain("[1, 2]"), {"no JSON object"});
    verify(plain("{}"), {"has a description without `shape`"});
    verify(plain(std::string(100, '[')), {"no JSON object"});
    verify(plain(with(zarray("2, 3", "2, 3"), "[2, 3]", "\"many\"")), {"whose shape is no list"});
    verify(plain(zarray("2, -3", "2, 3")), {"the length “-3” in its shape"});
    verify(plain(zarray("2, 1.5", "2, 3")), {"the length “1.5”"});
    verify(plain(zarray("2, 18446744073709551615", "2, 3")), {"the length “18446744073709551615”"});
    verify(plain(zarray("4611686018427387904, 3", "2, 3")), {"the length “4611686018427387904” in its shape"});
    verify(plain(zarray("2, 3", "0, 3")), {"the length “0” in its chunks"});
    verify(plain(zarray("2, 3", "2, 4611686018427387904")), {"the length “4611686018427387904” in its chunks"});
    verify(plain(zarray("2, 3", "6")), {"2 dimensions but chunks of 1"});
    verify(plain(zarray("2, 3, 4", "2, 3, 4")), {"3 dimensions where 1 or 2 are needed"});
    verify(plain(zarray("2", "2")), {"1 dimension where 2 are needed"});
    for (const char* type : {"\"<M8[ns]\"", "\"<c16\"", "\"<f16\"", "\"|O\"", "\"\"", "7", "[[\"a\", \"<i4\"]]"})
      verify(plain(with(zarray("2, 3", "2, 3"), "\"<i4\"", type)), {"which is not read", "Write it again"});
    verify(plain(with(zarray("2, 3", "2, 3"), "\"fill_value\": 0", "\"fill_value\": \"x\"")),
           {"fill value “x”", "int32"});
    verify(plain(with(zarray("2, 3", "2, 3"), "\"fill_value\": 0", "\"fill_value\": 0.5")), {"fill value “0.5”"});
    verify(plain(with(zarray("2, 3", "2, 3"), "\"compressor\": null", "\"compressor\": {\"id\": \"jpeg2k\"}")),
           {"codec “jpeg2k”", "Blosc, zstd, gzip"});
    verify(plain(with(zarray("2, 3", "2, 3"), "\"filters\": null", "\"filters\": [{\"id\": \"delta\"}]")),
           {"codec “delta”"});
    verify(plain(with(zarray("2, 3", "2, 3"), "\"compressor\": null", "\"compressor\": [1]")), {"`id`"});
  }

  /// The JSON library copies and prints what is nested by recursion.
  void descriptionsThatAreNestedDeep() {
    const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
    const char* const refusal = "lists within more than 200 others";
    const std::string whole = zarray("2, 3", "2, 3");
    verify(plain(deep), {"`.zarray` of", refusal});
    verify(plain(with(whole, "[2, 3]", deep)), {refusal});
    verify(plain(with(whole, "\"fill_value\": 0", "\"fill_value\": " + deep)), {refusal});
    verify(plain(with(whole, "\"compressor\": null", "\"compressor\": " + deep)), {refusal});
    std::string objects = "1";
    for (int i = 0; i < 250; ++i) objects = "{\"[\\\"\": " + objects + "}";
    verify(plain(with(whole, "\"filters\": null", "\"filters\": " + objects)), {refusal});
    QCOMPARE(plain(zarray("2, 3", "2, 3", ", \"more\": \"" + deep + "\", \"most\": [[[[[[[[{\"\\\\\": []}]]]]]]]]")),
             std::string("no error"));
    for (const char* key : {"obs/.zattrs", "obs/.zgroup", ".zmetadata"}) {
      const fs::path copy = fresh();
      fs::copy(stores + "layer_v2.zarr", copy, fs::copy_options::recursive);
      put_file(copy / key, "{\"deep\": " + deep + "}");
      const std::string named = std::string("`").append(key).append("` of");
      verify(says(copy.string()), {named.c_str(), refusal});
    }
    verify(described("bare_v3.zarr.zip", "none", "\"codecs\": [", "\"codecs\": [" + deep + ", "),
           {"`zarr.json` of none", refusal});
  }

  void descriptionsOfVersion3ThatAreWrong() {
    const char* const store = "bare_v3.zarr.zip";
    QCOMPARE(described(store, "shards", "\"end\"", "\"end\""), std::string("no error"));
    verify(described(store, "none", "\"regular\"", "\"rectangular\""), {"chunk grid that is not regular"});
    verify(described(store, "none", "\"int64\"", "\"datetime64\""), {"“datetime64”"});
    verify(described(store, "none", "\"bytes\"", "\"packbits\""), {"codec “packbits”"});
    verify(described(store, "none", "\"codecs\": [", "\"codecs\": [], \"were\": ["), {"codecs that make no bytes"});
    verify(described(store, "none", "\"storage_transformers\": [",
                     "\"storage_transformers\": [{\"name\": \"x\"}], \"y\": ["),
           {"storage transformer"});
    verify(described(store, "none", "\"chunk_shape\": [", "\"chunk_shape\": [7, "), {"2 dimensions but chunks of 3"});
    verify(described(store, "shards", "\"end\"", "\"middle\""), {"shard index at “middle”"});
    verify(described(store, "shards", "sharding_indexed", "bytes"), {"bytes"});
    verify(described(store, "transposed", "\"order\": [", "\"order\": [5, "), {"in the order"});
  }

  void absurdSizesAskForNoMemory() {
    verify(plain(zarray("1000000000000, 3", "2, 3")), {"claims 1,000,000,000,000 cells, and no table"});
    verify(plain(zarray("1000000000000, 1000000000000", "2, 3")), {"claims", "more than any store holds"});
    verify(plain(zarray("2, 3", "1000000000, 1000000000")), {"chunks of 1,000,000,000 × 1,000,000,000 values"});
    verify(plain(zarray("2, 3", "20000, 20000")), {"24 bytes", "cannot hold the 1,600,000,000 bytes"});
    // As many values as are believed, of 8 bytes each: their number of bytes is past 64 bits.
    verify(plain(with(zarray("1099511627776, 1048576", "2, 3"), "\"<i4\"", "\"<i8\"")), {"claims 1,099,511,627,776"});
    verify(plain(with(zarray("2, 3", "65536, 32768"), "\"<i4\"", "\"<i8\"")), {"chunks of 65,536 × 32,768 values"});
    verify(plain(with(zarray("2, 3", "1, 3"), "\"<i4\"", "\"<U18446744073709551615\"")), {"which is not read"});
    // A million cells without a chunk are zeros, and fast; with another fill value they are not believed.
    const std::string large = zarray("1000000, 1000000", "1, 1");
    verify(plain(with(large, "\"fill_value\": 0", "\"fill_value\": 7"), std::string(4, '\0')), {"lacks", "chunks"});
    QCOMPARE(plain(large, std::string(4, '\1')), std::string("no error"));
  }

  void damagedChunks() {
    const auto cut = [&](const char* store, const char* array, const char* chunk) {
      return changed(store, array, [&](const fs::path& copy) {
        const std::string whole = file_text(copy / chunk);
        QVERIFY(whole.size() > 10);
        put_file(copy / chunk, whole.substr(0, whole.size() - 5));
      });
    };
    const char *const v2 = "bare_v2.zarr.zip", *const v3 = "bare_v3.zarr.zip";
    verify(cut(v2, "none", "1.1"), {"Chunk `1.1` of none", "holds 715 bytes where 720 are needed", "Copy or download"});
    verify(cut(v2, "blosc_lz4", "0.0"), {"Chunk `0.0` of blosc_lz4", "Blosc header", "cut short"});
    verify(cut(v2, "zstd", "0.1"), {"Chunk `0.1` of zstd", "Zstandard", "cut short"});
    verify(cut(v2, "gzip", "2.0"), {"Chunk `2.0` of gzip", "gzip", "cut short"});
    verify(cut(v2, "zlib", "2.0"), {"Chunk `2.0` of zlib", "zlib", "cut short"});
    verify(cut(v2, "lz4", "0.0"), {"Chunk `0.0` of lz4", "LZ4 cannot unpack it"});
    verify(cut(v3, "crc32c", "c/0/0"), {"Chunk `c/0/0` of crc32c", "checksum (crc32c) is wrong"});
    verify(cut(v3, "shards", "c/0/0"), {"Shard `c/0/0` of shards", "checksum (crc32c) of its index is wrong"});
    verify(cut(v3, "shards_no_checksum", "c/0/0"), {"Shard `c/0/0`", "index points outside"});
    // One codec's bytes under the name of another.
    verify(described(v2, "zstd", "\"zstd\"", "\"blosc\""), {"Chunk `0.0` of zstd", "Blosc"});
    verify(described(v2, "blosc_lz4", "\"blosc\"", "\"zstd\""), {"no Zstandard data"});
    verify(described(v2, "gzip", "\"gzip\"", "\"lz4\""), {"LZ4"});
    verify(described(v2, "lz4", "\"lz4\"", "\"gzip\""), {"no sound gzip data"});
    // A chunk of another size than the description says.
    verify(described(v2, "blosc_lz4", "\"<i8\"", "\"<i4\""), {"Blosc header states 720 bytes where 360 are needed"});
    verify(described(v2, "zstd", "\"<i8\"", "\"<i4\""), {"Zstandard header states 720 bytes where 360 are needed"});
    verify(described(v2, "gzip", "\"<i8\"", "\"<i4\""), {"gzip unpacks it to more than the 360 bytes needed"});
    verify(described(v2, "lz4", "\"<i8\"", "\"<i4\""), {"LZ4 header states 720 bytes where 360 are needed"});
  }

  /// Behind the version: flags, bytes of a value, then the lengths unpacked, of a block, and packed.
  void bloscHeadersThatLie() {
    const auto lying = [&](std::size_t at, std::uint32_t number) {
      return changed("bare_v2.zarr.zip", "blosc_lz4", [&](const fs::path& copy) {
        std::string chunk = file_text(copy / "0.0");
        for (std::size_t i = 0; i < 4; ++i) chunk[at + i] = static_cast<char>(number >> (8 * i) & 255);
        put_file(copy / "0.0", chunk);
      });
    };
    for (const std::size_t at : {4U, 8U, 12U})
      for (const std::uint32_t number : {0U, 1U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU})
        verify(lying(at, number), {"Chunk `0.0` of blosc_lz4", "Blosc"});
    verify(lying(4, 721), {"Blosc header states 721 bytes where 720 are needed"});
    verify(lying(0, 0x08FFFF02), {"Chunk `0.0` of blosc_lz4", "Blosc cannot unpack it"});
  }

  void shardIndicesThatPointOutside() {
    const auto pointing = [&](std::uint64_t offset, std::uint64_t length) {
      return changed("bare_v3.zarr.zip", "shards_no_checksum", [&](const fs::path& copy) {
        std::string shard = file_text(copy / "c/0/0");
        const std::uint64_t last[2] = {offset, length};
        std::memcpy(shard.data() + shard.size() - sizeof last, last, sizeof last);
        put_file(copy / "c/0/0", shard);
      });
    };
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    QCOMPARE(pointing(most, most), std::string("no error"));  // a chunk that is not there
    for (const auto& [offset, length] : {std::pair{most - 8, std::uint64_t{16}},
                                         {std::uint64_t{8}, most - 4},
                                         {std::uint64_t{1} << 62, std::uint64_t{16}},
                                         {std::uint64_t{0}, std::uint64_t{0}},
                                         {most, std::uint64_t{1}}})
      verify(pointing(offset, length), {"Shard `c/0/0` of shards_no_checksum", "index points outside of it"});
  }

  /// A description of a few bytes that stands for gigabytes of text.
  void longTextsForChunksThatAreNotThere() {
    const fs::path copy = fresh();
    fs::copy(stores + "layer_v2.zarr", copy, fs::copy_options::recursive);
    fs::remove(copy / ".zmetadata");
    fs::remove(copy / "obs/_index/0");
    const fs::path description = copy / "obs/_index/.zarray";
    auto zarray = nlohmann::json::parse(file_text(description));
    zarray["shape"] = {50'000'000};
    zarray["fill_value"] = std::string(10'000, 'x');
    put_file(description, zarray.dump());
    verify(says(copy.string()), {"Chunk `obs/_index/", "is missing"});
  }

  void flippedBitsAreFoundByChecksums() {
    const std::string found = changed("bare_v3.zarr.zip", "shards_index_first", [&](const fs::path& copy) {
      std::string whole = file_text(copy / "c/0/0");
      whole[whole.size() - 20] = static_cast<char>(whole[whole.size() - 20] ^ 4);
      put_file(copy / "c/0/0", whole);
    });
    verify(found, {"in the shard `c/0/0` of shards_index_first", "checksum (crc32c) is wrong"});
    verify(changed("bare_v3.zarr.zip", "shards", [](const fs::path& copy) { put_file(copy / "c/1/1", "short"); }),
           {"Shard `c/1/1`", "too few for the index"});
  }

  void anndataThatIsDamaged() {
    const auto with_copy = [&](auto change) {
      const fs::path copy = fresh();
      fs::copy(stores + "layer_v2.zarr", copy, fs::copy_options::recursive);
      fs::remove(copy / ".zmetadata");
      change(copy);
      return says(copy.string());
    };
    verify(with_copy([](const fs::path& copy) { fs::remove_all(copy / "obs/_index"); }), {"`obs/_index`", "missing"});
    QCOMPARE(with_copy([](const fs::path& copy) { fs::remove(copy / "var/_index/0"); }), std::string("no error"));
    verify(with_copy([](const fs::path& copy) { put_file(copy / "layers/csc/indices/0", "xx"); }),
           {"Chunk `layers/csc/indices/0`", "Blosc header"});
    verify(with_copy([](const fs::path& copy) {
             for (const char* name : {"X", "layers"}) fs::remove_all(copy / name);
           }),
           {"holds tables of cells and genes but no matrix"});
    const fs::path outside = fresh();
    put_file(outside / "secret", "x");
    verify(with_copy([&](const fs::path& copy) {
             const fs::path attributes = copy / "obs/.zattrs";
             put_file(attributes, with(file_text(attributes), "\"_index\": \"_index\"",
                                       "\"_index\": \"../../" + outside.filename().string() + "\""));
           }),
           {"missing or no array of this store"});
  }

  void zipsThatLie() {
    const auto zip = [&](const std::vector<Entry>& entries) {
      const fs::path path = fresh().replace_extension("zip");
      put_file(path, zip_of(entries));
      return says(path.string());
    };
    const Entry description = stored(".zarray", zarray("2, 3", "2, 3")), chunk = stored("0.0", std::string(24, '\0'));
    QCOMPARE(zip({description, chunk}), std::string("no error"));
    Entry bomb = stored("0.0", std::string(300, '\0'));
    bomb.method = 8;
    bomb.claimed = 4'000'000'000;
    verify(zip({description, bomb}), {"`0.0`", "claims to unpack 300 bytes to 4,000,000,000"});
    // What really unpacks to more than a chunk can need is not unpacked.
    uLongf packed = 1 << 20;
    const std::string zeros(100 << 20, '\0');
    std::string deflated(packed, '\0');
    compress2(reinterpret_cast<Bytef*>(deflated.data()), &packed, reinterpret_cast<const Bytef*>(zeros.data()),
              zeros.size(), 9);
    Entry long_one = stored("0.0", deflated.substr(2, packed - 6));
    long_one.method = 8;
    long_one.claimed = static_cast<std::uint32_t>(zeros.size());
    verify(zip({description, long_one}), {"Chunk `0.0`", "104,857,600 bytes long, more than its values can take"});
    long_one.key = ".zarray";
    verify(zip({long_one, chunk}), {"`.zarray`", "too many for the description"});
    Entry wrong = chunk;
    wrong.crc ^= 1;
    verify(zip({description, wrong}), {"`0.0`", "is damaged"});
    const fs::path whole = stores + "bare_v3.zarr.zip", cut = fresh().replace_extension("zip");
    put_file(cut, file_text(whole).substr(0, 20'000));
    verify(says(cut.string()), {"zip"});
    verify(zip({stored("readme.txt", "hello")}), {"in no format"});
  }

  void checksumOfKnownText() {
    QCOMPARE(data::zarr::crc32c(bytes("123456789")), 0xE3069283U);
    QCOMPARE(data::zarr::crc32c(Bytes(32, std::byte{0})), 0x8A9136AAU);
    QCOMPARE(data::zarr::crc32c({}), 0U);
  }

  void lengthsAreHeldAgainstLimits() {
    data::zarr::Unpacker unpacker;
    Bytes out;
    const auto gzip = bytes(file_text(SCRIPTORIUM_TEST_DATA "/data/10x_v3/filtered_feature_bc_matrix/features.tsv.gz"));
    const std::vector<Packing> steps{Packing::Gzip};
    Bytes packed = gzip;
    unpacker.unpack(packed, steps, {1 << 20, false}, out, {});
    const std::size_t length = out.size();
    QVERIFY(length > gzip.size());
    packed = gzip;
    unpacker.unpack(packed, steps, {length, true}, out, {});
    QCOMPARE(out.size(), length);
    for (const auto& wanted : {data::zarr::Length{length - 1, true}, {length + 1, true}, {length - 1, false}}) {
      packed = gzip;
      QVERIFY_EXCEPTION_THROWN(unpacker.unpack(packed, steps, wanted, out, {}), std::runtime_error);
    }
    for (const Packing step : {Packing::Blosc, Packing::Zstd, Packing::Gzip, Packing::Lz4, Packing::Crc32c})
      for (const std::size_t n : {0U, 1U, 3U, 4U, 16U, 40U}) {
        packed.assign(n, std::byte{0x7F});
        QVERIFY_EXCEPTION_THROWN(unpacker.unpack(packed, std::vector{step}, {100, true}, out, {}), std::runtime_error);
      }
  }
};

QTEST_APPLESS_MAIN(TestZarrBad)
#include "tst_zarr_bad.moc"
