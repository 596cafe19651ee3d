#include "server/verify/internal/time_window.h"

#include "server/base/config.h"
#include "server/base/strings.h"
#include "server/verify/internal/timestamp.h"

namespace hookbridge {
namespace {

constexpr absl::Duration kDefaultWindow = absl::Minutes(5);

std::string Seconds(absl::Duration duration) {
  return StrCat(absl::ToInt64Seconds(duration), " s");
}

}  // namespace

TimeWindow::TimeWindow(const config::v1::TimestampRule& rule)
    : unit_(rule.unit()),
      max_age_(rule.has_max_age() ? ToDuration(rule.max_age()) : kDefaultWindow),
      max_future_(rule.has_max_future() ? ToDuration(rule.max_future()) : kDefaultWindow) {}

std::optional<Decision> TimeWindow::Check(std::string_view text, absl::Time now,
                                          absl::Time& time) const {
  const auto parsed = ParseTimestamp(unit_, text);
  if (!parsed) {
    return Refuse(Reason::kTimestampMalformed, "the timestamp is not of the recipe's form");
  }
  time = *parsed;
  if (max_age_ > absl::ZeroDuration() && now - time > max_age_) {
    return Refuse(Reason::kTimestampStale,
                  StrCat(Seconds(now - time), " old, ", Seconds(max_age_), " allowed"));
  }
  if (max_future_ > absl::ZeroDuration() && time - now > max_future_) {
    return Refuse(Reason::kTimestampFuture, StrCat(Seconds(time - now), " in the future, ",
                                                   Seconds(max_future_), " allowed"));
  }
  return std::nullopt;
}

}  // namespace hookbridge
