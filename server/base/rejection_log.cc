#include "server/base/rejection_log.h"

#include <algorithm>
#include <utility>

namespace hookbridge {

void RejectionLog::Add(RejectedRequest rejected) {
  if (rejected.header_names.size() > limits::kRejectionHeadersMax) {
    rejected.header_names.resize(limits::kRejectionHeadersMax);
  }
  for (std::string& name : rejected.header_names) {
    if (name.size() > limits::kNameBytesMax) name.resize(limits::kNameBytesMax);
  }
  MutexLock lock(mutex_);
  const uint64_t key = next_++;
  by_source_[rejected.source_is_unknown ? "" : rejected.source].push_back(key);
  rejected_.emplace(key, std::move(rejected));
  if (rejected_.size() <= limits::kRejectionsMax) return;
  const auto most = std::max_element(
      by_source_.begin(), by_source_.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  rejected_.erase(most->second.front());
  most->second.pop_front();
  if (most->second.empty()) by_source_.erase(most);
}

std::vector<RejectedRequest> RejectionLog::Newest(size_t count, std::string_view source,
                                                  std::string_view reason) const {
  std::vector<RejectedRequest> found;
  MutexLock lock(mutex_);
  for (auto it = rejected_.rbegin(); it != rejected_.rend() && found.size() < count; ++it) {
    const RejectedRequest& rejected = it->second;
    if (!source.empty() && rejected.source != source) continue;
    if (!reason.empty() && ReasonName(rejected.reason) != reason) continue;
    found.push_back(rejected);
  }
  return found;
}

}  // namespace hookbridge
