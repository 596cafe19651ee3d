#include "server/base/log.h"

#include "server/base/limits.h"

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

class HandClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_ = absl::FromUnixMicros(1'700'000'000'000'001);
};

class LoggerTest : public testing::Test {
 protected:
  ListSink sink_;
  HandClock clock_;
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
  EXPECT_THAT(sink_.Take(),
              ElementsAre("{\"time\":\"2023-11-14T22:13:20.000001Z\",\"level\":\"info\","
                          "\"event\":\"webhook_accepted\",\"source\":\"po\",\"position\":5,"
                          "\"delta\":-3,\"ratio\":0.5,\"duplicate\":false,\"view\":\"v\"}\n"));
}

// A line holds no more than its fields.
TEST_F(LoggerTest, WritesNoFields) {
  log_.Info("stopped", {});
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("\"event\":\"stopped\"}\n")));
}

// Below the level nothing is written, at it everything.
TEST_F(LoggerTest, KeepsItsLevel) {
  log_.Debug("a", {});
  EXPECT_THAT(sink_.Take(), IsEmpty());
  log_.Info("b", {});
  log_.Warning("c", {});
  log_.Error("d", {});
  EXPECT_THAT(sink_.Take(),
              ElementsAre(HasSubstr("info"), HasSubstr("warning"), HasSubstr("error")));
}

// What a sender chose cannot end a line, forge a field or break the encoding.
TEST_F(LoggerTest, EscapesValues) {
  log_.Info("e", {{"v", std::string_view("a\"b\\c\nd\x01\x7f\0e", 11)}});
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr(R"("v":"a\"b\\c\nd\u0001\u007f\u0000e")")));
  log_.Info("e", {{"v", "x\xff\xc3y\xc3\xa9"}});
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("\"x\xef\xbf\xbd\xef\xbf\xbdy\xc3\xa9\"")));
}

// JSON has no such numbers.
TEST_F(LoggerTest, WritesNullForInfinity) {
  log_.Info("e", {{"v", std::numeric_limits<double>::infinity()}});
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("\"v\":null}")));
}

// Long values are cut beyond the limit, and never inside a character.
TEST_F(LoggerTest, CutsLongValues) {
  const std::string at_limit(limits::kLogValueBytesMax, 'x');
  log_.Info("e", {{"v", at_limit}});
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("\"" + at_limit + "\"}")));
  log_.Info("e", {{"v", at_limit + "y"}});
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("\"" + at_limit + "…\"}")));
  const std::string short_of(limits::kLogValueBytesMax - 1, 'x');
  log_.Info("e", {{"v", short_of + "\xc3\xa9"}});
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("\"" + short_of + "…\"}")));
}

// A flood of refusals costs ten lines a second and tells its size afterwards.
TEST_F(LoggerTest, LimitsRepeatedWarnings) {
  for (uint32_t i = 0; i < limits::kLogLinesPerSecondMax + 7; ++i) log_.Warning("refused", {});
  EXPECT_THAT(sink_.Take(), SizeIs(limits::kLogLinesPerSecondMax));
  log_.Warning("other", {});
  EXPECT_THAT(sink_.Take(), ElementsAre(Not(HasSubstr("suppressed"))));
  clock_.Advance(absl::Seconds(1));
  log_.Warning("refused", {});
  log_.Warning("refused", {});
  EXPECT_THAT(sink_.Take(),
              ElementsAre(HasSubstr("\"suppressed\":7}"), Not(HasSubstr("suppressed"))));
}

// The operator asked for one line a webhook with `log.requests`; informative lines have no limit.
TEST_F(LoggerTest, DoesNotLimitInfo) {
  for (int i = 0; i < 100; ++i) log_.Info("webhook_accepted", {});
  EXPECT_THAT(sink_.Take(), SizeIs(100));
}

// The table of names cannot grow without bound.
TEST_F(LoggerTest, SharesOneWindowBeyondTheNames) {
  for (size_t i = 0; i < limits::kLogEventNamesMax + 50; ++i) {
    log_.Warning("name" + std::to_string(i), {});
  }
  EXPECT_THAT(sink_.Take(), SizeIs(limits::kLogEventNamesMax + limits::kLogLinesPerSecondMax));
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
  EXPECT_THAT(sink_.Take(), SizeIs(800 + limits::kLogLinesPerSecondMax));
}

}  // namespace
}  // namespace hookbridge
