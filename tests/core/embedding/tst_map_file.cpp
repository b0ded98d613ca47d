#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>
#include <atomic>
#include <thread>

#include "core/embedding/map_file.hpp"
#include "core/error.hpp"

using namespace scriptorium::embedding;

class TestMapFile : public QObject {
  Q_OBJECT
 private slots:
  void mapsComeBackForTheSameDataAndOptions() {
    QTemporaryDir dir;
    const std::string folder = dir.filePath("maps").toStdString();
    const EmbedOptions options;
    const std::string key = map_key("data", options);
    QVERIFY(!kept_map(folder, key, 2));
    keep_map(folder, key, {"umap", 2, {0.1, 2, -3, 1e-300}});
    const auto found = kept_map(folder, key, 2);
    QVERIFY(found && found->dims == 2 && found->name == "umap");
    QCOMPARE(found->values, (std::vector<double>{0.1, 2, -3, 1e-300}));
    QVERIFY(!kept_map(folder, key, 3));  // of other cells
    QVERIFY(!kept_map(folder, map_key("other data", options), 2));
  }

  void everyOptionThatCountsIsInTheKey() {
    const auto key = [](auto change) {
      EmbedOptions options;
      change(options);
      return map_key("data", options);
    };
    const std::string same = key([](EmbedOptions&) {});
    QCOMPARE(key([](EmbedOptions& o) { o.pca.threads = 3; }), same);
    QCOMPARE(key([](EmbedOptions& o) { o.perplexity = 3; }), same);  // of t-SNE
    for (const auto& other :
         {key([](EmbedOptions& o) { o.method = Method::Pca; }), key([](EmbedOptions& o) { o.pca.seed = 1; }),
          key([](EmbedOptions& o) { o.pca.scale = true; }), key([](EmbedOptions& o) { o.pca.highly_variable = 0; }),
          key([](EmbedOptions& o) { o.neighbours = 7; }), key([](EmbedOptions& o) { o.min_dist = 0.2; })})
      QVERIFY(other != same);
    QVERIFY(key([](EmbedOptions& o) { o.method = Method::Tsne; }) != key([](EmbedOptions& o) {
              o.method = Method::Tsne;
              o.perplexity = 3;
            }));
  }

  /// Workers write and read at the same time.
  void everyThreadHasItsOwnFile() {
    QTemporaryDir dir;
    const std::string folder = dir.path().toStdString();
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 40; ++i) try {
            const std::string key = std::to_string(t);
            const std::vector<double> values(static_cast<std::size_t>(200 + t), t + 0.001 * i);
            keep_map(folder, key, {"pca", 1, values});
            const auto found = kept_map(folder, key, 200 + t);
            wrong += !found || found->values != values;
          } catch (const scriptorium::Error&) {
            ++wrong;
          }
      });
    for (std::thread& thread : threads) thread.join();
    QCOMPARE(wrong.load(), 0);
  }

  void damagedFilesAreNoMapsAndOldOnesGo() {
    QTemporaryDir dir;
    const std::string folder = dir.path().toStdString();
    keep_map(folder, "a", {"pca", 1, {1, 2}});
    QFile file(dir.filePath(QDir(dir.path()).entryList({"*.map"}).value(0)));
    QVERIFY(file.open(QIODevice::ReadWrite) && file.resize(file.size() - 9));
    file.close();
    QVERIFY(!kept_map(folder, "a", 2));
    for (const char* key : {"b", "c", "d"}) keep_map(folder, key, {"pca", 1, {1, 2}}, 2);
    QCOMPARE(QDir(dir.path()).entryList({"*.map"}).size(), qsizetype{2});
    QVERIFY(kept_map(folder, "d", 2));
  }
};

QTEST_GUILESS_MAIN(TestMapFile)
#include "tst_map_file.moc"
