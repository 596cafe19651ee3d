#include "server/verify/internal/key_set_cache.h"

#include "server/base/limits.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

// Whether `then` is not after `now` and less than `age` before it.
bool IsWithin(absl::Time then, absl::Duration age, absl::Time now) {
  return then <= now && now - then < age;
}

bool Lacks(const KeySet& keys, std::string_view key_id) {
  return !key_id.empty() && std::none_of(keys.begin(), keys.end(), [&](const WebKey& key) {
    return key.id == key_id || key.id.empty();
  });
}

}  // namespace

CachedKeySet KeySetCache::Find(const std::string& place, std::string_view key_id, absl::Time now) {
  MutexLock lock(mutex_);
  const auto it = sets_.find(place);
  if (it == sets_.end() || it->second.since > now) return FindNew(place, now);
  const Entry& entry = it->second;
  const bool is_fresh = IsWithin(entry.since, limits::kKeySetMaxAge, now);
  const bool lacks = Lacks(*entry.keys, key_id);
  if (is_fresh && !lacks) return {.keys = entry.keys};
  const absl::Duration pause =
      is_fresh ? limits::kKeySetRefetchInterval : limits::kKeySetFailureMaxAge;
  if (!IsWithin(entry.asked, pause, now)) {
    return {.keys = nullptr, .ask = true, .detail = "the key set is not at hand"};
  }
  const bool may_be_new = lacks && !entry.failure.empty();
  if (!may_be_new && IsWithin(entry.since, limits::kKeySetMaxAge + limits::kKeySetGrace, now)) {
    return {.keys = entry.keys};
  }
  return {.keys = nullptr, .detail = entry.failure};
}

CachedKeySet KeySetCache::FindNew(const std::string& place, absl::Time now) {
  if (const auto it = failures_.find(place); it != failures_.end()) {
    const Failure& failure = it->second;
    const absl::Duration age = failure.reason == Reason::kUnknownKeyId
                                   ? limits::kKeySetRefetchInterval
                                   : limits::kKeySetFailureMaxAge;
    if (IsWithin(failure.since, age, now)) {
      return {.keys = nullptr, .reason = failure.reason, .detail = failure.detail};
    }
  }
  std::erase_if(asking_, [now](const auto& asked) {
    return !IsWithin(asked.second, limits::kKeySetRefetchInterval, now);
  });
  if (!asking_.contains(place)) {
    if (asking_.size() >= limits::kNewKeySetsPerIntervalMax) {
      return {.keys = nullptr, .detail = "too many keys that are not at hand are asked for"};
    }
    asking_.emplace(place, now);
  }
  return {.keys = nullptr, .ask = true, .detail = "the key set is not at hand"};
}

void KeySetCache::Put(const std::string& place, KeySetPtr keys, absl::Time now) {
  MutexLock lock(mutex_);
  if (!sets_.contains(place) && sets_.size() >= limits::kKeySetsMax) {
    sets_.erase(std::min_element(sets_.begin(), sets_.end(), [](const auto& a, const auto& b) {
      return a.second.since < b.second.since;
    }));
  }
  sets_.insert_or_assign(place, Entry{.keys = std::move(keys), .since = now, .asked = now});
  failures_.erase(place);
  asking_.erase(place);
}

void KeySetCache::PutFailure(const std::string& place, Reason reason, std::string detail,
                             absl::Time now) {
  MutexLock lock(mutex_);
  const auto it = sets_.find(place);
  if (it != sets_.end() && reason == Reason::kUnknownKeyId) {
    sets_.erase(it);
  } else if (it != sets_.end() && it->second.since <= now) {
    it->second.asked = now;
    it->second.failure = std::move(detail);
    return;
  }
  std::erase_if(failures_, [now](const auto& failed) {
    return !IsWithin(failed.second.since, limits::kKeySetRefetchInterval, now);
  });
  failures_.insert_or_assign(place,
                             Failure{.reason = reason, .detail = std::move(detail), .since = now});
}

}  // namespace hookbridge
