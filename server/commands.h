#pragma once

#include <span>
#include <string_view>

namespace hookbridge {

// The bridge's command line: `serve`, `check`, `health`, `presets`, `journal inspect`, `--help`,
// `--version`. Returns the exit code: 0 good, 1 failed, 2 used wrongly. Blocks until done; `serve`
// until SIGTERM or SIGINT.
int RunCommand(std::span<const std::string_view> arguments);

}  // namespace hookbridge
