#pragma once

#include "server/base/config_problem.h"
#include "server/base/log.h"

#include "google/protobuf/duration.pb.h"
#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Reads and validates a configuration; defaults are filled in, so that a field's value is what
// holds. Does not look at presets nor decode keys: verify/ and convert/ do that when they are made,
// and the bridge reports it in the same form. Returns problems (all at once), or fills `config`.
// `lines`, when it is not null, gets the line of each field.
std::vector<ConfigProblem> LoadConfig(std::string_view yaml, config::v1::Config* config,
                                      LineMap* lines = nullptr);

// As LoadConfig, from a file; a file that cannot be read is a problem too.
std::vector<ConfigProblem> LoadConfigFile(const std::string& path, config::v1::Config* config,
                                          LineMap* lines = nullptr);

// What is allowed and had better not be, at `now`; `config` has its defaults. The paths have no
// lines.
std::vector<ConfigProblem> ConfigWarnings(const config::v1::Config& config, absl::Time now);

// Fills in every default that the proto documents, except journal.max_bytes, which depends on the
// volume, and a recipe's fields, which a preset may hold.
void ApplyDefaults(config::v1::Config* config);

// The secret's text. kNotFound (variable or file missing), kInvalidArgument (empty, over 64 KiB,
// blank at an end); messages name the reference, never the secret.
absl::StatusOr<std::string> ResolveSecret(const config::v1::Secret& secret);

absl::Duration ToDuration(const google::protobuf::Duration& duration);

// Unspecified is kInfo.
LogLevel ToLogLevel(config::v1::LogLevel level);

// Splits HOST:PORT, also [v6]:port. kInvalidArgument.
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
absl::StatusOr<HostPort> ParseHostPort(std::string_view text);

}  // namespace hookbridge
