#include "server/ingress/internal/route.h"

#include "server/base/limits.h"

#include <algorithm>

namespace hookbridge {
namespace {

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsSourceName(std::string_view name) {
  return !name.empty() && name.size() <= limits::kNameBytesMax && name.front() != '-' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '-'; });
}

bool IsUrlToken(std::string_view token) {
  return !token.empty() && token.size() <= limits::kUrlTokenBytesMax &&
         std::all_of(token.begin(), token.end(), [](char c) {
           return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '~' ||
                  c == '-';
         });
}

}  // namespace

Route FindRoute(std::string_view target) {
  Route route;
  const size_t mark = target.find('?');
  route.path = target.substr(0, mark);
  if (mark != std::string_view::npos) route.query = target.substr(mark + 1);
  if (route.path == "/livez") route.kind = RouteKind::kLivez;
  if (route.path == "/readyz") route.kind = RouteKind::kReadyz;
  constexpr std::string_view kHooks = "/hooks/";
  if (!route.path.starts_with(kHooks)) return route;
  const std::string_view rest = route.path.substr(kHooks.size());
  const size_t slash = rest.find('/');
  const std::string_view source = rest.substr(0, slash);
  if (!IsSourceName(source)) return route;
  if (slash != std::string_view::npos) {
    const std::string_view token = rest.substr(slash + 1);
    if (!IsUrlToken(token)) return route;
    route.token = token;
  }
  route.source = source;
  route.kind = RouteKind::kWebhook;
  return route;
}

}  // namespace hookbridge
