#include <QtTest>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/math/random.hpp"
#include "core/perturbation/program_search.hpp"

using namespace scriptorium;
using namespace scriptorium::perturbation;

namespace {

/// Noise of sd 1; targets [0, planted) also hold `strength` times a profile that is not 0 in the first 40 genes: up in
/// 25 of them, down in 15. Odd ones of them with `mixed`: the other way round.
ZMatrix matrix(std::size_t genes, std::size_t targets, std::size_t planted, double strength, std::uint64_t seed,
               const std::string& group = "all", bool mixed = false) {
  ZMatrix z;
  z.group = group;
  math::Random random(seed, math::Purpose::Test);
  for (std::size_t t = 0; t < targets; ++t) z.targets.push_back("T" + std::to_string(t));
  for (std::size_t g = 0; g < genes; ++g) {
    z.genes.push_back("g" + std::to_string(g));
    const double profile = g < 25 ? 1 : g < 40 ? -1 : 0;
    for (std::size_t t = 0; t < targets; ++t)
      z.z.push_back(random.normal() + (t < planted ? (mixed && t % 2 ? -1 : 1) * strength * profile : 0));
  }
  return z;
}

double minimax(const std::vector<double>& d, std::size_t n, const std::vector<std::size_t>& points) {
  double least = HUGE_VAL;
  for (const auto i : points) {
    double most = 0;
    for (const auto j : points) most = std::max(most, d[i * n + j]);
    least = std::min(least, most);
  }
  return least;
}

}  // namespace

class TestPrograms : public QObject {
  Q_OBJECT
 private slots:
  void aPlantedComponentIsFound() {
    const auto z = matrix(300, 8, 8, 6, 1);
    PcaTestOptions options;
    options.row_p = 1;
    options.permutations = 50;
    options.threads = 1;
    const auto test = pca_permutation_test(z, options);
    QCOMPARE(test.components, 1);
    double share = 0;
    for (const double s : test.share) share += s;
    QVERIFY(std::fabs(share - 1) < 1e-12);
    QVERIFY(test.share[0] > 0.5);
    const auto programs = programs_of(test);
    QCOMPARE(programs.size(), std::size_t{1});
    QCOMPARE(programs[0].targets.size(), std::size_t{8});
    std::set<std::string> up(programs[0].up.begin(), programs[0].up.end()),
        down(programs[0].down.begin(), programs[0].down.end());
    QCOMPARE(up.size(), std::size_t{25});
    QCOMPARE(down.size(), std::size_t{15});
    for (int g = 0; g < 40; ++g) QVERIFY((g < 25 ? up : down).count("g" + std::to_string(g)));
    QVERIFY(std::is_sorted(programs[0].up_score.rbegin(), programs[0].up_score.rend()));
    QVERIFY(programs[0].up_score.front() > 0 && programs[0].down_score.front() < 0);
  }
  void noiseHasNoProgram() {
    PcaTestOptions options;
    options.row_p = 1;
    options.permutations = 100;
    options.threads = 1;
    const auto test = pca_permutation_test(matrix(400, 6, 0, 0, 2), options);
    // p is uniform: about 5% at either end.
    int low = 0, high = 0;
    for (const double p : test.p) {
      low += p <= 0.05;
      high += p >= 0.95;
    }
    QVERIFY2(low < 45 && high < 45 && low + high > 8, qPrintable(QString("%1 %2").arg(low).arg(high)));
    const auto programs = programs_of(test);
    QVERIFY(programs[0].up.empty() && programs[0].down.empty());  // no |z| is beyond the threshold
  }
  void theNullHasBothSigns() {
    // Mirrored data have mirrored p.
    auto z = matrix(100, 4, 4, 2, 3);
    PcaTestOptions options;
    options.row_p = 1;
    options.permutations = 20;
    options.threads = 1;
    const auto test = pca_permutation_test(z, options);
    for (double& value : z.z) value = -value;
    const auto mirrored = pca_permutation_test(z, options);
    for (std::size_t i = 0; i < 100; ++i) {
      QVERIFY(std::fabs(std::fabs(test.score[i]) - std::fabs(mirrored.score[i])) < 1e-9);
      const double same = test.p[i], other = mirrored.p[i];
      QVERIFY(std::fabs(same - other) < 1e-9 || std::fabs(same - (1 - other)) < 1e-2);
    }
  }
  void componentsAsAsked() {
    const auto z = matrix(200, 6, 3, 5, 4);
    PcaTestOptions options;
    options.row_p = 1;
    options.permutations = 2;
    options.components = {0, 0, 0.999999};
    QCOMPARE(pca_permutation_test(z, options).components, 6);
    options.components = {0, 0.3, 0};
    QCOMPARE(pca_permutation_test(z, options).components, 1);
    options.components = {100, 0, 0};
    QCOMPARE(pca_permutation_test(z, options).components, 6);
    options.components = {0, 0.99, 0};
    QVERIFY_THROWS_EXCEPTION(Error, pca_permutation_test(z, options));
    options.components = {1, 0, 0};
    auto faint = z;
    for (double& value : faint.z) value *= 1e-3;
    options.row_p = 0.05;
    QVERIFY_THROWS_EXCEPTION(Error, pca_permutation_test(faint, options));
    auto holes = z;
    holes.z[5] = NAN;
    QVERIFY_THROWS_EXCEPTION(Error, pca_permutation_test(holes, options));
    auto constant = z;
    for (std::size_t r = 0; r < 200; ++r) constant.z[r * 6 + 2] = 3;
    for (const double p : pca_permutation_test(constant, options).p) QVERIFY(p >= 0 && p <= 1);
  }
  void sameBitsAtAnyNumberOfThreads() {
    const auto z = matrix(150, 5, 3, 3, 5);
    PcaTestOptions options;
    options.permutations = 30;
    options.threads = 1;
    const auto one = pca_permutation_test(z, options);
    options.threads = 4;
    const auto four = pca_permutation_test(z, options);
    QVERIFY(one.p == four.p && one.score == four.score);
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_THROWS_EXCEPTION(Cancelled, pca_permutation_test(z, options, {stop.get_token(), {}}));
  }

  void linkageIsMinimax() {
    math::Random random(6, math::Purpose::Test);
    const std::size_t n = 30;
    std::vector<double> x(2 * n), d(n * n);
    for (double& v : x) v = random.normal();
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) d[i * n + j] = std::hypot(x[2 * i] - x[2 * j], x[2 * i + 1] - x[2 * j + 1]);
    const auto merges = minimax_linkage(d, n);
    QCOMPARE(merges.size(), n - 1);
    // Written out: at each step the two clusters of least linkage.
    std::vector<std::vector<std::size_t>> clusters(n);
    for (std::size_t i = 0; i < n; ++i) clusters[i] = {i};
    for (std::size_t k = 0; k + 1 < n; ++k) {
      double least = HUGE_VAL;
      std::size_t a = 0, b = 0;
      for (std::size_t i = 0; i < clusters.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
          auto both = clusters[i];
          both.insert(both.end(), clusters[j].begin(), clusters[j].end());
          if (const double r = minimax(d, n, both); r < least) {
            least = r;
            a = j;
            b = i;
          }
        }
      QVERIFY(std::fabs(merges[k].height - least) < 1e-12);
      clusters[a].insert(clusters[a].end(), clusters[b].begin(), clusters[b].end());
      std::sort(clusters[a].begin(), clusters[a].end());
      clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(b));
      const auto cut = cut_tree(merges, n, least);
      auto wanted = clusters;
      std::sort(wanted.begin(), wanted.end());
      QVERIFY(cut == wanted);
      double radius = 0;
      for (const auto& part : cut)
        if (std::find(part.begin(), part.end(), merges[k].prototype) != part.end())
          for (const auto i : part) radius = std::max(radius, d[i * n + merges[k].prototype]);
      QVERIFY(std::fabs(radius - least) < 1e-12);
    }
  }
  void targetsOfOneProgramCluster() {
    const auto found = cluster_targets(matrix(200, 9, 4, 4, 7, "all", true));
    std::vector<std::vector<std::size_t>> large;
    for (const auto& one : found.clusters)
      if (one.size() > 1) large.push_back(one);
    QVERIFY((large == std::vector<std::vector<std::size_t>>{{0, 1, 2, 3}}));  // opposite signs belong together
    auto constant = matrix(50, 3, 0, 0, 8);
    for (std::size_t r = 0; r < 50; ++r) constant.z[r * 3] = 0;
    QCOMPARE(cluster_targets(constant).clusters.size(), std::size_t{3});
    QVERIFY_THROWS_EXCEPTION(Error, cluster_targets(matrix(2, 3, 0, 0, 8)));
  }

  void weightsFindWhatMatricesShare() {
    const std::vector<ZMatrix> x{matrix(200, 10, 3, 3, 11, "a"), matrix(200, 7, 2, 3, 12, "b"),
                                 matrix(200, 12, 4, 3, 13, "c", true)};
    const auto open = multi_set_weights(x, {100, 100, 100});
    const auto sparse = multi_set_weights(x, {1.8, 1.45, 2.1});
    const std::size_t planted[3] = {3, 2, 4};
    const double bound[3] = {1.8, 1.45, 2.1};
    for (std::size_t i = 0; i < 3; ++i) {
      double size = 0, sum = 0;
      for (std::size_t t = 0; t < sparse[i].size(); ++t) {
        size += sparse[i][t] * sparse[i][t];
        sum += std::fabs(sparse[i][t]);
        if (t >= planted[i]) QVERIFY(std::fabs(sparse[i][t]) < 0.1 && std::fabs(open[i][t]) < 0.2);
        if (t < planted[i]) QVERIFY(std::fabs(sparse[i][t]) > 0.3);
      }
      QVERIFY(std::fabs(size - 1) < 1e-9);
      QVERIFY(sum <= bound[i] + 1e-6);
    }
    QVERIFY(sparse[2][0] * sparse[2][1] < 0);
  }
  void programsAcrossGroups() {
    // Targets 0 … 3 share a profile in a, b and c; d is noise. In a and b targets 4 … 6 share another one.
    std::vector<ZMatrix> x;
    for (const auto* group : {"a", "b", "c", "d"}) {
      x.push_back(matrix(300, 9, *group == 'd' ? 0 : 4, 4, static_cast<std::uint64_t>(*group), group));
      if (*group > 'b') continue;
      for (std::size_t g = 60; g < 90; ++g)
        for (std::size_t t = 4; t < 7; ++t) x.back().z[g * 9 + t] += 3;
    }
    const auto programs = cross_group_programs(x);
    QVERIFY(programs.size() >= 2);
    QVERIFY((programs[0].set_aside == std::vector<std::string>{"d"}));
    QCOMPARE(programs[0].needed, 3);
    QCOMPARE(programs[0].members.size(), std::size_t{12});
    for (const auto& member : programs[0].members) {
      QVERIFY(member.target < "T4" && member.group != "d");
      QVERIFY(std::fabs(member.own) >= 0.6 && member.others >= 0.3);
    }
    QCOMPARE(programs[1].members.size(), std::size_t{6});
    for (const auto& member : programs[1].members) QVERIFY(member.target >= "T4" && member.target <= "T6");
    const auto together = joined(x, programs[0]);
    QCOMPARE(together.targets.size(), std::size_t{12});
    QCOMPARE(together.at(7, 4), x[1].at(7, 0));
    QCOMPARE(together.targets[4], std::string("b__T0"));

    QVERIFY(cross_group_programs({matrix(200, 5, 0, 0, 21, "a"), matrix(200, 5, 0, 0, 22, "b")}).empty());
    QVERIFY_THROWS_EXCEPTION(Error, cross_group_programs({x[0]}));
    auto other = x[1];
    for (auto& gene : other.genes) gene += "x";
    QVERIFY_THROWS_EXCEPTION(Error, cross_group_programs({x[0], other}));
  }
  void genesThatAllHave() {
    auto a = matrix(5, 2, 0, 0, 1, "a"), b = matrix(6, 3, 0, 0, 2, "b");
    std::reverse(b.genes.begin(), b.genes.end());
    b.genes[5] = "other";  // was g0
    const auto common = with_common_genes({a, b});
    QVERIFY((common[0].genes == std::vector<std::string>{"g1", "g2", "g3", "g4"}));
    QCOMPARE(common[1].at(0, 2), b.at(4, 2));
    QCOMPARE(common[0].at(3, 1), a.at(4, 1));
  }
  void aSearchFindsClustersAndTheirGenes() {
    const auto z = matrix(300, 8, 4, 6, 31);
    ProgramSearchOptions options;
    options.pca.permutations = 50;
    const ProgramSearch found = find_programs({z}, options);
    QCOMPARE(found.programs.size(), std::size_t{1});
    QCOMPARE(found.programs[0].name, std::string("cluster 1"));
    QCOMPARE(found.programs[0].members.size(), std::size_t{4});
    // The same as cluster by cluster, by hand.
    const auto cluster = cluster_targets(z).clusters.front();
    const auto programs = programs_of(pca_permutation_test(select_columns(z, cluster), options.pca));
    QVERIFY(found.programs[0].components[0].up == programs[0].up);
    const report::Table genes = program_table(found), members = member_table(found),
                        clusters = cluster_table(found.z[0], found.clusters[0]);
    QCOMPARE(genes.rows(), programs[0].up.size() + programs[0].down.size());
    QCOMPARE(genes.columns[4].name, std::string("gene"));
    QCOMPARE(std::get<std::vector<std::string>>(genes.columns[4].values)[programs[0].up.size()], programs[0].down[0]);
    QCOMPARE(members.rows(), std::size_t{4});
    QCOMPARE(clusters.rows(), std::size_t{8});
    const auto& of = std::get<std::vector<std::string>>(clusters.columns[2].values);
    for (std::size_t r = 0; r < 8; ++r) QCOMPARE(of[r], std::string(r < 4 ? "cluster 1" : ""));
    const auto& nearest = std::get<std::vector<std::string>>(clusters.columns[3].values);
    for (std::size_t r = 0; r < 4; ++r) QVERIFY(nearest[r] < "T4");

    options.whole = true;
    const ProgramSearch whole = find_programs({z}, options);
    QCOMPARE(whole.programs[0].name, std::string("all"));
    QCOMPARE(whole.programs[0].members.size(), std::size_t{8});
    QVERIFY(whole.clusters.empty());
    // Several groups: what they share, or each by itself.
    const auto other = matrix(300, 8, 4, 6, 31, "b");
    QCOMPARE(find_programs({z, other}, {}).programs[0].name, std::string("program 1"));
    options.whole = false;
    options.each = true;
    QCOMPARE(find_programs({z, other}, options).programs[1].name, std::string("b cluster 1"));
  }
  void whatIsTooSmallForASearchIsSaid() {
    const ProgramSearch alone = find_programs({matrix(50, 1, 0, 0, 3)}, {});
    QVERIFY(alone.z.empty() && alone.programs.empty() && alone.notes.size() == 1);
    const ProgramSearch nothing = find_programs({matrix(300, 5, 0, 0, 4)}, {});
    QVERIFY(nothing.programs.empty());
    QVERIFY(nothing.notes.front().find("No two targets") != std::string::npos);
    QVERIFY_THROWS_EXCEPTION(Error, find_programs({matrix(2, 5, 0, 0, 4)}, {}));
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_THROWS_EXCEPTION(Cancelled, find_programs({matrix(300, 8, 4, 6, 31)}, {}, {stop.get_token(), {}}));
  }
};

QTEST_APPLESS_MAIN(TestPrograms)
#include "tst_programs.moc"
