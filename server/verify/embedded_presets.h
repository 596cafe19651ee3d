#pragma once

#include "server/verify/presets.h"

#include <vector>

namespace hookbridge {

// The files of server/verify/presets/, by name. Defined in a source that the build makes of them.
std::vector<Preset> EmbeddedPresets();

}  // namespace hookbridge
