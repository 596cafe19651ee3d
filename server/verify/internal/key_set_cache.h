#pragma once

#include "server/base/mutex.h"
#include "server/base/reason.h"
#include "server/verify/internal/key_set.h"

#include "absl/time/time.h"

#include <map>
#include <string>
#include <string_view>

namespace hookbridge {

// What is known of a place that serves keys: the keys, that it has to be asked, or a refusal.
struct CachedKeySet {
  KeySetPtr keys;    // null: it has to be asked, or `detail` says why there are none
  bool ask = false;  // then `reason` and `detail` hold for who cannot
  Reason reason = Reason::kKeySetUnavailable;
  std::string detail = {};
};

// One source's key sets by place (URL and what is asked there), and failures. A set is good for
// limits::kKeySetMaxAge; is it then not to be had, for kKeySetGrace more, so that a key which the
// provider has removed stops counting after both. A place whose set lacks a key is asked again at
// most once in kKeySetRefetchInterval, and no more than kNewKeySetsPerIntervalMax places that have
// given none are asked in one, so that forged key ids cost the provider little. Of more than
// kKeySetsMax sets the oldest goes. Requests that come while a place is asked wait for the same
// answer. Threads: thread-safe. Never blocks.
class KeySetCache {
 public:
  // `key_id` is what the token names; empty: none.
  CachedKeySet Find(const std::string& place, std::string_view key_id, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // What the place has answered.
  void Put(const std::string& place, KeySetPtr keys, absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);
  // It has not; `reason` kUnknownKeyId says that it has no such key (any more).
  void PutFailure(const std::string& place, Reason reason, std::string detail, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    KeySetPtr keys;
    absl::Time since;          // when they came
    absl::Time asked;          // when the last answer came
    std::string failure = {};  // of the last answer
  };
  struct Failure {
    Reason reason;
    std::string detail;
    absl::Time since;
  };

  CachedKeySet FindNew(const std::string& place, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  std::map<std::string, Entry> sets_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Failure> failures_ ABSL_GUARDED_BY(mutex_);
  // Places without a set that were asked lately, by when that began.
  std::map<std::string, absl::Time> asking_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
