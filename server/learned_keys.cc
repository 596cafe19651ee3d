#include "server/learned_keys.h"

#include "server/base/limits.h"
#include "server/base/small_file.h"
#include "server/base/strings.h"
#include "server/sources.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace hookbridge {
namespace {

bool IsKey(std::string_view line) {
  return !line.empty() && line.size() <= limits::kSecretBytesMax &&
         std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadLearnedKeys(const std::string& path) {
  std::vector<std::string> keys;
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return keys;
  auto text = ReadSmallFile(path, limits::kLearnedKeysMax * (limits::kSecretBytesMax + 1));
  if (!text.ok()) return text.status();
  std::string_view rest = *text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!IsKey(line) || keys.size() == limits::kLearnedKeysMax) {
      return absl::InvalidArgumentError(StrCat(path, " is not at most ", limits::kLearnedKeysMax,
                                               " lines, each a key of printable characters"));
    }
    keys.emplace_back(line);
  }
  if (keys.empty()) return absl::InvalidArgumentError(path + " is empty");
  return keys;
}

LearnedKeys::LearnedKeys(const config::v1::Config& config, Pipeline& pipeline)
    : pipeline_(pipeline), config_(config) {
  config_.clear_sources();
  MutexLock lock(mutex_);
  for (const config::v1::Source& source : config.sources()) {
    if (source.has_learned_key()) sources_[source.name()] = source;
  }
}

absl::StatusOr<std::shared_ptr<const SourceAccess>> LearnedKeys::Read(
    config::v1::Source source, const std::string& file) const {
  config::v1::Config config = config_;
  source.mutable_learned_key()->set_file(file);
  const std::string name = source.name();
  *config.add_sources() = std::move(source);
  SourceMap made;
  const std::vector<ConfigProblem> problems = BuildSources(config, &made);
  if (!problems.empty()) {
    return absl::InvalidArgumentError(StrCat(problems[0].path, ": ", problems[0].message));
  }
  return made.at(name)->access.Get();
}

absl::StatusOr<std::string> LearnedKeys::Keep(std::string_view source, std::string_view secret) {
  MutexLock lock(mutex_);
  const auto it = sources_.find(source);
  if (it == sources_.end()) return absl::FailedPreconditionError("the source has no learned_key");
  if (!IsKey(secret)) return absl::InvalidArgumentError("it is not of printable characters");
  const std::string& file = it->second.learned_key().file();
  auto before = ReadLearnedKeys(file);
  if (!before.ok()) return before.status();
  std::string text = StrCat(secret, "\n");
  if (!before->empty() && before->front() != secret) StrAppend(&text, before->front(), "\n");
  const std::string beside = file + ".new";
  if (absl::Status status = WriteSmallFile(beside, text); !status.ok()) return status;
  // Tried before it is what the next start reads.
  auto access = Read(it->second, beside);
  absl::Status status = access.status();
  if (status.ok()) status = MoveSmallFile(beside, file);
  if (!status.ok()) {
    unlink(beside.c_str());
    return status;
  }
  pipeline_.sources().find(source)->second->access.Set(*std::move(access));
  return file;
}

std::vector<std::string> LearnedKeys::ReplaceAccess(const SourceMap& fresh) {
  MutexLock lock(mutex_);
  std::vector<std::string> need_restart = pipeline_.ReplaceAccess(fresh);
  for (const auto& [name, source] : fresh) {
    if (std::find(need_restart.begin(), need_restart.end(), name) != need_restart.end()) continue;
    sources_.erase(name);
    if (!source->config.has_learned_key()) continue;
    sources_[name] = source->config;
    auto access = Read(source->config, source->config.learned_key().file());
    if (access.ok()) pipeline_.sources().at(name)->access.Set(*std::move(access));
  }
  return need_restart;
}

bool LearnedKeys::Learns(std::string_view source) {
  MutexLock lock(mutex_);
  return sources_.contains(source);
}

}  // namespace hookbridge
