#include "server/configuration.h"

#include "server/base/config.h"
#include "server/base/open_files.h"
#include "server/base/strings.h"
#include "server/sources.h"
#include "server/tls/certificates.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace hookbridge {
namespace {

namespace fs = std::filesystem;
using Problems = std::vector<ConfigProblem>;

bool IsToldWithin(const Problems& problems, std::string_view path) {
  return std::any_of(problems.begin(), problems.end(), [&](const ConfigProblem& problem) {
    return ContainsPath(path, problem.path);
  });
}

// `sources[3]` of `sources[3].keys[0]`.
std::string_view SourceOf(std::string_view path) { return path.substr(0, path.find(']') + 1); }

void SortByLine(Problems& problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
}

void AddLines(const LineMap& lines, Problems& problems) {
  for (ConfigProblem& problem : problems) {
    if (problem.line == 0) problem.line = LineOf(lines, problem.path);
  }
  SortByLine(problems);
}

// Makes a directory in `place` and removes it. Empty, or why that fails.
std::string TryToWrite(const fs::path& place) {
  std::string probe = (place / ".hookbridge-check-XXXXXX").string();
  if (mkdtemp(probe.data()) == nullptr) return std::generic_category().message(errno);
  rmdir(probe.c_str());
  return "";
}

void CheckDirectory(const std::string& directory, const std::string& path, Problems& problems) {
  std::error_code error;
  fs::path place = fs::absolute(directory, error);
  // What is not there is made in the nearest place that is.
  while (fs::status(place, error).type() == fs::file_type::not_found && place.has_relative_path()) {
    place = place.parent_path();
  }
  const fs::file_status status = fs::status(place, error);
  std::string why;
  if (status.type() == fs::file_type::none) {
    why = StrCat("cannot look at ", place.string(), ": ", error.message());
  } else if (!fs::is_directory(status)) {
    why = StrCat(place.string(), " is not a directory");
  } else if (const std::string reason = TryToWrite(place); !reason.empty()) {
    why = StrCat("cannot write to ", place.string(), ": ", reason);
  }
  if (why.empty()) return;
  problems.push_back({.path = path,
                      .message = std::move(why),
                      .fix = "write the path of a directory in which the bridge may make files"});
}

void CheckCertificates(const config::v1::Tls& tls, const std::string& path, absl::Time now,
                       Configuration& configuration) {
  // A file that is missing has been told.
  if (IsToldWithin(configuration.problems, path)) return;
  Certificates certificates;
  Problems found = ReadCertificates(tls, path, &certificates);
  if (found.empty()) {
    if (auto problem = ValidityProblem(certificates, tls, path, now)) {
      found.push_back(*std::move(problem));
    } else if (auto warning = ExpiryWarning(certificates, now)) {
      configuration.warnings.push_back({.path = path, .message = *std::move(warning)});
    }
  }
  std::move(found.begin(), found.end(), std::back_inserter(configuration.problems));
}

}  // namespace

Configuration ReadConfiguration(const std::string& file, absl::Time now) {
  Configuration read;
  read.problems = LoadConfigFile(file, &read.config, &read.lines);
  const Problems told = read.problems;
  for (ConfigProblem& problem : BuildSources(read.config, &read.sources, {}, &read.warnings)) {
    // What a fault of the file leads to is no fault of its own.
    if (!IsToldWithin(told, SourceOf(problem.path))) read.problems.push_back(std::move(problem));
  }
  for (ConfigProblem& warning : ConfigWarnings(read.config, now)) {
    if (!IsToldWithin(read.problems, warning.path)) read.warnings.push_back(std::move(warning));
  }
  AddLines(read.lines, read.problems);
  AddLines(read.lines, read.warnings);
  return read;
}

void CheckMachine(absl::Time now, Configuration& configuration) {
  if (configuration.lines.empty()) return;  // nothing could be read
  const config::v1::Config& config = configuration.config;
  if (config.ingress().has_tls()) {
    CheckCertificates(config.ingress().tls(), "ingress.tls", now, configuration);
  }
  if (config.grpc().has_tls()) {
    CheckCertificates(config.grpc().tls(), "grpc.tls", now, configuration);
  }
  if (config.journal().engine() != config::v1::JOURNAL_ENGINE_MEMORY) {
    CheckDirectory(config.journal().directory(), "journal.directory", configuration.problems);
  }
  if (!config.quarantine().directory().empty()) {
    CheckDirectory(config.quarantine().directory(), "quarantine.directory", configuration.problems);
  }
  config::v1::Config fitted = config;
  if (auto warning = FitConnections(ReachableOpenFilesLimit(OpenFilesNeeded(config)), &fitted)) {
    configuration.warnings.push_back(
        {.path = "ingress.connections_max", .message = *std::move(warning)});
  }
  AddLines(configuration.lines, configuration.problems);
  AddLines(configuration.lines, configuration.warnings);
}

}  // namespace hookbridge
