#include "server/base/key_offers.h"

#include <utility>

namespace hookbridge {

absl::StatusOr<uint64_t> KeyOffers::Await(std::string_view source, Take take) {
  MutexLock lock(mutex_);
  if (closed_) return absl::UnavailableError("the bridge stops");
  const auto [it, is_new] = waits_.try_emplace(std::string(source));
  if (!is_new) return absl::AlreadyExistsError("another call waits for this source's key");
  it->second = {.number = ++last_, .take = std::move(take)};
  return last_;
}

bool KeyOffers::Withdraw(std::string_view source, uint64_t wait) {
  std::map<std::string, Wait, std::less<>>::node_type withdrawn;  // destroyed without the lock
  MutexLock lock(mutex_);
  const auto it = waits_.find(source);
  if (it == waits_.end() || it->second.number != wait) return false;
  withdrawn = waits_.extract(it);
  return true;
}

bool KeyOffers::Offer(std::string_view source, OfferedKey&& key) {
  Take take;
  {
    MutexLock lock(mutex_);
    const auto it = waits_.find(source);
    if (it == waits_.end()) return false;
    take = std::move(it->second.take);
    waits_.erase(it);
  }
  take(std::move(key));
  return true;
}

void KeyOffers::Close() {
  std::map<std::string, Wait, std::less<>> ended;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    ended.swap(waits_);
  }
  for (auto& [source, wait] : ended) wait.take(std::nullopt);
}

}  // namespace hookbridge
