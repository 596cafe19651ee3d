#pragma once

#include "absl/strings/match.h"
#include "absl/time/time.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Header names compare without case.
inline bool SameHeaderName(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase({a.data(), a.size()}, {b.data(), b.size()});
}

// One header line; the views point into the request that holds it.
struct HeaderLine {
  std::string_view name;
  std::string_view value;  // surrounding blanks removed
};

// A webhook as it came off the socket. Made by an ingress session, handed on by value. Owns its
// bytes: `header_block` keeps its address when the request moves, so the header views stay valid.
// Threads: thread-compatible.
struct WebhookRequest {
  std::string method;
  std::string path;    // without query
  std::string query;   // after `?`, percent-encoding untouched
  std::string source;  // second segment of /hooks/{source}[/{token}]
  std::string token;   // third segment, or empty
  std::vector<char> header_block;
  std::vector<HeaderLine> headers;  // wire order, repeats included
  std::string body;                 // as it came, transfer coding removed
  std::optional<std::string>
      inflated;             // the body without its content coding, once it was asked for
  absl::Time receive_time;  // when the last body byte was there
  std::string remote_address;
  std::string request_id;

  // What the body says: without its content coding, where it has one.
  std::string_view content() const { return inflated ? *inflated : body; }

  // First line of that name, compared without case; nullptr when there is none.
  const HeaderLine* FindHeader(std::string_view name) const {
    for (const HeaderLine& line : headers) {
      if (SameHeaderName(line.name, name)) return &line;
    }
    return nullptr;
  }
  size_t CountHeader(std::string_view name) const {
    size_t count = 0;
    for (const HeaderLine& line : headers) count += SameHeaderName(line.name, name);
    return count;
  }
};

}  // namespace hookbridge
