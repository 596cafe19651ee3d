#pragma once

#include "absl/status/status.h"
#include <rocksdb/file_system.h>
#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace hookbridge::rocks {

// RocksDB's files in a journal's directory: none is made, opened for writing or renamed unless
// `check` says that the directory is still the journal's, and every new one is this user's alone.
// Threads: thread-safe, as far as `check` is.
class GuardedFiles final : public rocksdb::FileSystemWrapper {
 public:
  GuardedFiles(std::shared_ptr<rocksdb::FileSystem> files, std::function<absl::Status()> check)
      : FileSystemWrapper(std::move(files)), check_(std::move(check)) {}
  const char* Name() const override { return "hookbridge.GuardedFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    return Guarded(name,
                   [&] { return FileSystemWrapper::NewWritableFile(name, options, file, debug); });
  }
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override {
    return Guarded(
        name, [&] { return FileSystemWrapper::ReopenWritableFile(name, options, file, debug); });
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    return Guarded(to, [&] { return FileSystemWrapper::RenameFile(from, to, options, debug); });
  }
  rocksdb::IOStatus LockFile(const std::string& name, const rocksdb::IOOptions& options,
                             rocksdb::FileLock** lock, rocksdb::IODebugContext* debug) override {
    return Guarded(name, [&] { return FileSystemWrapper::LockFile(name, options, lock, debug); });
  }
  rocksdb::IOStatus CreateDirIfMissing(const std::string& name, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override {
    if (rocksdb::IOStatus status = Check(); !status.ok()) return status;
    return FileSystemWrapper::CreateDirIfMissing(name, options, debug);
  }

 private:
  rocksdb::IOStatus Check() const {
    if (check_ == nullptr) return rocksdb::IOStatus::OK();
    const absl::Status status = check_();
    if (status.ok()) return rocksdb::IOStatus::OK();
    return rocksdb::IOStatus::IOError(std::string(status.message()));
  }
  template <typename Make>
  rocksdb::IOStatus Guarded(const std::string& name, const Make& make) const {
    if (rocksdb::IOStatus status = Check(); !status.ok()) return status;
    rocksdb::IOStatus status = make();
    // A file system without modes has none to set.
    if (status.ok()) static_cast<void>(chmod(name.c_str(), S_IRUSR | S_IWUSR));
    return status;
  }

  const std::function<absl::Status()> check_;
};

}  // namespace hookbridge::rocks
