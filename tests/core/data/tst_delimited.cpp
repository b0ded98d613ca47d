#include <QDir>
#include <QTest>

#include "core/data/formats/orientation.hpp"
#include "core/data/identity.hpp"
#include "core/data/open.hpp"
#include "core/error.hpp"
#include "facts.hpp"
#include "opening.hpp"
#include "small_files.hpp"

using namespace scriptorium;
using opening::verify;
using small_files::put;

namespace {

const std::string data_folder = SCRIPTORIUM_TEST_DATA "/data/";

/// Three cells × four genes, cells in rows.
const std::string small_table =
    "cell,ACTB,CD3E,GAPDH,MALAT1\nAAACCCAAGG-1,1,0,2,0\nAAACCCACTT-1,0,0,0,7\nAAACGGATCA-1,3,1,0,12\n";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

class TestDelimited : public QObject {
  Q_OBJECT
  QTemporaryDir folder_;
  std::string file(const char* name) const { return folder_.filePath(name).toStdString(); }

  data::Dataset open(const std::string& text, const data::OpenOptions& options = {}, const char* name = "x.csv") const {
    put(file(name), text);
    return data::open(file(name), options, {});
  }
  /// Message and remedy of opening `text`, or "no error".
  std::string says(const std::string& text, const data::OpenOptions& options = {}) const {
    put(file("bad.csv"), text);
    return says_of("bad.csv", options);
  }
  std::string says_of(const char* name, const data::OpenOptions& options = {}) const {
    return opening::says(file(name), options);
  }
  static bool noted(const data::Dataset& d, const std::string& part) {
    return std::any_of(d.notes.begin(), d.notes.end(), [&](const std::string& note) { return has(note, part); });
  }
 private slots:
  void facts_data() { facts::add_rows({".csv", ".tsv"}); }
  void facts() { facts::compare(); }

  void bothSeparatorsAreTheSameData() {
    const auto id = [](const char* name) { return data::data_identity(data::open(data_folder + name, {}, {})); };
    QCOMPARE(id("text/test_small.tsv"), id("text/test_small.csv"));
    QVERIFY(id("text/test_small_duplicate_gene_names.csv") != id("text/test_small.csv"));
    QCOMPARE(data::open(data_folder + "text/test_small.tsv", {}, {}).format, std::string("tsv"));
    QCOMPARE(data::open(data_folder + "text/test_small.csv", {}, {}).format, std::string("csv"));
  }

  void everyWayToWriteATable() {
    const std::string expected = data::data_identity(open(small_table));
    std::vector<std::string> same;
    const auto replaced = [](std::string text, char from, const char* to) {
      for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += std::strlen(to))
        text.replace(at, 1, to);
      return text;
    };
    same.push_back(replaced(small_table, ',', "\t"));
    same.push_back(replaced(small_table, ',', ";"));
    same.push_back(replaced(small_table, ',', " "));
    same.push_back(replaced(small_table, ',', "   "));
    same.push_back(replaced(small_table, '\n', "\r\n"));
    same.push_back("\xEF\xBB\xBF" + small_table);
    same.push_back(small_table + "\n\n");
    same.push_back(small_table.substr(0, small_table.size() - 1));
    same.push_back(small_table.substr(5));              // as R writes it: no field above the row names
    same.push_back("," + small_table.substr(5));        // as pandas does
    same.push_back(replaced(small_table, '7', "7.0"));  // whole numbers written as decimal ones
    same.push_back(replaced(small_table, '7', "\"7\""));
    same.push_back(replaced(replaced(small_table, '\n', ",\n"), '7', " 7e0 "));  // a separator at every end
    for (const char* name : {"ACTB", "AAACCCACTT-1"}) {
      std::string quoted = small_table;
      quoted.replace(quoted.find(name), std::strlen(name), "\"" + std::string(name) + "\"");
      same.push_back(quoted);
    }
    for (std::size_t i = 0; i < same.size(); ++i) {
      const data::Dataset d = open(same[i]);
      QVERIFY2(data::data_identity(d) == expected, std::to_string(i).c_str());
      QCOMPARE(d.counts.at(2, 3), 12U);
    }
    put(file("x.csv.gz"), small_table, true);
    QCOMPARE(data::data_identity(data::open(file("x.csv.gz"), {}, {})), expected);
    put(file("no_ending"), small_table, true);
    QCOMPARE(data::data_identity(data::open(file("no_ending"), {}, {})), expected);
  }

  void quotedNames() {
    const data::Dataset d = open("\"gene\",\"cell, one\",\"cell \"\"two\"\"\"\n\"a,b\",1,2\nc,3,4\n");
    QCOMPARE(d.cells.names, (std::vector<std::string>{"cell, one", "cell \"two\""}));
    QCOMPARE(d.genes.names, (std::vector<std::string>{"a,b", "c"}));
    QCOMPARE(d.counts.at(1, 0), 2U);
  }

  void bothOrientations() {
    const std::string turned =
        "gene,AAACCCAAGG-1,AAACCCACTT-1,AAACGGATCA-1\nACTB,1,0,3\nCD3E,0,0,1\nGAPDH,2,0,0\nMALAT1,0,7,12\n";
    const data::Dataset cells = open(small_table), genes = open(turned);
    QCOMPARE(data::data_identity(cells), data::data_identity(genes));
    QVERIFY(noted(cells, "cells in rows") && noted(genes, "genes in rows"));
    // The names alone say it too, and so does the user, against everything else.
    QCOMPARE(data::data_identity(open(turned.substr(4))), data::data_identity(cells));
    const data::Dataset forced = open(turned, {.orientation = "cells"});
    QCOMPARE(forced.cells.names.front(), std::string("ACTB"));
    QCOMPARE(forced.counts.at(3, 2), 12U);
    QVERIFY(noted(forced, "as asked"));
    verify(says(turned, {.orientation = "sideways"}), {"“sideways”", "--orientation"});
  }

  void orientationByWhatIsKnown() {
    using data::decide_orientation;
    const std::vector<std::string> plain{"u", "v", "w"}, genes{"ENSG00000187634.12", "MT-CO1", "u"},
        wells{"P1.A01", "P1.H12", "P2.B03"}, barcodes{"s1_AAACCTGAGAAACCAT", "TTTGGTTGTAGAATAC-1", "x"};
    QVERIFY(decide_orientation("", {genes, plain, 3, 3}).genes_in_rows);
    QVERIFY(!decide_orientation("", {plain, genes, 3, 3}).genes_in_rows);
    QVERIFY(decide_orientation("", {plain, wells, 3, 3}).genes_in_rows);
    QVERIFY(!decide_orientation("", {barcodes, plain, 3, 3}).genes_in_rows);
    QVERIFY(!decide_orientation("", {plain, plain, 900, 33'000}).genes_in_rows);
    QVERIFY(decide_orientation("", {plain, plain, 33'000, 900}).genes_in_rows);
    QVERIFY(decide_orientation("", {plain, plain, 3, 3}).genes_in_rows);
    QVERIFY(!decide_orientation("", {plain, plain, 3, 3, "barcode"}).genes_in_rows);
    QVERIFY(decide_orientation("", {plain, plain, 3, 3, "Geneid"}).genes_in_rows);
    QVERIFY(!decide_orientation("", {plain, plain, 3, 3}, {false, "a table beside"}).genes_in_rows);
    QVERIFY(!decide_orientation("cells", {genes, wells, 3, 3}).genes_in_rows);
  }

  void tablesBesideTheFile() {
    QDir(folder_.path()).mkpath("beside");
    put(file("beside/run1_counts.csv"), "u,v,w\na,1,2,3\nb,4,5,6\n");
    put(file("beside/run1_metadata.tsv"), "\tbatch\tage\tscore\tdone\nb\tx\t3\t0.5\tTRUE\na\tx\tNA\t1\tFALSE\n");
    put(file("beside/run2_metadata.csv"), "name,other\na,1\nb,2\n");
    put(file("beside/run1_counts_cells.csv"), "name,\"broken\na,1\nb,2,3\n");
    const data::Dataset d = data::open(file("beside/run1_counts.csv"), {}, {});
    QCOMPARE(d.cells.names, (std::vector<std::string>{"a", "b"}));
    QVERIFY(noted(d, "run1_metadata.tsv names the rows and lists cells"));
    QVERIFY(noted(d, "4 columns of cells come from run1_metadata.tsv"));
    const auto column = [&](const char* name) { return *d.cells.find(name); };
    QCOMPARE(column("batch").type(), std::string("label"));
    QCOMPARE(column("age").type(), std::string("integer"));
    QVERIFY(column("age").is_missing(0) && !column("age").is_missing(1));
    QCOMPARE(column("score").number(1), 0.5);
    QCOMPARE(column("done").type(), std::string("boolean"));
    QCOMPARE(column("done").text(1), std::string("True"));
    QVERIFY(d.cells.find("other") == nullptr);
  }

  void namesThatAreMissingOrRepeated() {
    const data::Dataset repeated = data::open(data_folder + "text/test_small_duplicate_gene_names.csv", {}, {});
    QVERIFY(noted(repeated, "DUPLICATE"));
    QCOMPARE(std::count(repeated.genes.names.begin(), repeated.genes.names.end(), "DUPLICATE-1"), 1);
    const data::Dataset unnamed = open("ACTB,CD3E,GAPDH\n1,2,3\n4,5,6\n");
    QCOMPARE(unnamed.cells.names, (std::vector<std::string>{"cell 1", "cell 2"}));
    QCOMPARE(unnamed.counts.at(1, 2), 6U);
    const data::Dataset headless = open("ACTB,1,2\nCD3E,4,5\nGAPDH,7,8\n");
    QCOMPARE(headless.genes.names.front(), std::string("ACTB"));
    QCOMPARE(headless.cells.names, (std::vector<std::string>{"cell 1", "cell 2"}));
    QCOMPARE(headless.counts.at(1, 2), 8U);
    const data::Dataset counted = open(",0,1,2\nACTB,1,2,3\nCD3E,4,5,6\n");
    QCOMPARE(counted.cells.names, (std::vector<std::string>{"0", "1", "2"}));
  }

  void whatIsNoCount() {
    const auto with = [](const std::string& value) { return "gene,a,b\nACTB,1,2\nCD3E,0," + value + "\n"; };
    verify(says(with("0.5")), {"bad.csv holds 0.5 at cell b, gene CD3E (line 3, column 3), which is a fraction"});
    verify(says(with("-2")), {"-2 at cell b", "negative"});
    verify(says(with("4294967296")), {"4294967296 at cell b", "32 bits"});
    verify(says(with("1e99")), {"cell b", "32 bits"});
    verify(says(with("inf")), {"cell b", "infinite"});
    verify(says(with("many")), {"bad.csv, line 3, column 3: “many” is no number"});
    verify(says(with("1 2")), {"line 3, column 3: “1 2” is no number"});
    verify(says(with("NA")), {"no number", "cell b", "CD3E"});
    QCOMPARE(says(with("4294967295")), std::string("no error"));
    put(file("logged.csv"), with("0.5"));
    const data::Dataset d = data::peek(file("logged.csv"), {}, {});
    QVERIFY(!d.layers.front().is_counts && has(d.layers.front().why_not, "0.5"));
  }

  void whatWasNotMeasured() {
    std::string text = "cell,ACTB,CD3E\n";
    for (int i = 0; i < 40; ++i) text += "cell" + std::to_string(i) + (i < 20 ? ",1,NA\n" : ",2,3\n");
    const data::Dataset d = open(text);
    QCOMPARE(d.missing.pattern(3), 1U);
    QCOMPARE(d.missing.pattern(30), 0U);
    QCOMPARE(d.missing.genes[1], (std::vector<std::uint32_t>{1}));
    QVERIFY(noted(d, "20 entries of 20 cells"));
  }

  void whatIsNoTable() {
    verify(says("gene,a,b\nACTB,1,2\nCD3E,0\n"), {"bad.csv, line 3 has 2 fields where 3 are expected", "cut short"});
    verify(says("gene,a,b\nACTB,1,2\nCD3E,0,1,5\n"), {"line 3 has 4 fields where 3"});
    verify(says("gene,a,b\nACTB,1,2,3,4\n"), {"line 2 has 5 fields, the header 3"});
    verify(says("gene,a,b\nACTB,1,2\n\"CD3E,0,1\n"), {"line 3: a quoted name has no end"});
    verify(says("gene,\"a,b\nACTB,1,2\n"), {"line 1: a quoted name has no end"});
    verify(says("a,b,c\n"), {"bad.csv is in no format"});
    verify(says("Dear all, it was\na dark and stormy night\n"), {"in no format"});
    verify(says(std::string("gene,a\nACTB,1\n\0\1\2", 17)), {"in no format"});
    verify(says(small_table, {.layer = "X"}), {"no layer `X`"});
  }

  void filesThatAreCutShort() {
    std::string text = "gene,AAACCCAAGG,TTTGGGACCA\n";
    for (int i = 0; i < 20'000; ++i)
      text += "ENSG" + std::to_string(10'000'000 + i * 7919 % 100'000) + "," + std::to_string(i * 31 % 57) + ",1\n";
    put(file("whole.csv.gz"), text, true);
    std::ifstream in(file("whole.csv.gz"), std::ios::binary);
    const std::string packed{std::istreambuf_iterator<char>(in), {}};
    put(file("cut.csv.gz"), packed.substr(0, packed.size() / 2));
    verify(says_of("cut.csv.gz"), {"cut.csv.gz is cut short"});
    std::string broken = packed;
    for (std::size_t i = packed.size() / 2; i < packed.size() / 2 + 64; ++i) broken[i] = static_cast<char>(~broken[i]);
    put(file("broken.csv.gz"), broken);
    verify(says_of("broken.csv.gz"), {"broken.csv.gz"});
    QVERIFY(says_of("broken.csv.gz") != "no error");
  }

  void linesOfAbsurdLength() {
    verify(says(std::string(100'000'000, '7')), {"bad.csv is in no format"});
    verify(says("gene,a\n" + std::string(100'000'000, '7') + ",1\n"), {"bad.csv is in no format"});
    std::string wide = "gene";
    for (int i = 0; i < 10'000'001; ++i) wide += ",a";
    verify(says(wide + "\nx,1\n"), {"bad.csv, line 1 has more than 10,000,000 fields"});
    put(file("long.csv"), "gene,a\nACTB,1\n");
    std::filesystem::resize_file(file("long.csv"), 300 << 20);  // sparse: zero bytes without an end of line
    verify(says_of("long.csv"), {"long.csv"});
    put(file("long.csv"), "gene,a\nACTB,1\n" + std::string(300 << 20, '7'));
    verify(says_of("long.csv"), {"long.csv has a line of more than 256 MiB"});
  }

  void gzipThatUnpacksToTooMuch() {
    std::string rows = "gene,a\n";
    for (int i = 0; i < 1'500'000; ++i) rows += "x,0\n";
    put(file("bomb.csv.gz"), rows, true);
    verify(says_of("bomb.csv.gz"), {"bomb.csv.gz unpacks to more than 1,0", "lines"});
  }

  void aLookAtALargeFile() {
    std::string row;
    for (int i = 0; i < 2000; ++i) row += i % 9 == 0 ? ",1" : ",0";
    std::string text = "gene";
    for (int i = 0; i < 2000; ++i) text += ",cell" + std::to_string(i);
    text += "\n";
    for (int i = 0; i < 6000; ++i) text += "g" + std::to_string(100'000 + i) + row + "\n";
    text += "last" + row.substr(0, row.size() - 1) + "0.5\n";
    for (const bool gzipped : {false, true}) {
      put(file("large"), text, gzipped);
      const data::Dataset d = data::peek(file("large"), {}, {});
      const data::LayerInfo& layer = d.layers.front();
      QVERIFY(layer.is_counts);
      QCOMPARE(layer.n_cells, 2000);
      QVERIFY2(layer.n_genes > 5000 && layer.n_genes < 7000, std::to_string(layer.n_genes).c_str());
      QVERIFY(d.genes.size() < 3000 && d.genes.size() >= 16);
      QVERIFY(noted(d, "Only the first 8 MiB"));
      verify(says_of("large"), {"0.5 at cell cell1999, gene last"});
    }
  }

  void tellsProgressAndStops() {
    put(file("x.csv"), small_table);
    std::vector<Progress> told;
    RunControl control;
    control.report = [&](const Progress& p) { told.push_back(p); };
    data::open(file("x.csv"), {}, control);
    QVERIFY(told.size() > 2);
    for (const Progress& p : told) QVERIFY(p.fraction <= 1);
    std::stop_source stop;
    control.stop = stop.get_token();
    control.report = [&](const Progress&) { stop.request_stop(); };
    QVERIFY_EXCEPTION_THROWN(data::open(file("x.csv"), {}, control), Cancelled);
  }
};

QTEST_APPLESS_MAIN(TestDelimited)
#include "tst_delimited.moc"
