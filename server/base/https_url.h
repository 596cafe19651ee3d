#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hookbridge {

// A URL that the bridge may ask.
struct HttpsUrl {
  std::string host;    // lower case
  std::string target;  // path and query; begins with `/`
};

// Reads `https://host/path[?query]`, as strictly as a URL from a stranger needs: nullopt for
// another scheme or case, user information, a port, a fragment, an empty path, a host that is not
// lower-case letters, digits, `-` and `.` in labels of 1 to 63 (so no address in brackets, no dot
// at the end, nothing percent-encoded), an all-digit last label (an address), a byte that RFC 3986
// does not have in a path or query, and more than limits::kUrlBytesMax bytes. Pure.
std::optional<HttpsUrl> ParseHttpsUrl(std::string_view url);

}  // namespace hookbridge
