#include <QtTest>
#include <cmath>
#include <limits>

#include "core/analysis/agreement.hpp"
#include "core/error.hpp"

using namespace scriptorium;
using namespace scriptorium::analysis;

namespace {

Contingency table(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  const auto groups = [](const std::vector<std::int32_t>& codes) {
    return static_cast<std::int64_t>(*std::max_element(codes.begin(), codes.end())) + 1;
  };
  return contingency(a, groups(a), b, groups(b));
}

}  // namespace

class TestAgreement : public QObject {
  Q_OBJECT
 private slots:
  // Values of adjusted_rand_score and normalized_mutual_info_score in the documentation of scikit-learn, as fractions.
  void knownValues_data() {
    QTest::addColumn<QVector<int>>("a");
    QTest::addColumn<QVector<int>>("b");
    QTest::addColumn<double>("ari");
    QTest::addColumn<double>("nmi");
    using V = QVector<int>;
    QTest::newRow("same, renamed") << V{0, 0, 1, 1} << V{1, 1, 0, 0} << 1.0 << 1.0;
    QTest::newRow("one split") << V{0, 0, 1, 2} << V{0, 0, 1, 1} << 4.0 / 7 << 0.8;
    QTest::newRow("crossed") << V{0, 0, 1, 1} << V{0, 1, 0, 1} << -0.5 << 0.0;
    QTest::newRow("user guide") << V{0, 0, 0, 1, 1, 1} << V{0, 0, 1, 1, 2, 2} << 8.0 / 33 << 0.5158037429793889;
    QTest::newRow("one group against all apart") << V{0, 0, 0, 0} << V{0, 1, 2, 3} << 0.0 << 0.0;
    QTest::newRow("one group each") << V{0, 0, 0} << V{0, 0, 0} << 1.0 << 1.0;
    QTest::newRow("one cell") << V{0} << V{0} << 1.0 << 1.0;
  }
  void knownValues() {
    QFETCH(QVector<int>, a);
    QFETCH(QVector<int>, b);
    QFETCH(double, ari);
    QFETCH(double, nmi);
    const std::vector<std::int32_t> left(a.begin(), a.end()), right(b.begin(), b.end());
    QVERIFY(std::fabs(adjusted_rand_index(table(left, right)) - ari) < 1e-14);
    QVERIFY(std::fabs(normalised_mutual_information(table(left, right)) - nmi) < 1e-14);
    QVERIFY(std::fabs(adjusted_rand_index(table(right, left)) - ari) < 1e-14);
  }

  void cellsWithoutALabelAreLeftOut() {
    const auto with_gaps = table({0, -1, 0, 1, 2, 1}, {0, 0, 0, 1, 1, -1});
    QCOMPARE(with_gaps.total, std::int64_t{4});
    QVERIFY(std::fabs(adjusted_rand_index(with_gaps) - 4.0 / 7) < 1e-14);
    QVERIFY(std::isnan(
        adjusted_rand_index(contingency(std::vector<std::int32_t>{-1}, 1, std::vector<std::int32_t>{0}, 1))));
    QVERIFY(std::isnan(normalised_mutual_information(contingency({}, 0, {}, 0))));
  }

  void labelsOfColumnsOfAnyType() {
    const data::Column categories{"c", data::Categorical{{2, 0, -1, 2}, {"b", "unused", "a"}, false}, {}};
    QCOMPARE(labels_of(categories).names, (std::vector<std::string>{"b", "a"}));
    QCOMPARE(labels_of(categories).code, (std::vector<std::int32_t>{1, 0, -1, 1}));
    const data::Column text{"t", std::vector<std::string>{"z", "y", "z", "x"}, {0, 0, 0, 1}};
    QCOMPARE(labels_of(text).names, (std::vector<std::string>{"y", "z"}));
    QCOMPARE(labels_of(text).code, (std::vector<std::int32_t>{1, 0, 1, -1}));
    const data::Column integers{"i", std::vector<std::int64_t>{10, 9, 10}, {}};
    QCOMPARE(labels_of(integers).names, (std::vector<std::string>{"9", "10"}));  // by value, not by letter
    const data::Column truth{"b", std::vector<std::uint8_t>{1, 0}, {}};
    QCOMPARE(labels_of(truth).names, (std::vector<std::string>{"False", "True"}));
    std::vector<double> many(50);
    std::iota(many.begin(), many.end(), 0.5);
    QVERIFY_THROWS_EXCEPTION(Error, labels_of(data::Column{"n", many, {}}, 20));
    QCOMPARE(labels_of(data::Column{"n", many, {}}, 50).names.size(), std::size_t{50});
  }

  void compositionCountsAndExpects() {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> p{0.9, 0.1, 0.5, 0.5, 0.2, 0.8, nan, nan, 0.3, 0.7};
    QCOMPARE(assignment(p, 2), (std::vector<std::int32_t>{0, 0, 1, -1, 1}));
    const auto found = composition(p, 2, {{0, 1, 1, 0, -1}, {"x", "y"}});
    QCOMPARE(found.assigned.cells, (std::vector<std::int64_t>{1, 1, 0, 1}));
    const std::vector<double> expected{0.9, 0.7, 0.1, 1.3};
    for (std::size_t i = 0; i < 4; ++i) QVERIFY(std::fabs(found.expected[i] - expected[i]) < 1e-14);
  }
};

QTEST_GUILESS_MAIN(TestAgreement)
#include "tst_agreement.moc"
