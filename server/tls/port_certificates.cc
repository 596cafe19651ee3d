#include "server/tls/port_certificates.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <sys/stat.h>

#include <utility>

namespace hookbridge {

PortCertificates::PortCertificates(std::string section, config::v1::Tls tls, const Clock& clock,
                                   Logger& log)
    : section_(std::move(section)), tls_(std::move(tls)), clock_(clock), log_(log) {}

std::string PortCertificates::Fingerprint() const {
  std::string text;
  for (const std::string& file :
       {tls_.certificate_chain_file(), tls_.private_key_file(), tls_.client_ca_file()}) {
    struct stat info {};
    if (file.empty() || stat(file.c_str(), &info) != 0) continue;
    StrAppend(&text, info.st_dev, ":", info.st_ino, ":", info.st_size, ":", info.st_mtim.tv_sec,
              ".", info.st_mtim.tv_nsec, " ");
  }
  return text;
}

void PortCertificates::Warn() {
  warned_ = std::chrono::steady_clock::now();
  if (const auto warning = ExpiryWarning(used_, clock_.Now())) {
    log_.Warning("certificate_expires", {{"path", section_}, {"detail", *warning}});
  }
}

absl::StatusOr<Certificates> PortCertificates::Load() {
  MutexLock lock(mutex_);
  fingerprint_ = Fingerprint();
  auto read = LoadCertificates(tls_, section_);
  if (!read.ok()) return read.status();
  used_ = *read;
  if (const auto problem = ValidityProblem(used_, tls_, section_, clock_.Now())) {
    log_.Error("certificate_not_valid", {{"path", problem->path}, {"detail", problem->message}});
  }
  Warn();
  return read;
}

absl::Status PortCertificates::Reload(const Replace& replace) {
  MutexLock lock(mutex_);
  return ReloadLocked(replace);
}

absl::Status PortCertificates::ReloadLocked(const Replace& replace) {
  fingerprint_ = Fingerprint();
  auto read = LoadCertificates(tls_, section_);
  absl::Status status = read.status();
  if (status.ok()) {
    if (const auto problem = ValidityProblem(*read, tls_, section_, clock_.Now())) {
      status = absl::InvalidArgumentError(
          StrCat(problem->path, ": ", problem->message, "; ", problem->fix));
    }
  }
  if (status.ok()) status = replace(*read);
  if (!status.ok()) {
    log_.Error("certificates_not_read", {{"path", section_}, {"detail", ToStd(status.message())}});
    return status;
  }
  used_ = *std::move(read);
  log_.Info("certificates_read",
            {{"path", section_},
             {"certificate", used_.name},
             {"not_after", absl::FormatTime(used_.not_after, absl::UTCTimeZone())}});
  Warn();
  return absl::OkStatus();
}

void PortCertificates::Look(const Replace& replace, std::chrono::steady_clock::time_point now) {
  MutexLock lock(mutex_);
  if (Fingerprint() != fingerprint_) {
    ReloadLocked(replace).IgnoreError();  // logged
  } else if (now - warned_ >= absl::ToChronoNanoseconds(limits::kCertificateWarnInterval)) {
    Warn();
  }
}

}  // namespace hookbridge
