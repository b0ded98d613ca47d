#include <QElapsedTimer>
#include <QSemaphore>
#include <QTest>
#include <atomic>
#include <thread>

#include "ui/jobs/interactive_pool.hpp"

using namespace scriptorium;
using namespace scriptorium::ui;

namespace {

/// Works until it is told to stop.
int workUntilStopped(const RunControl& control) {
  for (;;) {
    control.check();
    std::this_thread::yield();
  }
}

}  // namespace

class TestInteractivePool : public QObject {
  Q_OBJECT
 private slots:
  void answersOnTheThreadThatAsked() {
    InteractivePool pool(2);
    Qt::HANDLE worker = nullptr, window = nullptr;
    int result = 0;
    Answer<int> answer;
    answer.done = [&](int value) {
      result = value;
      window = QThread::currentThreadId();
    };
    pool.request<int>(
        "key", this,
        [&](const RunControl&) {
          worker = QThread::currentThreadId();
          return 42;
        },
        answer);
    QVERIFY(pool.busy("key"));
    QTRY_COMPARE_WITH_TIMEOUT(result, 42, 60'000);
    QVERIFY(worker != window);
    QCOMPARE(window, QThread::currentThreadId());
    QVERIFY(!pool.busy());
  }

  void theNewestRequestWins() {
    InteractivePool pool(2);
    QList<int> results;
    for (int i = 0; i < 20; ++i) {
      Answer<int> answer;
      answer.done = [&](int value) { results << value; };
      pool.request<int>(
          "page", this, [i](const RunControl&) { return i; }, answer);
    }
    QTRY_VERIFY_WITH_TIMEOUT(!pool.busy(), 60'000);
    QCOMPARE(results, QList<int>{19});
  }

  void cancelAnswersAtOnceAlsoBeforeTheStart() {
    InteractivePool pool(1);
    int cancelled = 0, done = 0;
    Answer<int> answer;
    answer.cancelled = [&] { ++cancelled; };
    answer.done = [&](int) { ++done; };
    pool.request<int>("first", this, workUntilStopped, answer);
    pool.request<int>(
        "second", this, [](const RunControl&) { return 1; }, answer);  // waits behind the first
    pool.cancel("second");
    QCOMPARE(cancelled, 1);
    pool.cancel("first");
    QCOMPARE(cancelled, 2);
    pool.request<int>(
        "third", this, [](const RunControl&) { return 1; }, answer);
    QTRY_COMPARE_WITH_TIMEOUT(done, 1, 60'000);
    QCOMPARE(cancelled, 2);
  }

  void errorsAreValues() {
    InteractivePool pool(1);
    JobError got;
    Answer<int> answer;
    answer.failed = [&](const JobError& error) { got = error; };
    pool.request<int>(
        "key", this, [](const RunControl&) -> int { throw Error(ErrorCode::BadInput, "X is broken.", "Mend it."); },
        answer);
    QTRY_COMPARE_WITH_TIMEOUT(got.message, QString("X is broken."), 60'000);
    QCOMPARE(got.remedy, QString("Mend it."));
    pool.request<int>(
        "key", this, [](const RunControl&) -> int { throw std::bad_alloc(); }, answer);
    QTRY_VERIFY_WITH_TIMEOUT(got.message.contains("memory"), 60'000);
  }

  void nobodyIsCalledAfterTheReceiverIsGone() {
    InteractivePool pool(1);
    bool called = false;
    auto receiver = std::make_unique<QObject>();
    Answer<int> answer;
    answer.done = [&](int) { called = true; };
    pool.request<int>(
        "key", receiver.get(), [](const RunControl&) { return 1; }, answer);
    receiver.reset();
    QTRY_VERIFY_WITH_TIMEOUT(!pool.busy(), 60'000);
    QVERIFY(!called);
  }

  void deletingWaitsForTheWorker() {
    std::atomic<bool> ended = false;
    QSemaphore begun;
    {
      InteractivePool pool(1);
      pool.request<int>(
          "key", this,
          [&](const RunControl& control) {
            begun.release();
            try {
              return workUntilStopped(control);
            } catch (...) {
              ended = true;
              throw;
            }
          },
          Answer<int>{});
      begun.acquire();
    }
    QVERIFY(ended);
  }

  void progressIsThrottled() {
    InteractivePool pool(1);
    int told = 0;
    bool done = false;
    QElapsedTimer since;
    since.start();
    Answer<int> answer;
    answer.progressed = [&](const Progress&) { ++told; };
    answer.done = [&](int) { done = true; };
    pool.request<int>(
        "key", this,
        [](const RunControl& control) {
          for (int i = 0; i < 200'000; ++i) control.tell(i / 200'000.0, "working");
          return 0;
        },
        answer);
    QTRY_VERIFY_WITH_TIMEOUT(done, 60'000);
    QVERIFY(told >= 1);
    QVERIFY(told <= 2 + since.elapsed() / 50);
  }
};

QTEST_MAIN(TestInteractivePool)
#include "tst_interactive_pool.moc"
