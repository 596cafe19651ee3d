#pragma once

#include "server/base/config_problem.h"
#include "server/pipeline.h"

#include "hookbridge/config/v1/config.pb.h"

#include <string>
#include <vector>

namespace hookbridge {

// Makes the run-time form of every configured source: preset and recipe merged, secrets resolved,
// verifier and converter built. Returns all problems at once, by the source's path in the
// configuration; `sources` is complete only when there are none. Reads secret files: blocks on the
// disk. `authorities_pem` is for tests: certificates of signatures chain to it in place of the
// system's authorities. What WarningsOfSource tells is added to `warnings`, unless that is null.
std::vector<ConfigProblem> BuildSources(const config::v1::Config& config, SourceMap* sources,
                                        const std::string& authorities_pem = {},
                                        std::vector<ConfigProblem>* warnings = nullptr);

}  // namespace hookbridge
