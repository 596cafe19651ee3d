#pragma once

#include <string_view>

namespace hookbridge {

enum class RouteKind { kWebhook, kLivez, kReadyz, kNotFound };

// Where a request target leads. Views point into the target.
struct Route {
  RouteKind kind = RouteKind::kNotFound;
  std::string_view path;
  std::string_view query;
  std::string_view source;
  std::string_view token;
};

// /livez, /readyz, /hooks/{source} and /hooks/{source}/{token}: source ^[a-z0-9][a-z0-9-]{0,62}$,
// token 1 to limits::kUrlTokenBytesMax characters of [A-Za-z0-9._~-], nothing percent-encoded.
// Pure.
Route FindRoute(std::string_view target);

}  // namespace hookbridge
