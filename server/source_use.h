#pragma once

#include "server/base/config_problem.h"
#include "server/verify/verifier.h"

#include "hookbridge/config/v1/config.pb.h"

#include <string>
#include <vector>

// What of a source takes part in what it does: asked of each source and its complete recipe before
// it is built. Pure.
namespace hookbridge {

// Fields of the source and of its recipe that are set and that nothing reads. `path` is for example
// `sources[0]`.
std::vector<ConfigProblem> UnreadOfSource(const config::v1::Source& source,
                                          const config::v1::Recipe& recipe,
                                          const std::string& path);

// What works and is probably not meant: a replay policy that can drop another event, secrets that
// look like something else of the provider's. `keys` are the source's, resolved; none is shown.
std::vector<ConfigProblem> WarningsOfSource(const config::v1::Source& source,
                                            const config::v1::Recipe& recipe,
                                            const std::vector<KeyMaterial>& keys,
                                            const std::string& path);

}  // namespace hookbridge
