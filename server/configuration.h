#pragma once

#include "server/base/config_problem.h"
#include "server/pipeline.h"

#include "hookbridge/config/v1/config.pb.h"

#include "absl/time/time.h"

#include <string>
#include <vector>

// Everything that a configuration file says, read for `serve` and `check` alike.
namespace hookbridge {

struct Configuration {
  config::v1::Config config;
  SourceMap sources;                    // complete only when there are no problems
  std::vector<ConfigProblem> problems;  // in the order of the file, as the warnings
  std::vector<ConfigProblem> warnings;
  LineMap lines;
};

// Reads the file and what it names: presets, recipes, secrets. All problems are in one report; of a
// source only those that do not follow from others. `now` tells which keys are valid. Blocks on the
// disk.
Configuration ReadConfiguration(const std::string& file, absl::Time now);

// Adds what depends on the machine and the user that the bridge runs as: certificates, directories
// and the limit of open files. A directory is tried by making one in it, which is removed again.
// Blocks on the disk.
void CheckMachine(absl::Time now, Configuration& configuration);

}  // namespace hookbridge
