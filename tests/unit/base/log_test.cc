#include "server/base/log.h"

#include "server/base/limits.h"
#include "tests/support/fake_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace hookbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ListSink final : public LogSink {
 public:
  void Write(std::string_view line) override {
    MutexLock lock(mutex_);
    lines_.emplace_back(line);
  }
  std::vector<std::string> Take() {
    MutexLock lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

// A pipe that nobody reads, until told.
class StuckSink final : public LogSink {
 public:
  void Write(std::string_view line) override {
    MutexLock lock(mutex_);
    ++waiting_;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mutex_);
    --waiting_;
    if (!abandoned_) lines_.emplace_back(line);
  }
  void Abandon() override {
    MutexLock lock(mutex_);
    open_ = true;
    abandoned_ = true;
    changed_.NotifyAll();
  }
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  // Returns when a line waits in Write.
  void AwaitWrite() {
    MutexLock lock(mutex_);
    while (waiting_ == 0) changed_.Wait(mutex_);
  }
  std::vector<std::string> Take() {
    MutexLock lock(mutex_);
    return std::exchange(lines_, {});
  }
  bool abandoned() {
    MutexLock lock(mutex_);
    return abandoned_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

class LoggerTest : public testing::Test {
 protected:
  std::vector<std::string> Take() {
    EXPECT_TRUE(log_.Flush(absl::InfiniteDuration()));
    return sink_.Take();
  }

  ListSink sink_;
  FakeClock clock_{absl::FromUnixMicros(1'700'000'000'000'001)};
  Logger log_{LogLevel::kInfo, sink_, clock_};
};

// One whole line, byte for byte: programs read it.
TEST_F(LoggerTest, WritesOneJsonLine) {
  const std::string source = "po";
  log_.Info("webhook_accepted", {{"source", source},
                                 {"position", uint64_t{5}},
                                 {"delta", -3},
                                 {"ratio", 0.5},
                                 {"duplicate", false},
                                 {"view", absl::string_view("v")}});
  EXPECT_THAT(Take(),
              ElementsAre("{\"time\":\"2023-11-14T22:13:20.000001Z\",\"level\":\"info\","
                          "\"event\":\"webhook_accepted\",\"source\":\"po\",\"position\":5,"
                          "\"delta\":-3,\"ratio\":0.5,\"duplicate\":false,\"view\":\"v\"}\n"));
}

// A line holds no more than its fields.
TEST_F(LoggerTest, WritesNoFields) {
  log_.Info("stopped", {});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("\"event\":\"stopped\"}\n")));
}

// Below the level nothing is written, at it everything.
TEST_F(LoggerTest, KeepsItsLevel) {
  log_.Debug("a", {});
  EXPECT_THAT(Take(), IsEmpty());
  log_.Info("b", {});
  log_.Warning("c", {});
  log_.Error("d", {});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("info"), HasSubstr("warning"), HasSubstr("error")));
}

// What a sender chose cannot end a line, forge a field or break the encoding.
TEST_F(LoggerTest, EscapesValues) {
  log_.Info("e", {{"v", std::string_view("a\"b\\c\nd\x01\x7f\0e", 11)}});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr(R"("v":"a\"b\\c\nd\u0001\u007f\u0000e")")));
  log_.Info("e", {{"v", "x\xff\xc3y\xc3\xa9"}});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("\"x\xef\xbf\xbd\xef\xbf\xbdy\xc3\xa9\"")));
}

// JSON has no such numbers.
TEST_F(LoggerTest, WritesNullForInfinity) {
  log_.Info("e", {{"v", std::numeric_limits<double>::infinity()}});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("\"v\":null}")));
}

// Long values are cut beyond the limit, and never inside a character.
TEST_F(LoggerTest, CutsLongValues) {
  const std::string at_limit(limits::kLogValueBytesMax, 'x');
  log_.Info("e", {{"v", at_limit}});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("\"" + at_limit + "\"}")));
  log_.Info("e", {{"v", at_limit + "y"}});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("\"" + at_limit + "…\"}")));
  const std::string short_of(limits::kLogValueBytesMax - 1, 'x');
  log_.Info("e", {{"v", short_of + "\xc3\xa9"}});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("\"" + short_of + "…\"}")));
}

// A flood of refusals costs ten lines a second and tells its size afterwards.
TEST_F(LoggerTest, LimitsRepeatedWarnings) {
  for (uint32_t i = 0; i < limits::kLogLinesPerSecondMax + 7; ++i) log_.Warning("refused", {});
  EXPECT_THAT(Take(), SizeIs(limits::kLogLinesPerSecondMax));
  log_.Warning("other", {});
  EXPECT_THAT(Take(), ElementsAre(Not(HasSubstr("suppressed"))));
  clock_.Advance(absl::Seconds(1));
  log_.Warning("refused", {});
  log_.Warning("refused", {});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("\"suppressed\":7}"), Not(HasSubstr("suppressed"))));
}

// The operator asked for one line a webhook with `log.requests`; informative lines have no limit.
TEST_F(LoggerTest, DoesNotLimitInfo) {
  for (int i = 0; i < 100; ++i) log_.Info("webhook_accepted", {});
  EXPECT_THAT(Take(), SizeIs(100));
}

// A flood of one source or reason does not hide the first refusal of another.
TEST_F(LoggerTest, CountsLinesBySourceAndReason) {
  const auto refuse = [this](const char* source, const char* reason) {
    log_.Warning("refused", {{"source", source}, {"reason", reason}, {"detail", "d"}});
  };
  for (uint32_t i = 0; i < 2 * limits::kLogLinesPerSecondMax; ++i) refuse("a", "x");
  EXPECT_THAT(Take(), SizeIs(limits::kLogLinesPerSecondMax));
  refuse("b", "x");
  refuse("a", "y");
  log_.Warning("other", {{"source", "a"}, {"reason", "x"}});
  EXPECT_THAT(Take(), SizeIs(3));
}

// Setting the wall clock neither opens a window nor keeps one open.
TEST_F(LoggerTest, WindowsFollowTheSteadyClock) {
  for (uint32_t i = 0; i < limits::kLogLinesPerSecondMax; ++i) log_.Warning("refused", {});
  clock_.Step(absl::Hours(1));
  log_.Warning("refused", {});
  EXPECT_THAT(Take(), SizeIs(limits::kLogLinesPerSecondMax));
  clock_.Step(-absl::Hours(2));
  clock_.Advance(absl::Seconds(1));
  log_.Warning("refused", {});
  EXPECT_THAT(Take(), ElementsAre(HasSubstr("\"suppressed\":1}")));
}

// The table of windows cannot grow without bound, and those whose second is over make room.
TEST_F(LoggerTest, SharesOneWindowBeyondTheLimit) {
  const auto warn = [this](size_t i) { log_.Warning("refused", {{"source", std::to_string(i)}}); };
  constexpr size_t kMore = 50;
  static_assert(kMore > limits::kLogLinesPerSecondMax);
  for (size_t i = 0; i < limits::kLogWindowsMax + kMore; ++i) warn(i);
  EXPECT_THAT(Take(), SizeIs(limits::kLogWindowsMax + limits::kLogLinesPerSecondMax));
  clock_.Advance(absl::Seconds(1));
  for (size_t i = 0; i < kMore; ++i) warn(limits::kLogWindowsMax + i);
  EXPECT_THAT(Take(), SizeIs(kMore));
}

// Who logs does not wait for who reads; what does not fit is counted in the next line that does.
TEST(StuckLogTest, KeepsItsBoundAndTellsWhatIsDropped) {
  StuckSink sink;
  FakeClock clock;
  Logger log(LogLevel::kInfo, sink, clock);
  log.Info("first", {});
  sink.AwaitWrite();  // it is out of the queue
  const std::string value(400, 'x');
  const auto fill = [&] { log.Info("fill", {{"v", value}}); };
  size_t line_bytes = 0;
  {
    ListSink list;
    Logger measure(LogLevel::kInfo, list, clock);
    measure.Info("fill", {{"v", value}});
    ASSERT_TRUE(measure.Flush(absl::InfiniteDuration()));
    line_bytes = list.Take().front().size();
  }
  const size_t fit = limits::kLogQueueBytesMax / line_bytes;
  for (size_t i = 0; i < fit; ++i) fill();
  // What is left of the limit, to the byte; then one more of any size.
  const size_t left = limits::kLogQueueBytesMax - fit * line_bytes;
  const size_t bare = line_bytes - value.size();
  ASSERT_GT(left, bare) << "choose another size of `value`";
  log.Info("fill", {{"v", std::string(left - bare, 'x')}});
  log.Info("over", {});
  log.Info("over", {});
  sink.Open();
  ASSERT_TRUE(log.Flush(absl::InfiniteDuration()));
  log.Info("last", {});
  ASSERT_TRUE(log.Flush(absl::InfiniteDuration()));
  const std::vector<std::string> lines = sink.Take();
  ASSERT_THAT(lines, SizeIs(1 + fit + 1 + 1));
  EXPECT_THAT(lines.back(), HasSubstr("\"event\":\"last\",\"dropped\":2}"));
}

// The end of the program waits for the reader, but for a bounded time.
TEST(StuckLogTest, TheEndGivesUp) {
  StuckSink sink;
  FakeClock clock;
  {
    Logger log(LogLevel::kInfo, sink, clock);
    log.Info("lost", {});
    sink.AwaitWrite();
    EXPECT_FALSE(log.Flush(absl::ZeroDuration()));
  }
  EXPECT_TRUE(sink.abandoned());
  EXPECT_THAT(sink.Take(), IsEmpty());
}

// What was logged last is there when the program ends.
TEST(StuckLogTest, TheEndWritesWhatWaits) {
  ListSink sink;
  FakeClock clock;
  {
    Logger log(LogLevel::kInfo, sink, clock);
    for (int i = 0; i < 1'000; ++i) log.Info("line", {{"i", i}});
  }
  EXPECT_THAT(sink.Take(), SizeIs(1'000));
}

// Threads may log at once; every line arrives whole.
TEST_F(LoggerTest, IsThreadSafe) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 200; ++i) {
        log_.Info("info", {{"i", i}});
        log_.Error("error", {{"i", i}});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Take(), SizeIs(800 + limits::kLogLinesPerSecondMax));
}

}  // namespace
}  // namespace hookbridge
