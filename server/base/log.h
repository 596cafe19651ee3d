#pragma once

#include "server/base/clock.h"
#include "server/base/mutex.h"

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <variant>

// Log lines: one JSON object each, for machines first. An event has a name and fields; names and
// keys are literals of the program. Never give a body, a signature or a secret as a value.
namespace hookbridge {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// One value beside its key. Views both: lives as long as the call it is an argument of.
class LogField {
 public:
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  template <typename T>
  LogField(std::string_view key, const T& value) : key_(key), value_(ToValue(value)) {}

  std::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  template <typename T>
  static Value ToValue(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value;
    } else if constexpr (std::is_floating_point_v<T>) {
      return static_cast<double>(value);
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      return static_cast<int64_t>(value);
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<uint64_t>(value);
    } else if constexpr (std::is_same_v<T, absl::string_view>) {
      return std::string_view(value.data(), value.size());
    } else {
      return std::string_view(value);
    }
  }

  std::string_view key_;
  Value value_;
};

// Where lines go. Threads: Write is called by one thread at a time, Abandon by any.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // `line` ends with a line feed. May block as long as whoever reads does not.
  virtual void Write(std::string_view line) = 0;
  // From now on Write does not wait; one that waits returns, its line lost.
  virtual void Abandon() {}
};

// Writes lines to stderr, those of at most PIPE_BUF bytes with one write(2). A line that cannot be
// written is lost.
class StderrSink final : public LogSink {
 public:
  void Write(std::string_view line) override;
  void Abandon() override { abandoned_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> abandoned_{false};
};

// Writes events at or above a level: {"time":…,"level":…,"event":…,fields}. Texts are cut at
// kLogValueBytesMax and invalid UTF-8 becomes U+FFFD. Of warnings and errors at most
// kLogLinesPerSecondMax a second are written for one event name with one value of the fields
// `source` and `reason`; the next one written has `suppressed`, the count of those that were not.
// So these two fields hold only what the program or its configuration has chosen.
//
// Lines wait in a queue of kLogQueueBytesMax for a thread that gives them to the sink. What does
// not fit is lost, and the next line that fits has `dropped`, the count. Ownership: owns the
// thread; sink and clock outlive it. Threads: thread-safe. Blocks: Flush and the destructor only.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // To stderr, by the machine's clock.
  explicit Logger(LogLevel level);
  Logger(LogLevel level, LogSink& sink, const Clock& clock);
  // Flushes for at most kLogFlushTimeout; the rest is lost.
  ~Logger();

  void Debug(std::string_view event, Fields fields) { Log(LogLevel::kDebug, event, fields); }
  void Info(std::string_view event, Fields fields) { Log(LogLevel::kInfo, event, fields); }
  void Warning(std::string_view event, Fields fields) { Log(LogLevel::kWarning, event, fields); }
  void Error(std::string_view event, Fields fields) { Log(LogLevel::kError, event, fields); }

  // Waits until the sink has had all lines so far and their like; false when `timeout` is over.
  bool Flush(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Lines of one event name, source and reason in a second.
  struct Window {
    absl::Duration begin;  // steady
    uint32_t lines = 0;
    uint64_t suppressed = 0;
  };

  void Log(LogLevel level, std::string_view event, Fields fields) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether the line may be written; then `suppressed` is how many before it were not.
  bool Admit(std::string key, uint64_t& suppressed) ABSL_LOCKS_EXCLUDED(mutex_);
  // Forgets the windows whose second is over, but at most once a second.
  void ForgetWindows(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `line` lacks its end, and tells of so many that were not written.
  void Enqueue(std::string line, uint64_t suppressed) ABSL_LOCKS_EXCLUDED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const LogLevel level_;
  StderrSink stderr_;
  SystemClock system_clock_;
  LogSink& sink_;
  const Clock& clock_;
  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, Window, std::less<>> windows_ ABSL_GUARDED_BY(mutex_);
  absl::Duration forgotten_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  std::deque<std::string> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queue_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread writer_;  // started last
};

}  // namespace hookbridge
