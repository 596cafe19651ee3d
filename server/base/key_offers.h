#pragma once

#include "server/base/mutex.h"

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hookbridge {

// A key that a provider hands over.
struct OfferedKey {
  std::string secret;
  // Called once by whoever takes it, from any thread: whether it is kept. Does not block.
  absl::AnyInvocable<void(absl::Status)> answer;
};

// Where providers that hand a key over and operators that wait for one meet: at most one wait for
// each source, and the first key that comes ends it. Threads: thread-safe. Never blocks.
class KeyOffers {
 public:
  // Called once, with no lock held, unless the wait is withdrawn. Nothing: the bridge stops.
  using Take = absl::AnyInvocable<void(std::optional<OfferedKey>)>;

  // Waits from now on; returns the wait's number. kAlreadyExists: somebody waits for this source;
  // kUnavailable: the bridge stops.
  absl::StatusOr<uint64_t> Await(std::string_view source, Take take) ABSL_LOCKS_EXCLUDED(mutex_);

  // True: the wait is over and `take` is not called. False: it has been called, or will be.
  bool Withdraw(std::string_view source, uint64_t wait) ABSL_LOCKS_EXCLUDED(mutex_);

  // Hands the key to who waits for it, on this thread. False: nobody does, and `key` is untouched.
  bool Offer(std::string_view source, OfferedKey&& key) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all waits, and takes none any more.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Wait {
    uint64_t number = 0;
    Take take;
  };
  Mutex mutex_;
  std::map<std::string, Wait, std::less<>> waits_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hookbridge
