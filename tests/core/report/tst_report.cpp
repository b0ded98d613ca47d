#include <QFile>
#include <QTemporaryDir>
#include <QtTest>
#include <nlohmann/json.hpp>

#include "../result/small_model.hpp"
#include "core/error.hpp"
#include "core/report/fit_tables.hpp"
#include "core/report/netcdf.hpp"
#include "core/storage/atomic_file.hpp"
#include "core/storage/hdf5_tree.hpp"

using namespace scriptorium;
using namespace scriptorium::report;

class TestReport : public QObject {
  Q_OBJECT
  QTemporaryDir dir_;

 private slots:
  void tablesAreWrittenInThreeForms() {
    Table table;
    table.add("name", std::vector<std::string>{"a\tb", "", "say \"x\", y"});
    table.add("x", std::vector<double>{0.1, NAN, -INFINITY});
    table.add("n", std::vector<std::int64_t>{1, missing_integer, -3});
    table.add("yes", std::vector<bool>{true, false, true});
    QCOMPARE(QString::fromStdString(to_text(table, TableFormat::Tsv)),
             QString("name\tx\tn\tyes\n\"a\tb\"\t0.10000000000000001\t1\tTrue\n\t\t\tFalse\n\"say \"\"x\"\", "
                     "y\"\t-inf\t-3\tTrue\n"));
    QVERIFY(QString::fromStdString(to_text(table, TableFormat::Csv)).contains("\na\tb,0.10000000000000001,1,True\n"));
    const auto json = nlohmann::json::parse(to_text(table, TableFormat::Json));
    QCOMPARE(json["x"][0].get<double>(), 0.1);
    QCOMPARE(json["x"][1], "nan");
    QCOMPARE(json["x"][2], "-inf");
    QVERIFY(json["n"][1].is_null() && json["name"][1].is_null() && json["yes"][0] == true);
    QVERIFY(table_format("a.csv") == TableFormat::Csv && table_format("b.json") == TableFormat::Json &&
            table_format("c") == TableFormat::Tsv && table_format("a.b/c") == TableFormat::Tsv);
    QVERIFY_THROWS_EXCEPTION(Error, table_format("c.xlsx"));
    const auto path = dir_.filePath("t.csv").toStdString();
    write_table(table, path);
    QCOMPARE(storage::read_whole_file(path), to_text(table, TableFormat::Csv));
    QVERIFY_EXCEPTION_THROWN(write_table(table, dir_.filePath("none/t.csv").toStdString()), Error);
  }

  void fitTablesHaveTheContractsColumns() {
    const auto s = small_model::make("zinbvcp", "mean_odds");
    const auto columns = [](const Table& table) {
      std::string names;
      for (const auto& column : table.columns) names += column.name + " ";
      return names;
    };
    const auto values = values_table(s.fit, result::map_estimate(s.fit, {.use_mean = true}), true);
    QCOMPARE(columns(values), std::string("parameter gene cell component value "));
    const auto& names = std::get<std::vector<std::string>>(values.columns[0].values);
    QVERIFY(std::find(names.begin(), names.end(), "capture_odds_ratio") != names.end());
    QCOMPARE(columns(distributions_table(s.fit, false)),
             std::string("parameter gene cell component family arg1 arg2 mean sd q025 q975 "));
    QCOMPARE(columns(bands_table(s.fit, result::predictive(s.fit, {1}, {.draws = 20}, {}))),
             std::string("gene count lower median upper observed and_above "));
    analysis::DiagnoseOptions options;
    options.genes = {1};
    options.draws = 20;
    QCOMPARE(columns(diagnosis_table(s.fit, analysis::diagnose(s.fit, options, {}))),
             std::string("gene mean_count map_R map_D map_failure post_R post_D post_failure verdict reason "));
    QCOMPARE(columns(loss_table(s.fit)), std::string("iteration time loss "));
    auto bare = s.fit;
    bare.point_only = true;
    QVERIFY_EXCEPTION_THROWN(distributions_table(bare, false), Error);
    QCOMPARE(describe_fit(s.fit)["n_genes"], 12);
  }

  void netcdfIsDimensionedHdf5() {
    const auto s = small_model::make("nbvcp", "canonical");
    const auto draws = result::sample(s.fit, 30, 1, true, 0, {});
    const auto path = dir_.filePath("d.nc").toStdString();
    write_netcdf(posterior_data(s.fit, draws, false), path);
    const auto bytes = storage::read_whole_file(path);
    const auto file = storage::hdf5::open_image(bytes, path);
    const auto group = storage::hdf5::open_group(file, "posterior");
    std::vector<hsize_t> shape;
    QCOMPARE(storage::hdf5::read<double>(group, "r", &shape), draws.at("r").values);
    QCOMPARE(shape, (std::vector<hsize_t>{1, 30, 12}));
    QCOMPARE(storage::hdf5::read_attribute(group, "inference_library"), std::string("scriptorium"));
    const storage::hdf5::Handle scale(H5Dopen2(group, "gene", H5P_DEFAULT), H5Dclose, "open gene");
    QCOMPARE(storage::hdf5::read_attribute(scale, "CLASS"), std::string("DIMENSION_SCALE"));
    QVERIFY(H5Aexists(scale, "REFERENCE_LIST") > 0 && H5Aexists(scale, "_Netcdf4Dimid") == 0);
    const storage::hdf5::Handle variable(H5Dopen2(group, "r", H5P_DEFAULT), H5Dclose, "open r");
    QVERIFY(H5Aexists(variable, "DIMENSION_LIST") > 0 && H5Aexists(variable, "_FillValue") > 0);
    QVERIFY(storage::hdf5::has(file, "constant_data"));
  }
};

QTEST_APPLESS_MAIN(TestReport)
#include "tst_report.moc"
