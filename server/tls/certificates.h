#pragma once

#include "server/base/config_problem.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The certificates of a listener, as its PEM files hold them. Threads: thread-safe.
namespace hookbridge {

struct Certificates {
  std::string chain;      // PEM; the server's own certificate comes first
  std::string key;        // PEM; belongs to that certificate
  std::string client_ca;  // PEM; empty when no client_ca_file is configured
  std::string name;       // the server certificate's subject
  absl::Time not_before;  // of the server certificate
  absl::Time not_after;
};

// Reads the files of `tls` and checks that they can serve: each parses, the key belongs to the
// chain's first certificate, and OpenSSL takes both as they are. `path` is the section's place in
// the configuration, such as `grpc.tls`. Returns what is wrong, a problem for each file, or fills
// `certificates`. No time is looked at: that is ValidityProblem's. Blocks on the disk.
std::vector<ConfigProblem> ReadCertificates(const config::v1::Tls& tls, std::string_view path,
                                            Certificates* certificates);

// As above, for who needs one error: kInvalidArgument with all of them in its text.
absl::StatusOr<Certificates> LoadCertificates(const config::v1::Tls& tls, std::string_view path);

// Why a client would refuse the certificate at `now`, or nullopt: its time has not come or is over.
std::optional<ConfigProblem> ValidityProblem(const Certificates& certificates,
                                             const config::v1::Tls& tls, std::string_view path,
                                             absl::Time now);

// What to tell the operator about the end of the validity, or nullopt while it is more than
// limits::kCertificateWarnAhead away. For a log line at start, on reload, and once a day.
std::optional<std::string> ExpiryWarning(const Certificates& certificates, absl::Time now);

}  // namespace hookbridge
