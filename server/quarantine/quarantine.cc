#include "server/quarantine/quarantine.h"

#include "server/base/strings.h"
#include "server/quarantine/internal/record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSequenceEnd = 1'000'000;
constexpr std::string_view kUnfinished = ".new";

std::string ErrnoText() { return std::generic_category().message(errno); }

}  // namespace

Quarantine::Quarantine(QuarantineOptions options, const Clock& clock, Logger& log)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      rate_(options_.requests_per_second_max) {}

absl::StatusOr<std::unique_ptr<Quarantine>> Quarantine::Open(QuarantineOptions options,
                                                             const Clock& clock, Logger& log) {
  std::error_code error;
  fs::create_directories(options.directory, error);
  if (!error) fs::permissions(options.directory, fs::perms::owner_all, error);
  if (!error && access(options.directory.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (error) {
    return absl::UnavailableError(
        StrCat("quarantine.directory ", options.directory, ": ", error.message()));
  }
  std::unique_ptr<Quarantine> quarantine(new Quarantine(std::move(options), clock, log));
  quarantine->ReadDirectory();
  quarantine->writer_ = std::thread([&opened = *quarantine] { opened.Run(); });
  return quarantine;
}

void Quarantine::ReadDirectory() {
  std::vector<internal::KeptRequest> found;
  std::error_code error;
  for (fs::directory_iterator at(options_.directory, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::string_view finished = name;
    if (finished.ends_with(kUnfinished)) finished.remove_suffix(kUnfinished.size());
    auto kept = internal::ParseFileName(finished);
    if (!kept) continue;
    if (finished.size() < name.size()) {
      RemoveFiles({name});
      continue;
    }
    std::error_code unknown;
    const uintmax_t bytes = at->file_size(unknown);
    if (unknown) continue;
    kept->bytes = internal::BytesOnDisk(bytes);
    admin::v1::QuarantinedRequest record;
    if (kept->source.empty() && internal::ReadRecord(PathTo(name), record)) {
      kept->source = record.rejection().source();
    }
    found.push_back(*std::move(kept));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<std::string> excess;
  {
    MutexLock lock(mutex_);
    for (internal::KeptRequest& kept : found) index_.Add(std::move(kept));
    excess = index_.TakeExcess(options_.bytes_max, options_.files_max);
  }
  RemoveFiles(excess);
  RemoveOld();
}

Quarantine::~Quarantine() { Stop(); }

void Quarantine::Stop() {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    stop_at_ = clock_.Steady() + limits::kQuarantineStopTimeout;
    stopping_ = true;
  }
  changed_.NotifyAll();
  writer_.join();
  size_t left = 0;
  {
    MutexLock lock(mutex_);
    left = waiting_.size();
    waiting_.clear();
  }
  changed_.NotifyAll();
  if (left == 0) return;
  skipped_.fetch_add(left, std::memory_order_relaxed);
  log_.Warning("quarantine_stopped", {{"not_written", left}});
}

bool Quarantine::Keep(const WebhookRequest& request, Reason reason, std::string_view detail) {
  const std::string_view why = Enqueue(request, reason, detail);
  if (why.empty()) return true;
  NoteSkipped(request.source, request.request_id, why);
  return false;
}

std::string_view Quarantine::Enqueue(const WebhookRequest& request, Reason reason,
                                     std::string_view detail) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return "the bridge stops";
    if (!rate_.Take(request.source, clock_.Steady())) return "too many in this second";
  }
  File file;
  file.bytes = internal::ToRecord(request, reason, detail).SerializeAsString();
  file.kept.request_id = request.request_id;
  file.kept.source = request.source;
  file.kept.time = request.receive_time;
  file.kept.bytes = internal::BytesOnDisk(file.bytes.size());
  {
    MutexLock lock(mutex_);
    if (waiting_bytes_ + file.bytes.size() > limits::kQuarantineWaitingBytesMax) {
      return "too much waits to be written";
    }
    // Names sort as the requests came, also within a millisecond.
    sequence_ = (sequence_ + 1) % kSequenceEnd;
    file.kept.name =
        internal::FileName(request.receive_time, sequence_, request.request_id, request.source);
    waiting_bytes_ += file.bytes.size();
    waiting_.push_back(std::move(file));
  }
  changed_.NotifyAll();
  return "";
}

void Quarantine::NoteSkipped(std::string_view source, std::string_view request_id,
                             std::string_view why) {
  skipped_.fetch_add(1, std::memory_order_relaxed);
  log_.Warning("quarantine_skipped",
               {{"source", source}, {"detail", why}, {"request_id", request_id}});
}

void Quarantine::Flush() {
  MutexLock lock(mutex_);
  while (!waiting_.empty() || writing_) changed_.Wait(mutex_);
}

void Quarantine::Run() {
  File file;
  while (true) {
    const bool is_file = Next(file);
    RemoveOld();
    if (is_file) Store(std::move(file));
    {
      MutexLock lock(mutex_);
      writing_ = false;
      if (stopping_ && (waiting_.empty() || clock_.Steady() >= stop_at_)) return;
    }
    changed_.NotifyAll();
  }
}

bool Quarantine::Next(File& file) {
  MutexLock lock(mutex_);
  while (waiting_.empty() && !stopping_) {
    if (!changed_.WaitFor(mutex_, absl::ToChronoMilliseconds(options_.sweep_interval))) break;
  }
  if (waiting_.empty()) return false;
  file = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= file.bytes.size();
  writing_ = true;
  return true;
}

void Quarantine::Store(File file) {
  std::vector<std::string> excess;
  bool fits = true;
  {
    MutexLock lock(mutex_);
    index_.Add(file.kept);
    excess = index_.TakeExcess(options_.bytes_max, options_.files_max);
    fits = !index_.NameOf(file.kept.request_id).empty();
  }
  RemoveFiles(excess);
  const std::string problem = fits ? Write(file) : "larger than quarantine.bytes_max";
  if (problem.empty()) return;
  {
    MutexLock lock(mutex_);
    index_.Remove(file.kept.request_id);
  }
  NoteSkipped(file.kept.source, file.kept.request_id, problem);
}

std::string Quarantine::Write(const File& file) const {
  const std::string path = PathTo(file.kept.name);
  const std::string unfinished = StrCat(path, kUnfinished);
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoText();
  std::string problem;
  size_t written = 0;
  while (written < file.bytes.size()) {
    const ssize_t some = write(fd, file.bytes.data() + written, file.bytes.size() - written);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) {
      problem = some < 0 ? ErrnoText() : "nothing was written";
      break;
    }
    written += static_cast<size_t>(some);
  }
  close(fd);
  std::error_code error;
  if (problem.empty()) {
    fs::rename(unfinished, path, error);
    if (error) problem = error.message();
  }
  if (!problem.empty()) fs::remove(unfinished, error);
  return problem;
}

void Quarantine::RemoveOld() {
  std::vector<std::string> old;
  const absl::Time limit = clock_.Now() - options_.max_age;
  {
    MutexLock lock(mutex_);
    old = index_.TakeOlder(limit);
  }
  RemoveFiles(old);
}

void Quarantine::RemoveFiles(const std::vector<std::string>& names) const {
  std::error_code ignored;
  for (const std::string& name : names) fs::remove(PathTo(name), ignored);
}

std::string Quarantine::PathTo(std::string_view name) const {
  return StrCat(options_.directory, "/", name);
}

std::vector<RejectedRequest> Quarantine::List(size_t count, std::string_view source) const {
  std::vector<std::string> names;
  {
    MutexLock lock(mutex_);
    names = index_.Newest(source);
  }
  std::vector<RejectedRequest> found;
  for (const std::string& name : names) {
    if (found.size() == count) break;
    admin::v1::QuarantinedRequest record;
    if (!internal::ReadRecord(PathTo(name), record)) continue;
    found.push_back(internal::ToRejected(record.rejection()));
  }
  return found;
}

absl::StatusOr<WebhookRequest> Quarantine::Read(std::string_view request_id) const {
  std::string name;
  {
    MutexLock lock(mutex_);
    name = index_.NameOf(request_id);
  }
  admin::v1::QuarantinedRequest record;
  if (name.empty() || !internal::ReadRecord(PathTo(name), record)) {
    return absl::NotFoundError("no quarantined request has this id");
  }
  return internal::FromRecord(record);
}

absl::Status Quarantine::Remove(std::string_view request_id) {
  std::string name;
  {
    MutexLock lock(mutex_);
    name = index_.Remove(request_id);
  }
  std::error_code error;
  if (name.empty() || !fs::remove(PathTo(name), error)) {
    return absl::NotFoundError("no quarantined request has this id");
  }
  return absl::OkStatus();
}

}  // namespace hookbridge
