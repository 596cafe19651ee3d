#include "server/base/log.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cmath>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// RFC 8259 section 7. `text` is valid UTF-8.
void AppendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += HexEncode({&c, 1});
    } else {
      out += c;
    }
  }
}

void AppendText(std::string& out, std::string_view text) {
  const bool cut = text.size() > limits::kLogValueBytesMax;
  if (cut) {
    size_t end = limits::kLogValueBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text = text.substr(0, end);
  }
  out += '"';
  while (true) {
    const size_t valid = ValidUtf8PrefixBytes(text);
    AppendEscaped(out, text.substr(0, valid));
    if (valid == text.size()) break;
    out += kReplacement;
    text.remove_prefix(valid + 1);
  }
  if (cut) out += "…";
  out += '"';
}

struct AppendValue {
  std::string& out;

  void operator()(std::string_view text) const { AppendText(out, text); }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  // JSON has no infinity and no NaN.
  void operator()(double value) const {
    if (std::isfinite(value)) {
      StrAppend(&out, value);
    } else {
      out += "null";
    }
  }
  void operator()(int64_t value) const { StrAppend(&out, value); }
  void operator()(uint64_t value) const { StrAppend(&out, value); }
};

void AppendField(std::string& line, const LogField& field) {
  line += ',';
  AppendText(line, field.key());
  line += ':';
  std::visit(AppendValue{line}, field.value());
}

// What lines are counted together by.
std::string WindowKey(std::string_view event, Logger::Fields fields) {
  std::string source;
  std::string reason;
  for (const LogField& field : fields) {
    const auto* const text = std::get_if<std::string_view>(&field.value());
    if (text == nullptr) continue;
    if (field.key() == "source") source = text->substr(0, limits::kNameBytesMax);
    if (field.key() == "reason") reason = text->substr(0, limits::kNameBytesMax);
  }
  return StrCat(event, "\n", source, "\n", reason);
}

// Writes some of it without waiting where the kind of stderr allows that.
ssize_t WriteSome(std::string_view text) {
  const size_t count = std::min<size_t>(text.size(), PIPE_BUF);
  const ssize_t sent = send(STDERR_FILENO, text.data(), count, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  // A pipe that poll calls writable has room for PIPE_BUF bytes.
  return write(STDERR_FILENO, text.data(), count);
}

constexpr int kStderrWaitMs = 50;

}  // namespace

void StderrSink::Write(std::string_view line) {
  while (!line.empty()) {
    pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (poll(&ready, 1, kStderrWaitMs) <= 0) {
      if (abandoned_.load(std::memory_order_relaxed)) return;
      continue;
    }
    const ssize_t written = WriteSome(line);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) return;
    line.remove_prefix(static_cast<size_t>(written));
  }
}

Logger::Logger(LogLevel level)
    : level_(level), sink_(stderr_), clock_(system_clock_), writer_([this] { Run(); }) {}

Logger::Logger(LogLevel level, LogSink& sink, const Clock& clock)
    : level_(level), sink_(sink), clock_(clock), writer_([this] { Run(); }) {}

Logger::~Logger() {
  const bool is_written = Flush(limits::kLogFlushTimeout);
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (!is_written) sink_.Abandon();
  writer_.join();
}

void Logger::Log(LogLevel level, std::string_view event, Fields fields) {
  if (level < level_) return;
  uint64_t suppressed = 0;
  if (level >= LogLevel::kWarning && !Admit(WindowKey(event, fields), suppressed)) return;
  std::string line = StrCat(
      "{\"time\":\"", absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", clock_.Now(), absl::UTCTimeZone()),
      "\",\"level\":\"", LevelName(level), "\",\"event\":");
  AppendText(line, event);
  for (const LogField& field : fields) AppendField(line, field);
  if (suppressed > 0) AppendField(line, {"suppressed", suppressed});
  Enqueue(std::move(line), suppressed);
}

bool Logger::Admit(std::string key, uint64_t& suppressed) {
  const absl::Duration now = clock_.Steady();
  MutexLock lock(mutex_);
  auto it = windows_.find(key);
  if (it == windows_.end()) {
    if (windows_.size() >= limits::kLogWindowsMax) ForgetWindows(now);
    // Beyond the limit all others share one window, so that the table stays small.
    if (windows_.size() >= limits::kLogWindowsMax) key.clear();
    it = windows_.try_emplace(std::move(key), Window{.begin = now}).first;
  }
  Window& window = it->second;
  if (now - window.begin >= absl::Seconds(1)) {
    window.begin = now;
    window.lines = 0;
  }
  if (window.lines == limits::kLogLinesPerSecondMax) {
    ++window.suppressed;
    return false;
  }
  ++window.lines;
  suppressed = std::exchange(window.suppressed, 0);
  return true;
}

void Logger::ForgetWindows(absl::Duration now) {
  if (now - forgotten_at_ < absl::Seconds(1)) return;
  forgotten_at_ = now;
  uint64_t suppressed = 0;
  for (auto it = windows_.begin(); it != windows_.end();) {
    if (now - it->second.begin < absl::Seconds(1)) {
      ++it;
      continue;
    }
    suppressed += it->second.suppressed;
    it = windows_.erase(it);
  }
  // Told by the next line that has no window of its own.
  if (suppressed > 0) windows_[""].suppressed += suppressed;
}

void Logger::Enqueue(std::string line, uint64_t suppressed) {
  {
    MutexLock lock(mutex_);
    if (dropped_ > 0) AppendField(line, {"dropped", dropped_});
    line += "}\n";
    if (queue_bytes_ + line.size() > limits::kLogQueueBytesMax) {
      dropped_ += 1 + suppressed;
      return;
    }
    dropped_ = 0;
    queue_bytes_ += line.size();
    queue_.push_back(std::move(line));
  }
  changed_.NotifyAll();
}

bool Logger::Flush(absl::Duration timeout) {
  // Condition variables take no infinite time.
  const auto end = std::chrono::steady_clock::now() +
                   absl::ToChronoNanoseconds(std::min(timeout, absl::Hours(24)));
  MutexLock lock(mutex_);
  while (!queue_.empty() || writing_) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    changed_.WaitFor(mutex_, left);
  }
  return true;
}

void Logger::Run() {
  std::string line;
  while (true) {
    {
      MutexLock lock(mutex_);
      writing_ = false;
      if (queue_.empty() || stopping_) changed_.NotifyAll();
      while (queue_.empty() && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      line = std::move(queue_.front());
      queue_.pop_front();
      queue_bytes_ -= line.size();
      writing_ = true;
    }
    sink_.Write(line);
  }
}

}  // namespace hookbridge
