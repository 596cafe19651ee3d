#pragma once

#include "server/ingress/handler.h"
#include "server/verify/fetch_need.h"

#include "absl/functional/any_invocable.h"

#include <string_view>

namespace hookbridge {

class Fetcher;

// Asks for what a verdict needs, as `source`, and calls `then` once on the lane's thread with what
// came of it. Without a fetcher that is an error.
void FetchOnLane(Fetcher* fetcher, const FetchNeed& need, std::string_view source, Lane& lane,
                 absl::AnyInvocable<void(FetchAnswer)> then);

}  // namespace hookbridge
