#pragma once

#include "server/base/clock.h"
#include "server/base/mutex.h"

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
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

// Where lines go. Threads: thread-safe.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // `line` ends with a line feed.
  virtual void Write(std::string_view line) = 0;
};

// Writes each line to stderr with one write(2), so that lines of threads do not mix. A line that
// cannot be written is lost.
class StderrSink final : public LogSink {
 public:
  void Write(std::string_view line) override;
};

// Writes events at or above a level: {"time":…,"level":…,"event":…,fields}. Texts are cut at
// kLogValueBytesMax and invalid UTF-8 becomes U+FFFD. Of warnings and errors at most
// kLogLinesPerSecondMax a second are written for one event name; the next one written has
// `suppressed`, the count of those that were not. Ownership: sink and clock outlive it. Threads:
// thread-safe. Blocks: as long as the sink's write.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // To stderr, by the machine's clock.
  explicit Logger(LogLevel level);
  Logger(LogLevel level, LogSink& sink, const Clock& clock);

  void Debug(std::string_view event, Fields fields) { Log(LogLevel::kDebug, event, fields); }
  void Info(std::string_view event, Fields fields) { Log(LogLevel::kInfo, event, fields); }
  void Warning(std::string_view event, Fields fields) { Log(LogLevel::kWarning, event, fields); }
  void Error(std::string_view event, Fields fields) { Log(LogLevel::kError, event, fields); }

 private:
  // Lines of one event name in the current second.
  struct Window {
    int64_t second = 0;
    uint32_t lines = 0;
    uint64_t suppressed = 0;
  };

  void Log(LogLevel level, std::string_view event, Fields fields);
  // Whether the line may be written; then `suppressed` is how many before it were not.
  bool Admit(std::string_view event, absl::Time now, uint64_t& suppressed);

  const LogLevel level_;
  StderrSink stderr_;
  SystemClock system_clock_;
  LogSink& sink_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Window, std::less<>> windows_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
