#include "server/fetch_on_lane.h"

#include "server/base/strings.h"
#include "server/fetch/fetcher.h"

#include <string>
#include <utility>

namespace hookbridge {
namespace {

FetchAnswer AnswerOf(absl::StatusOr<FetchResult> result) {
  if (!result.ok()) {
    return {.error = std::string(ToStd(result.status().message())), .status = 0, .body = {}};
  }
  return {.error = {}, .status = result->status, .body = std::move(result->body)};
}

}  // namespace

void FetchOnLane(Fetcher* fetcher, const FetchNeed& need, std::string_view source, Lane& lane,
                 absl::AnyInvocable<void(FetchAnswer)> then) {
  if (fetcher == nullptr) {
    then({.error = "nothing is fetched here", .status = 0, .body = {}});
    return;
  }
  FetchRequest request{.url = need.url,
                       .host = need.host,
                       .owner = std::string(source),
                       .bearer = need.bearer,
                       .body = need.body,
                       .shared = need.purpose == FetchPurpose::kCertificate ||
                                 need.purpose == FetchPurpose::kKeySet};
  fetcher->Send(std::move(request), [&lane, then = std::move(then)](
                                        absl::StatusOr<FetchResult> result) mutable {
    lane.Post([then = std::move(then), answer = AnswerOf(std::move(result))]() mutable {
      then(std::move(answer));
    });
  });
}

}  // namespace hookbridge
