#include "server/quarantine/quarantine.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include "hookbridge/admin/v1/admin_service.pb.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".request";
constexpr size_t kTimeDigits = 13;
constexpr size_t kSequenceDigits = 6;
constexpr int64_t kSequenceEnd = 1'000'000;
constexpr std::string_view kUnfinished = ".new";

absl::Time TimeOf(std::string_view name) {
  int64_t ms = 0;
  std::from_chars(name.data(), name.data() + std::min(name.size(), kTimeDigits), ms);
  return absl::FromUnixMillis(ms);
}

std::string Padded(int64_t number, size_t digits) {
  std::string text = StrCat(number);
  text.insert(0, digits - std::min(digits, text.size()), '0');
  return text;
}

admin::v1::QuarantinedRequest ToRecord(const WebhookRequest& request, Reason reason,
                                       std::string_view detail) {
  admin::v1::QuarantinedRequest record;
  admin::v1::Rejection& rejection = *record.mutable_rejection();
  rejection.set_source(request.source);
  rejection.set_reason(std::string(ReasonName(reason)));
  rejection.set_detail(std::string(detail));
  const int64_t ms = absl::ToUnixMillis(request.receive_time);
  rejection.mutable_time()->set_seconds(ms / 1000);
  rejection.mutable_time()->set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
  rejection.set_body_bytes(request.body.size());
  rejection.set_remote_address(request.remote_address);
  rejection.set_request_id(request.request_id);
  v1::RawRequest& raw = *record.mutable_request();
  raw.set_method(request.method);
  raw.set_path(request.path);
  raw.set_query(request.query);
  raw.set_body(request.body);
  for (const HeaderLine& line : request.headers) {
    rejection.add_header_names(std::string(line.name));
    v1::Header& header = *raw.add_headers();
    header.set_name(std::string(line.name));
    header.set_value(std::string(line.value));
  }
  return record;
}

WebhookRequest FromRecord(const admin::v1::QuarantinedRequest& record) {
  WebhookRequest request;
  const v1::RawRequest& raw = record.request();
  request.method = raw.method();
  request.path = raw.path();
  request.query = raw.query();
  request.body = raw.body();
  request.source = record.rejection().source();
  // /hooks/{source}/{token}
  const size_t token = request.path.find('/', 7);
  if (token != std::string::npos) request.token = request.path.substr(token + 1);
  request.remote_address = record.rejection().remote_address();
  request.request_id = record.rejection().request_id();
  request.receive_time = absl::FromUnixSeconds(record.rejection().time().seconds()) +
                         absl::Nanoseconds(record.rejection().time().nanos());
  for (const v1::Header& header : raw.headers()) {
    request.header_block.insert(request.header_block.end(), header.name().begin(),
                                header.name().end());
    request.header_block.insert(request.header_block.end(), header.value().begin(),
                                header.value().end());
  }
  const char* at = request.header_block.data();
  for (const v1::Header& header : raw.headers()) {
    request.headers.push_back({.name = {at, header.name().size()},
                               .value = {at + header.name().size(), header.value().size()}});
    at += header.name().size() + header.value().size();
  }
  return request;
}

bool ReadRecord(const std::string& path, admin::v1::QuarantinedRequest& record) {
  std::ifstream file(path, std::ios::binary);
  return file && record.ParseFromIstream(&file);
}

RejectedRequest ToRejected(const admin::v1::Rejection& rejection) {
  RejectedRequest rejected;
  for (size_t i = 0; i < kReasonCount; ++i) {
    if (ReasonName(static_cast<Reason>(i)) == rejection.reason()) {
      rejected.reason = static_cast<Reason>(i);
    }
  }
  rejected.source = rejection.source();
  rejected.detail = rejection.detail();
  rejected.time = absl::FromUnixSeconds(rejection.time().seconds()) +
                  absl::Nanoseconds(rejection.time().nanos());
  rejected.body_bytes = rejection.body_bytes();
  rejected.header_names = {rejection.header_names().begin(), rejection.header_names().end()};
  rejected.remote_address = rejection.remote_address();
  rejected.request_id = rejection.request_id();
  return rejected;
}

}  // namespace

Quarantine::Quarantine(QuarantineOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), writer_([this] { Run(); }) {}

absl::StatusOr<std::unique_ptr<Quarantine>> Quarantine::Open(QuarantineOptions options,
                                                             const Clock& clock) {
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
  return std::unique_ptr<Quarantine>(new Quarantine(std::move(options), clock));
}

Quarantine::~Quarantine() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  writer_.join();
}

bool Quarantine::Keep(const WebhookRequest& request, Reason reason, std::string_view detail) {
  File file;
  file.bytes = ToRecord(request, reason, detail).SerializeAsString();
  const std::string time = Padded(absl::ToUnixMillis(request.receive_time), kTimeDigits);
  {
    MutexLock lock(mutex_);
    // Names sort as the requests came, also within a millisecond.
    sequence_ = (sequence_ + 1) % kSequenceEnd;
    file.name =
        StrCat(time, "-", Padded(sequence_, kSequenceDigits), "-", request.request_id, kSuffix);
    if (waiting_bytes_ + file.bytes.size() > limits::kQuarantineWaitingBytesMax) return false;
    waiting_bytes_ += file.bytes.size();
    waiting_.push_back(std::move(file));
  }
  changed_.NotifyAll();
  return true;
}

void Quarantine::Flush() {
  MutexLock lock(mutex_);
  while (!waiting_.empty() || writing_) changed_.Wait(mutex_);
}

void Quarantine::Run() {
  while (true) {
    File file;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(mutex_);
      if (waiting_.empty()) return;
      file = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_bytes_ -= file.bytes.size();
      writing_ = true;
    }
    Write(file);
    RemoveOld();
    {
      MutexLock lock(mutex_);
      writing_ = false;
    }
    changed_.NotifyAll();
  }
}

void Quarantine::Write(const File& file) const {
  const std::string path = StrCat(options_.directory, "/", file.name);
  const std::string unfinished = StrCat(path, kUnfinished);
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return;
  size_t written = 0;
  while (written < file.bytes.size()) {
    const ssize_t some = write(fd, file.bytes.data() + written, file.bytes.size() - written);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) break;
    written += static_cast<size_t>(some);
  }
  close(fd);
  std::error_code ignored;
  if (written == file.bytes.size()) {
    fs::rename(unfinished, path, ignored);
  } else {
    fs::remove(unfinished, ignored);
  }
}

std::vector<std::string> Quarantine::Names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(options_.directory, error), end; !error && at != end;
       at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name.ends_with(kSuffix)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

void Quarantine::RemoveOld() const {
  const std::vector<std::string> names = Names();
  std::error_code error;
  uint64_t bytes = 0;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const fs::path path = fs::path(options_.directory) / *name;
    const uintmax_t size = fs::file_size(path, error);
    if (error) continue;
    bytes += size;
    const bool is_old = TimeOf(*name) < clock_.Now() - options_.max_age;
    if (is_old || bytes > options_.bytes_max) fs::remove(path, error);
  }
}

std::vector<RejectedRequest> Quarantine::List(size_t count, std::string_view source) const {
  std::vector<RejectedRequest> found;
  const std::vector<std::string> names = Names();
  for (auto name = names.rbegin(); name != names.rend() && found.size() < count; ++name) {
    admin::v1::QuarantinedRequest record;
    if (!ReadRecord(StrCat(options_.directory, "/", *name), record)) continue;
    if (!source.empty() && record.rejection().source() != source) continue;
    found.push_back(ToRejected(record.rejection()));
  }
  return found;
}

std::string Quarantine::PathOf(std::string_view request_id) const {
  const std::string end = StrCat("-", request_id, kSuffix);
  for (const std::string& name : Names()) {
    if (name.size() == kTimeDigits + 1 + kSequenceDigits + end.size() && name.ends_with(end)) {
      return StrCat(options_.directory, "/", name);
    }
  }
  return "";
}

absl::StatusOr<WebhookRequest> Quarantine::Read(std::string_view request_id) const {
  admin::v1::QuarantinedRequest record;
  const std::string path = PathOf(request_id);
  if (path.empty() || !ReadRecord(path, record)) {
    return absl::NotFoundError("no quarantined request has this id");
  }
  return FromRecord(record);
}

absl::Status Quarantine::Remove(std::string_view request_id) {
  const std::string path = PathOf(request_id);
  std::error_code error;
  if (path.empty() || !fs::remove(path, error)) {
    return absl::NotFoundError("no quarantined request has this id");
  }
  return absl::OkStatus();
}

}  // namespace hookbridge
