#pragma once

#include "server/base/log.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace hookbridge::rocks {

// RocksDB's own log: warnings and errors become lines of ours (event `rocksdb`, rate limited as all
// are), the rest is dropped. RocksDB's default writes a file into the journal's directory, and
// aborts the process when a full disk cuts it short. Threads: thread-safe.
class InfoLog final : public rocksdb::Logger {
 public:
  // `log` may be null: then all is dropped. It outlives the database.
  explicit InfoLog(hookbridge::Logger* log)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), log_(log) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
  }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (log_ == nullptr || level < rocksdb::InfoLogLevel::WARN_LEVEL ||
        level == rocksdb::InfoLogLevel::HEADER_LEVEL) {
      return;
    }
    std::array<char, 1024> text{};
    const int bytes = std::vsnprintf(text.data(), text.size(), format, arguments);
    if (bytes <= 0) return;
    const std::string_view line(text.data(), std::min(static_cast<size_t>(bytes), text.size() - 1));
    log_->Warning("rocksdb", {{"detail", line.substr(0, line.find_last_not_of('\n') + 1)}});
  }

 protected:
  rocksdb::Status CloseImpl() override { return rocksdb::Status::OK(); }

 private:
  hookbridge::Logger* const log_;
};

}  // namespace hookbridge::rocks
