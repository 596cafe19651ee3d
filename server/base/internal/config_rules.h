#pragma once

#include "server/base/config_problem.h"

#include "google/protobuf/duration.pb.h"
#include "hookbridge/config/v1/config.pb.h"

#include "absl/time/time.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge::internal {

// Every rule of config.proto that the shape alone does not show. `config` is as the file has it,
// without defaults: 0 and unset are good where the proto gives them a default. The problems have
// paths and no lines. Looks at files that the configuration names.
std::vector<ConfigProblem> CheckConfig(const config::v1::Config& config);

// Whether a listener on this host is reached from this machine alone.
bool IsLoopback(const std::string& host);

// Names of headers and entries of lists anywhere in a recipe, appended to `problems`.
void CheckRecipeNames(const config::v1::Recipe& recipe, const std::string& path,
                      std::vector<ConfigProblem>& problems);

// A text that is no name of a header (RFC 9110 section 5.1).
void CheckHeaderName(std::string_view name, const std::string& path,
                     std::vector<ConfigProblem>& problems);

// An entry of a list that is empty.
void CheckEntries(const google::protobuf::RepeatedPtrField<std::string>& entries,
                  const std::string& path, std::vector<ConfigProblem>& problems);

// The rules of one source, appended to `problems`; `path` is for example `sources[0]`.
void CheckSource(const config::v1::Source& source, const std::string& path,
                 std::vector<ConfigProblem>& problems);

// A number over `most`; told as a size where the path is one of bytes.
void CheckMost(uint64_t value, uint64_t most, const std::string& path,
               std::vector<ConfigProblem>& problems);

// A duration that is set and below `least` (or zero, for `least` of zero).
void CheckLeast(bool is_set, const google::protobuf::Duration& value, absl::Duration least,
                const std::string& path, std::vector<ConfigProblem>& problems);

// A text that is no CIDR network.
void CheckNetwork(const std::string& text, const std::string& path,
                  std::vector<ConfigProblem>& problems);

}  // namespace hookbridge::internal
