// Any bytes are a compressed body: the first says in which coding and how much it may become. What
// comes out keeps to the bound, and a bound that is no smaller changes nothing.
#include "server/base/limits.h"
#include "server/body/content_coding.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace hookbridge;

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // A copy of its own, so that a byte read beyond its end is seen.
  const std::vector<char> bytes(data + 1, data + size);
  const std::string_view wire(bytes.data(), bytes.size());
  const auto coding = static_cast<ContentCoding>(1 + data[0] % 4);
  const uint64_t bytes_max = data[0] < 128 ? limits::kBodyBytesMax : data[0];
  const auto text = Inflate(coding, wire, bytes_max);
  if (!text.ok()) {
    Require(absl::IsResourceExhausted(text.status()) || absl::IsInvalidArgument(text.status()));
    return 0;
  }
  const uint64_t bound = InflatedBytesMax(wire.size(), bytes_max);
  Require(text->size() <= bound);
  Require(bound <= std::max(limits::kInflateFreeBytes, wire.size() * limits::kInflateRatioMax));
  Require(*Inflate(coding, wire, std::max<uint64_t>(text->size(), 1)) == *text);
  return 0;
}
