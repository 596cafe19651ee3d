#include "server/base/config.h"

#include "server/base/internal/config_rules.h"
#include "server/base/internal/yaml_reader.h"
#include "server/base/internal/yaml_scalar.h"
#include "server/base/internal/yaml_tree.h"
#include "server/base/limits.h"
#include "server/base/small_file.h"
#include "server/base/strings.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::Secret;

// Adds the problems of the rules, but not where the reader has told one: it would be its echo.
void AddRuleProblems(const config::v1::Config& config, internal::YamlReading& reading) {
  const size_t told = reading.problems.size();
  for (ConfigProblem& problem : internal::CheckConfig(config)) {
    const bool is_echo = std::any_of(
        reading.problems.begin(), reading.problems.begin() + static_cast<std::ptrdiff_t>(told),
        [&](const ConfigProblem& other) {
          return ContainsPath(other.path, problem.path) || ContainsPath(problem.path, other.path);
        });
    if (is_echo) continue;
    problem.line = LineOf(reading.lines, problem.path);
    reading.problems.push_back(std::move(problem));
  }
}

absl::Status TooLong(const std::string& reference) {
  return absl::InvalidArgumentError(
      StrCat(reference, " has more than ", limits::kSecretBytesMax, " bytes"));
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  // One more for the line feed.
  auto text = ReadSmallFile(path, limits::kSecretBytesMax + 1);
  if (absl::IsInvalidArgument(text.status())) return TooLong("file:" + path);
  if (text.ok() && text->ends_with('\n')) text->pop_back();
  return text;
}

// A name is shown when it looks like one: somebody may have put the secret itself in its place.
bool IsVariableName(std::string_view name) {
  return name.size() <= limits::kNameBytesMax &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

bool IsBlank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0 || c == '\0'; }

bool HasByteOrderMark(std::string_view text) {
  return text.starts_with("\xef\xbb\xbf") || text.starts_with("\xff\xfe") ||
         text.starts_with("\xfe\xff");
}

absl::StatusOr<std::string> CheckSecret(std::string text, const std::string& reference) {
  if (text.empty()) return absl::InvalidArgumentError(reference + " is empty");
  if (text.size() > limits::kSecretBytesMax) return TooLong(reference);
  if (HasByteOrderMark(text)) {
    return absl::InvalidArgumentError(
        reference + " begins with a byte order mark; save it as UTF-8 without one");
  }
  if (IsBlank(text.front()) || IsBlank(text.back())) {
    return absl::InvalidArgumentError(reference + " begins or ends with a blank");
  }
  return text;
}

}  // namespace

std::vector<ConfigProblem> LoadConfig(std::string_view yaml, config::v1::Config* config,
                                      LineMap* lines) {
  config->Clear();
  internal::YamlReading reading = internal::ReadYaml(yaml, config);
  if (reading.readable) AddRuleProblems(*config, reading);
  std::stable_sort(reading.problems.begin(), reading.problems.end(),
                   [](const ConfigProblem& a, const ConfigProblem& b) { return a.line < b.line; });
  ApplyDefaults(config);
  if (lines != nullptr) *lines = std::move(reading.lines);
  return std::move(reading.problems);
}

std::vector<ConfigProblem> LoadConfigFile(const std::string& path, config::v1::Config* config,
                                          LineMap* lines) {
  const auto yaml = ReadSmallFile(path, internal::kYamlBytesMax);
  if (yaml.ok()) return LoadConfig(*yaml, config, lines);
  // The report begins with the path.
  std::string message(ToStd(yaml.status().message()));
  if (const size_t at = message.find(path); at != std::string::npos) {
    message.replace(at, path.size(), "the file");
  }
  return {{.message = std::move(message),
           .fix = absl::IsInvalidArgument(yaml.status())
                      ? "remove what is not configuration"
                      : "give the path of a readable configuration file"}};
}

absl::StatusOr<std::string> ResolveSecret(const Secret& secret) {
  switch (secret.from_case()) {
    case Secret::kEnv: {
      const char* const value = std::getenv(secret.env().c_str());
      const std::string reference =
          IsVariableName(secret.env()) ? "env:" + secret.env() : "the variable named here";
      if (value == nullptr) return absl::NotFoundError(reference + " is not set");
      return CheckSecret(value, reference);
    }
    case Secret::kFile: {
      auto text = ReadSecretFile(secret.file());
      if (!text.ok()) return text.status();
      return CheckSecret(*std::move(text), "file:" + secret.file());
    }
    case Secret::kInline:
      return CheckSecret(secret.inline_(), "the inline secret");
    case Secret::FROM_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("no secret is configured");
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

LogLevel ToLogLevel(config::v1::LogLevel level) {
  switch (level) {
    case config::v1::LOG_LEVEL_DEBUG:
      return LogLevel::kDebug;
    case config::v1::LOG_LEVEL_WARNING:
      return LogLevel::kWarning;
    case config::v1::LOG_LEVEL_ERROR:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const absl::Status failure = absl::InvalidArgumentError("is not HOST:PORT");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return failure;
  std::string_view host = text.substr(0, colon);
  const auto port = internal::ParseUnsigned(text.substr(colon + 1));
  if (!port.has_value() || *port > 65'535) return failure;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return failure;
  } else if (host.find(':') != std::string_view::npos) {
    return failure;
  }
  if (host.empty() || host.find_first_of("[]/ \t") != std::string_view::npos) return failure;
  return HostPort{.host = std::string(host), .port = static_cast<uint16_t>(*port)};
}

}  // namespace hookbridge
