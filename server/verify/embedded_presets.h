#pragma once

#include <vector>

#include "server/verify/presets.h"

namespace hookbridge {

// The files of server/verify/presets/, by name. Defined in a source that the build makes of them.
std::vector<Preset> EmbeddedPresets();

}  // namespace hookbridge
