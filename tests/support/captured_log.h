#pragma once

#include "server/base/log.h"
#include "server/base/mutex.h"
#include "server/base/strings.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// A log that a test reads: what was logged before a look is in it. Threads: thread-safe.
class CapturedLog final : public LogSink {
 public:
  explicit CapturedLog(const Clock& clock) : logger_(LogLevel::kDebug, *this, clock) {}

  void Write(std::string_view line) override {
    MutexLock lock(mutex_);
    lines_.emplace_back(line);
  }
  Logger& logger() { return logger_; }

  // The lines of an event, oldest first.
  std::vector<std::string> Of(std::string_view event) ABSL_LOCKS_EXCLUDED(mutex_) {
    logger_.Flush(absl::Seconds(60));
    MutexLock lock(mutex_);
    std::vector<std::string> found;
    const std::string mark = StrCat("\"event\":\"", event, "\"");
    for (const std::string& line : lines_) {
      if (line.find(mark) != std::string::npos) found.push_back(line);
    }
    return found;
  }

 private:
  Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  Logger logger_;
};

}  // namespace hookbridge
