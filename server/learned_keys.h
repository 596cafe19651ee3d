#pragma once

#include "server/base/mutex.h"
#include "server/pipeline.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Keys that providers make and send once: where they are kept, and how they come into use.
namespace hookbridge {

// The keys in the file, newest first; none when there is no such file. A key is a line of printable
// ASCII; the file has at most limits::kLearnedKeysMax. kInvalidArgument, kNotFound (it cannot be
// read). Blocks on the disk.
absl::StatusOr<std::vector<std::string>> ReadLearnedKeys(const std::string& path);

// Takes keys over while the bridge runs. Ownership: the pipeline outlives it. Threads: thread-safe.
// Blocks on the disk.
class LearnedKeys {
 public:
  // `config` is what the pipeline's sources were made of.
  LearnedKeys(const config::v1::Config& config, Pipeline& pipeline);

  // Writes the key to the source's file, in front of the last one, and brings it into use. Returns
  // the file. Where it fails nothing is in use: kFailedPrecondition: the source learns none;
  // kInvalidArgument: it can be no key of the source; kUnavailable: it cannot be written.
  absl::StatusOr<std::string> Keep(std::string_view source, std::string_view secret)
      ABSL_LOCKS_EXCLUDED(mutex_);

  bool Learns(std::string_view source) ABSL_LOCKS_EXCLUDED(mutex_);

  // As Pipeline::ReplaceAccess, with the keys that were learned since `fresh` was read.
  std::vector<std::string> ReplaceAccess(const SourceMap& fresh) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::StatusOr<std::shared_ptr<const SourceAccess>> Read(config::v1::Source source,
                                                           const std::string& file) const;

  Pipeline& pipeline_;
  config::v1::Config config_;  // without sources
  // Held while a file is read or written, so that none comes into use that is older than another.
  Mutex mutex_;
  // Those that learn keys, as they were last read.
  std::map<std::string, config::v1::Source, std::less<>> sources_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
