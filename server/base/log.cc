#include "server/base/log.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>

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

}  // namespace

void StderrSink::Write(std::string_view line) {
  ssize_t written = -1;
  do {
    written = write(STDERR_FILENO, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
}

Logger::Logger(LogLevel level) : level_(level), sink_(stderr_), clock_(system_clock_) {}

Logger::Logger(LogLevel level, LogSink& sink, const Clock& clock)
    : level_(level), sink_(sink), clock_(clock) {}

void Logger::Log(LogLevel level, std::string_view event, Fields fields) {
  if (level < level_) return;
  const absl::Time now = clock_.Now();
  uint64_t suppressed = 0;
  if (level >= LogLevel::kWarning && !Admit(event, now, suppressed)) return;
  std::string line =
      StrCat("{\"time\":\"", absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", now, absl::UTCTimeZone()),
             "\",\"level\":\"", LevelName(level), "\",\"event\":");
  AppendText(line, event);
  for (const LogField& field : fields) AppendField(line, field);
  if (suppressed > 0) AppendField(line, {"suppressed", suppressed});
  line += "}\n";
  sink_.Write(line);
}

bool Logger::Admit(std::string_view event, absl::Time now, uint64_t& suppressed) {
  const int64_t second = absl::ToUnixSeconds(now);
  MutexLock lock(mutex_);
  auto it = windows_.find(event);
  if (it == windows_.end()) {
    // Beyond the limit all further names share one window, so that the table stays small.
    if (windows_.size() >= limits::kLogEventNamesMax) event = "";
    it = windows_.try_emplace(std::string(event)).first;
  }
  Window& window = it->second;
  if (window.second != second) {
    window.second = second;
    window.lines = 0;
  }
  if (window.lines == limits::kLogLinesPerSecondMax) {
    ++window.suppressed;
    return false;
  }
  ++window.lines;
  suppressed = window.suppressed;
  window.suppressed = 0;
  return true;
}

}  // namespace hookbridge
