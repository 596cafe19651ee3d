#include "server/quarantine/internal/index.h"

#include "server/base/strings.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace hookbridge::internal {
namespace {

constexpr std::string_view kSuffix = ".request";
constexpr size_t kTimeDigits = 13;
constexpr size_t kSequenceDigits = 6;
constexpr size_t kIdAt = kTimeDigits + 1 + kSequenceDigits + 1;
constexpr uint64_t kBlockBytes = 4'096;

std::string Padded(int64_t number, size_t digits) {
  std::string text = StrCat(number);
  text.insert(0, digits - std::min(digits, text.size()), '0');
  return text;
}

std::optional<int64_t> ParseDigits(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text[0] == '-') {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::string FileName(absl::Time time, int64_t sequence, std::string_view request_id,
                     std::string_view source) {
  return StrCat(Padded(absl::ToUnixMillis(time), kTimeDigits), "-",
                Padded(sequence, kSequenceDigits), "-", request_id, ".", source, kSuffix);
}

std::optional<KeptRequest> ParseFileName(std::string_view name) {
  KeptRequest parsed;
  parsed.name = name;
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  if (name.size() <= kIdAt || name[kTimeDigits] != '-' || name[kIdAt - 1] != '-') {
    return std::nullopt;
  }
  const auto ms = ParseDigits(name.substr(0, kTimeDigits));
  if (!ms || !ParseDigits(name.substr(kTimeDigits + 1, kSequenceDigits))) return std::nullopt;
  parsed.time = absl::FromUnixMillis(*ms);
  name.remove_prefix(kIdAt);
  const size_t dot = name.rfind('.');
  parsed.request_id = name.substr(0, dot);
  if (dot != std::string_view::npos) parsed.source = name.substr(dot + 1);
  return parsed;
}

uint64_t BytesOnDisk(uint64_t file_bytes) {
  return (std::max<uint64_t>(file_bytes, 1) + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

void QuarantineIndex::Add(KeptRequest request) {
  const Order order = next_++;
  Share& share = shares_[request.source];
  share.files.insert(order);
  share.bytes += request.bytes;
  bytes_ += request.bytes;
  by_id_.insert_or_assign(request.request_id, order);
  kept_.emplace(order, std::move(request));
}

std::string QuarantineIndex::NameOf(std::string_view request_id) const {
  const auto it = by_id_.find(request_id);
  return it == by_id_.end() ? "" : kept_.at(it->second).name;
}

std::vector<std::string> QuarantineIndex::Newest(std::string_view source) const {
  std::vector<std::string> names;
  for (auto it = kept_.rbegin(); it != kept_.rend(); ++it) {
    if (source.empty() || it->second.source == source) names.push_back(it->second.name);
  }
  return names;
}

std::string QuarantineIndex::Remove(std::string_view request_id) {
  const auto it = by_id_.find(request_id);
  return it == by_id_.end() ? "" : Erase(it->second);
}

std::vector<std::string> QuarantineIndex::TakeExcess(uint64_t bytes_max, size_t files_max) {
  const auto less_bytes = [](const auto& a, const auto& b) {
    return a.second.bytes < b.second.bytes;
  };
  const auto less_files = [](const auto& a, const auto& b) {
    return a.second.files.size() < b.second.files.size();
  };
  std::vector<std::string> names;
  while (bytes_ > bytes_max || kept_.size() > files_max) {
    const auto most = bytes_ > bytes_max
                          ? std::max_element(shares_.begin(), shares_.end(), less_bytes)
                          : std::max_element(shares_.begin(), shares_.end(), less_files);
    names.push_back(Erase(*most->second.files.begin()));
  }
  return names;
}

std::vector<std::string> QuarantineIndex::TakeOlder(absl::Time than) {
  std::vector<std::string> names;
  while (!kept_.empty() && kept_.begin()->second.time < than) {
    names.push_back(Erase(kept_.begin()->first));
  }
  return names;
}

std::string QuarantineIndex::Erase(Order order) {
  const auto it = kept_.find(order);
  KeptRequest& request = it->second;
  const auto share = shares_.find(request.source);
  share->second.files.erase(order);
  share->second.bytes -= request.bytes;
  if (share->second.files.empty()) shares_.erase(share);
  const auto by_id = by_id_.find(request.request_id);
  if (by_id != by_id_.end() && by_id->second == order) by_id_.erase(by_id);
  bytes_ -= request.bytes;
  std::string name = std::move(request.name);
  kept_.erase(it);
  return name;
}

}  // namespace hookbridge::internal
