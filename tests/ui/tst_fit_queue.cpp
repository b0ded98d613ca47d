#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "core/data/identity.hpp"
#include "core/data/open.hpp"
#include "core/summary/count_summary.hpp"
#include "ui/jobs/fit_queue.hpp"

using namespace scriptorium;
using namespace scriptorium::ui;

namespace {

/// The bundled example, prepared once.
std::shared_ptr<const PreparedData> example() {
  static const std::shared_ptr<const PreparedData> data = [] {
    auto made = std::make_shared<PreparedData>();
    made->choice.path = SCRIPTORIUM_TEST_DATA "/../resources/example/pbmc_example.h5ad";
    auto dataset = std::make_shared<const data::Dataset>(data::open(made->choice.path.toStdString(), {}, {}));
    made->dataset = dataset;
    made->choice.layer = QString::fromStdString(dataset->layer);
    made->summary = std::make_shared<const summary::CountSummary>(summary::summarise(dataset->counts, 1, {}));
    made->id = data::data_identity(*dataset);
    return made;
  }();
  return data;
}

FitRequest quick(const QString& name) {
  FitRequest request{name, {}, {}, example(), {}};
  request.model.likelihood = "nbdm";
  return request;
}

FitRequest endless(const QString& name) {
  FitRequest request = quick(name);
  request.options.method = inference::Method::Svi;
  request.options.svi.steps = 50'000'000;
  return request;
}

}  // namespace

class TestFitQueue : public QObject {
  Q_OBJECT
 private slots:
  void twoFitsRunOneAfterTheOther() {
    QTemporaryDir folder;
    FitQueue queue(folder.path());
    QSignalSpy finished(&queue, &FitQueue::fitFinished);
    const int a = queue.add(quick("a")), b = queue.add(quick("b"));
    QCOMPARE(queue.running()->id, a);
    QCOMPARE(queue.find(b)->state, FitState::Waiting);
    QTRY_COMPARE_WITH_TIMEOUT(finished.count(), 2, 60'000);
    QCOMPARE(finished[0][0].toInt(), a);
    for (const int id : {a, b}) {
      const FitItem& item = *queue.find(id);
      QCOMPARE(item.state, FitState::Done);
      QVERIFY(item.fit && item.fit->result.convergence.converged);
      QVERIFY(!item.trace.empty());
      QVERIFY(QFile::exists(item.fit_path));
      QCOMPARE(result::load_fit(item.fit_path.toStdString()).data_id, example()->id);
    }
    QCOMPARE(queue.find(a)->fit->result.loss, queue.find(b)->fit->result.loss);  // same seed, same bits
  }

  void cancelBeforeTheStartAndWhileRunning() {
    QTemporaryDir folder;
    FitQueue queue(folder.path());
    const int a = queue.add(endless("a")), b = queue.add(quick("b"));
    queue.cancel(b);
    QCOMPARE(queue.find(b)->state, FitState::Cancelled);
    QTRY_VERIFY_WITH_TIMEOUT(!queue.find(a)->trace.empty(), 60'000);
    queue.cancel(a);
    QCOMPARE(queue.find(a)->state, FitState::Cancelled);  // at once
    QTRY_VERIFY_WITH_TIMEOUT(!queue.running(), 60'000);
    QVERIFY(!queue.find(a)->fit && !queue.find(b)->fit);
  }

  void aFailedOneDoesNotStopTheRest() {
    QTemporaryDir folder;
    FitQueue queue(folder.path());
    FitRequest bad = quick("bad");
    bad.model.priors["r"] = {model::Law::LogNormal, 0, -1};  // outside its domain
    const int a = queue.add(bad), b = queue.add(quick("b"));
    QTRY_COMPARE_WITH_TIMEOUT(queue.find(b)->state, FitState::Done, 60'000);
    QCOMPARE(queue.find(a)->state, FitState::Failed);
    QVERIFY(!queue.find(a)->error.message.isEmpty());
    QVERIFY(queue.find(a)->log.join('\n').contains(queue.find(a)->error.message));
  }

  void stopAndKeepGivesAPartialResult() {
    QTemporaryDir folder;
    FitQueue queue(folder.path());
    const int a = queue.add(endless("a"));
    QTRY_VERIFY_WITH_TIMEOUT(queue.find(a)->trace.size() > 3, 60'000);
    queue.stopAndKeep(a);
    QTRY_COMPARE_WITH_TIMEOUT(queue.find(a)->state, FitState::Kept, 60'000);
    QVERIFY(queue.find(a)->fit->result.convergence.stopped_early);
    QVERIFY(QFile::exists(queue.find(a)->fit_path));
    QVERIFY(queue.find(a)->resumable());  // it is no end: the checkpoint stays, for one to go on
    const auto reached = queue.find(a)->trace.back().iteration;
    const int b = queue.resume(a);
    QVERIFY(!queue.find(a)->resumable());
    QTRY_VERIFY_WITH_TIMEOUT(!queue.find(b)->trace.empty() && queue.find(b)->trace.back().iteration > reached, 60'000);
    queue.remove(a);
    queue.cancel(b);
    QTRY_VERIFY_WITH_TIMEOUT(queue.find(b)->resumable(), 60'000);
  }

  void aCancelledFitGoesOnFromItsCheckpoint() {
    QTemporaryDir folder;
    FitQueue queue(folder.path());
    const int a = queue.add(endless("a"));
    QTRY_VERIFY_WITH_TIMEOUT(queue.find(a)->trace.size() > 3, 60'000);
    queue.cancel(a);
    QTRY_VERIFY_WITH_TIMEOUT(queue.find(a)->resumable(), 60'000);
    const auto left = FitQueue::leftBehind(folder.path());
    QCOMPARE(left.size(), 1);
    QFile request(left[0].first);
    QVERIFY(request.open(QIODevice::ReadOnly));
    const StoredRequest stored = requestFromJson(request.readAll());
    QCOMPARE(stored.request.model, quick("a").model);
    QCOMPARE(stored.request.options.svi.steps, std::int64_t{50'000'000});
    QCOMPARE(stored.data.path, example()->choice.path);
    const auto reached = queue.find(a)->trace.back().iteration;
    const int b = queue.resume(a);
    QTRY_VERIFY_WITH_TIMEOUT(!queue.find(b)->trace.empty() && queue.find(b)->trace.back().iteration > reached, 60'000);
    queue.cancel(b);
    QTRY_VERIFY_WITH_TIMEOUT(!queue.running(), 60'000);
  }

  void waitingOnesCanBeReordered() {
    QTemporaryDir folder;
    FitQueue queue(folder.path());
    const int a = queue.add(endless("a")), b = queue.add(quick("b")), c = queue.add(quick("c"));
    queue.move(c, -1);
    QCOMPARE(queue.items()[1]->id, c);
    QCOMPARE(queue.items()[2]->id, b);
    queue.move(c, -1);  // never before the running one
    QCOMPARE(queue.items()[0]->id, a);
    queue.remove(b);
    QVERIFY(!queue.find(b));
  }  // deleting the queue stops the running fit and waits for it

  void aResultThatCannotBeSavedIsNotLost() {
    QTemporaryDir folder;
    QFile file(folder.filePath("taken"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.close();
    FitQueue queue(folder.filePath("taken"));  // a file where a folder is needed
    const int a = queue.add(quick("a"));
    QTRY_COMPARE_WITH_TIMEOUT(queue.find(a)->state, FitState::Done, 60'000);
    QVERIFY(queue.find(a)->fit);
    QVERIFY(!queue.find(a)->error.message.isEmpty());
  }
};

QTEST_MAIN(TestFitQueue)
#include "tst_fit_queue.moc"
