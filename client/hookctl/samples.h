#pragma once

#include "client/hookctl/signer.h"

#include "absl/time/time.h"

#include <string>
#include <string_view>
#include <vector>

namespace hookbridge::hookctl {

// What makes one sample differ from the next.
struct SampleSeed {
  std::string unique;  // 32 hexadecimal digits
  absl::Time time;
};

struct Sample {
  std::string body;
  std::vector<HeaderField> headers;  // what the provider sends beside its signature
  std::string event_id;
  std::string query;  // that the provider adds to the URL and signs
};

// A body as the provider of the preset sends it, with ids from the seed; a plain JSON event for a
// preset that has no sample.
Sample MakeSample(std::string_view preset, const SampleSeed& seed);

// A seed that no other call gives.
SampleSeed NewSeed(absl::Time time);

}  // namespace hookbridge::hookctl
