#include "server/base/https_url.h"

#include "server/base/limits.h"

#include <algorithm>

namespace hookbridge {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr size_t kHostBytesMax = 253;
constexpr size_t kLabelBytesMax = 63;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kLabelBytesMax && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return IsDigit(c) || IsLower(c) || c == '-';
         });
}

bool IsHost(std::string_view host) {
  if (host.size() > kHostBytesMax) return false;
  while (true) {
    const size_t dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    if (!IsLabel(label)) return false;
    if (dot == std::string_view::npos) return !std::all_of(label.begin(), label.end(), IsDigit);
    host.remove_prefix(dot + 1);
  }
}

bool IsTargetByte(char c) {
  constexpr std::string_view kOthers = "/-._~!$&'()*+,;=:@%?";
  return IsDigit(c) || IsLower(c) || (c >= 'A' && c <= 'Z') ||
         kOthers.find(c) != std::string_view::npos;
}

}  // namespace

std::optional<HttpsUrl> ParseHttpsUrl(std::string_view url) {
  if (url.size() > limits::kUrlBytesMax || !url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const size_t slash = url.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view host = url.substr(0, slash);
  const std::string_view target = url.substr(slash);
  if (!IsHost(host) || !std::all_of(target.begin(), target.end(), IsTargetByte)) {
    return std::nullopt;
  }
  return HttpsUrl{.host = std::string(host), .target = std::string(target)};
}

}  // namespace hookbridge
