#pragma once

#include "client/hookctl/signer.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge::hookctl {

struct Url {
  bool tls = false;
  std::string host;
  uint16_t port = 80;
  std::string path;   // begins with /
  std::string query;  // after ?
};

// http:// and https:// only, without user information. kInvalidArgument.
absl::StatusOr<Url> ParseUrl(std::string_view text);

struct HttpAnswer {
  uint32_t status = 0;
  std::string body;
  std::string retry_after;
};

// One connection to one host, kept between requests and made again when the host closed it.
// Threads: thread-compatible. Blocks: up to 10 s for each wait on the host.
class HttpClient {
 public:
  // `insecure` accepts any certificate.
  HttpClient(Url url, bool insecure);
  ~HttpClient();

  // kUnavailable: no connection, or no answer.
  absl::StatusOr<HttpAnswer> Post(const std::string& target,
                                  const std::vector<HeaderField>& headers, const std::string& body);

  // Announces the whole body, sends half of it and closes.
  absl::Status PostTruncated(const std::string& target, const std::vector<HeaderField>& headers,
                             const std::string& body);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hookbridge::hookctl
