#include "server/journal/retention.h"

#include "server/base/limits.h"
#include "server/base/strings.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

// Of the kept events at most one in so many goes at once for the sake of bytes.
constexpr Position kByBytesShare = 4;
// After a trim that the measure does not show.
constexpr absl::Duration kUnseenTrimPause = absl::Minutes(1);
constexpr absl::Duration kTellInterval = absl::Minutes(1);
constexpr absl::Duration kTellHoldInterval = absl::Hours(1);

std::string Text(absl::Time time) { return absl::FormatTime(time, absl::UTCTimeZone()); }

}  // namespace

Retention::Retention(const RetentionOptions& options, Store& store, Logger* log)
    : options_(options), store_(store), log_(log) {}

void Retention::Run(const Moment& now) {
  RunAge(now);
  RunBytes(now);
}

void Retention::RunAge(const Moment& now) {
  const absl::Time target = now.wall - options_.max_age;
  const StoreBounds bounds = store_.Bounds();
  const auto expired = store_.PositionBefore(target);
  if (!expired.ok()) return;
  const absl::Duration passed =
      horizon_ ? std::max(now.steady - last_run_, absl::ZeroDuration()) : absl::ZeroDuration();
  last_run_ = now.steady;
  if (bounds.first > bounds.last || *expired < bounds.first) {
    horizon_ = target;  // nothing is at stake
    return SetHold(std::nullopt);
  }
  if (!horizon_) {
    const auto oldest = store_.Read(bounds.first - 1, 1, 0);
    if (oldest.ok() && !oldest->empty()) {
      horizon_ = oldest->front()->append_time();
    } else if (absl::IsDataLoss(oldest.status())) {
      horizon_ = target - limits::kRetentionHoldBeyond;  // damaged: as far as needs no word
    } else {
      return;
    }
  }
  *horizon_ += passed;
  if (target - *horizon_ > limits::kRetentionHoldBeyond) {
    const RetentionHold hold{
        .up_to = *expired, .events = *expired - bounds.first + 1, .older_than = target};
    if (log_ != nullptr && now.steady - hold_told_ >= kTellHoldInterval) {
      hold_told_ = now.steady;
      log_->Error("retention_held",
                  {{"detail",
                    "the clock, a long pause or a shorter max_age makes too much too old at once; "
                    "nothing of it is removed until an operator says `hookctl journal release`"},
                   {"events", hold.events},
                   {"first_position", bounds.first},
                   {"last_position", hold.up_to},
                   {"older_than", Text(hold.older_than)},
                   {"horizon", Text(*horizon_)}});
    }
    SetHold(hold);
  } else {
    SetHold(std::nullopt);
    const absl::Duration catch_up =
        passed * absl::FDivDuration(limits::kRetentionCatchUpPerMinute, absl::Minutes(1));
    *horizon_ = std::max(*horizon_, std::min(target, *horizon_ + catch_up));
  }
  const auto old = store_.PositionBefore(std::min(*horizon_, target));
  if (!old.ok() || *old < bounds.first || !Remove(*old).ok()) return;
  Note("max_age", age_told_, bounds.first, *old, now.steady);
}

void Retention::RunBytes(const Moment& now) {
  bytes_ = store_.MeasureBytes();
  full_.clear();
  if (options_.bytes_max == 0 || bytes_ <= options_.bytes_max) return;
  if (options_.when_full == FullPolicy::kRefuse) {
    full_ = StrCat("journal: full: ", bytes_, " of ", options_.bytes_max, " bytes");
    return;
  }
  const StoreBounds bounds = store_.Bounds();
  if (bounds.first > bounds.last || now.steady < next_by_bytes_) return;
  const Position kept = bounds.last - bounds.first + 1;
  const uint64_t excess = bytes_ - options_.bytes_max;
  const double share = static_cast<double>(excess) / static_cast<double>(bytes_);
  const auto wanted = static_cast<Position>(static_cast<double>(kept) * share) + 1;
  const Position count = std::min(wanted, std::max<Position>(kept / kByBytesShare, 1));
  const Position last = bounds.first + count - 1;
  if (!Remove(last).ok()) return;
  const uint64_t before = std::exchange(bytes_, store_.MeasureBytes());
  Note("max_bytes", bytes_told_, bounds.first, last, now.steady);
  const uint64_t expected = before / kept * count;
  if (before < bytes_ + expected / kByBytesShare) next_by_bytes_ = now.steady + kUnseenTrimPause;
}

absl::Status Retention::Trim(Position position) {
  const StoreBounds bounds = store_.Bounds();
  absl::Status status = Remove(position);
  if (status.ok() && log_ != nullptr && position >= bounds.first) {
    const Position last = std::min(position, bounds.last);
    log_->Warning("journal_trimmed", {{"reason", "operator"},
                                      {"events", last - bounds.first + 1},
                                      {"first_position", bounds.first},
                                      {"last_position", last}});
  }
  return status;
}

absl::Status Retention::Release(Position up_to) {
  const std::optional<RetentionHold> held = hold();
  if (!held || up_to > held->up_to) {
    return absl::FailedPreconditionError("journal: retention holds no events up to there");
  }
  if (absl::Status status = Trim(up_to); !status.ok()) return status;
  // What is left is looked at afresh; nothing newer than `up_to` goes by this word.
  horizon_.reset();
  SetHold(std::nullopt);
  return absl::OkStatus();
}

absl::Status Retention::Remove(Position position) {
  absl::Status status = store_.Trim(position);
  if (!status.ok() && log_ != nullptr) {
    log_->Warning("journal_trim_failed", {{"detail", ToStd(status.message())}});
  }
  return status;
}

// One line at once, then one a minute for all that went since.
void Retention::Note(std::string_view reason, Told& told, Position first, Position last,
                     absl::Duration now) {
  if (told.first == 0) told.first = first;
  told.last = last;
  if (now - told.since >= kTellInterval) Tell(reason, told, now);
}

void Retention::Tell(std::string_view reason, Told& told, absl::Duration now) {
  if (log_ == nullptr || told.first == 0) return;
  const Logger::Fields fields = {{"reason", reason},
                                 {"events", told.last - told.first + 1},
                                 {"first_position", told.first},
                                 {"last_position", told.last},
                                 {"kept_bytes", bytes_}};
  if (&told == &age_told_) {
    log_->Info("journal_trimmed", fields);
  } else {
    log_->Warning("journal_trimmed", fields);
  }
  told = {.since = now};
}

void Retention::TellRest(absl::Duration now) {
  Tell("max_age", age_told_, now);
  Tell("max_bytes", bytes_told_, now);
}

std::optional<RetentionHold> Retention::hold() const {
  MutexLock lock(mutex_);
  return hold_;
}

void Retention::SetHold(std::optional<RetentionHold> hold) {
  MutexLock lock(mutex_);
  hold_ = hold;
}

}  // namespace hookbridge
