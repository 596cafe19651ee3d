// Any bytes are an HTTP/2 client: looked through to the end or cut, alike however they come.
#include "server/http2/frame_guard.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using hookbridge::Cut;
using hookbridge::FrameGuard;

constexpr uint32_t kCallsMax = 8;

void Require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::optional<Cut> cut;
  size_t open_calls = 0;
  uint64_t calls_begun = 0;
  uint64_t unfinished_bytes = 0;
  bool operator==(const Outcome&) const = default;
};

// `step` bytes come at a time, all in one moment, and the server sends `answer` before them.
Outcome Watch(std::string_view bytes, size_t step, std::string_view answer) {
  const hookbridge::SteadyTime now{};
  FrameGuard guard(kCallsMax, now);
  guard.FromServer(answer);
  std::optional<Cut> cut;
  while (!bytes.empty() && !cut) {
    const std::string_view part = bytes.substr(0, step);
    const FrameGuard::Step seen = guard.FromClient(part, now);
    Require(seen.bytes <= part.size() && (seen.bytes > 0 || seen.cut.has_value()));
    Require(seen.calls <= hookbridge::limits::kGrpcCallsAtOnce);
    cut = seen.cut;
    bytes.remove_prefix(seen.bytes);
  }
  // Before the setting is acknowledged a client may take 100 for it.
  Require(guard.open_calls() <= 100);
  Require(guard.open_calls() <= guard.calls_begun());
  return {cut, guard.open_calls(), guard.calls_begun(), guard.unfinished_bytes()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string client = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(bytes);
  const std::string_view answer = bytes.substr(0, size / 4);
  for (const std::string_view input : {bytes, std::string_view(client)}) {
    const Outcome whole = Watch(input, std::max<size_t>(input.size(), 1), answer);
    Require(Watch(input, 1, answer) == whole);
    Require(Watch(input, 7, answer) == whole);
  }
  return 0;
}
