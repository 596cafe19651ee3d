#pragma once

#include "hookbridge/config/v1/config.pb.h"

#include "absl/status/status.h"

// `hookbridge serve` without a configuration file.
namespace hookbridge {

// Defaults and one source `demo`, preset standard_webhooks.
config::v1::Config DemoConfig();

// Gives `demo` its secret and prints how to use it: kept in DIRECTORY/demo-secret, readable by the
// owner alone, so that it is the same after a restart; inline with the memory engine. Blocks on the
// disk. Errors name the file.
absl::Status PrepareDemo(config::v1::Config& config);

}  // namespace hookbridge
