#include "server/base/rejection_log.h"

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
  rejected_.push_front(std::move(rejected));
  if (rejected_.size() > limits::kRejectionsMax) rejected_.pop_back();
}

std::vector<RejectedRequest> RejectionLog::Newest(size_t count, std::string_view source,
                                                  std::string_view reason) const {
  std::vector<RejectedRequest> found;
  MutexLock lock(mutex_);
  for (const RejectedRequest& rejected : rejected_) {
    if (found.size() == count) break;
    if (!source.empty() && rejected.source != source) continue;
    if (!reason.empty() && ReasonName(rejected.reason) != reason) continue;
    found.push_back(rejected);
  }
  return found;
}

}  // namespace hookbridge
