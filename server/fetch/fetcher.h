#pragma once

#include "server/base/limits.h"

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace hookbridge {

// What to ask for.
struct FetchRequest {
  std::string url;
  std::string host;         // the one host that the URL may name
  std::string owner;        // whose share it takes, for example the source's name
  std::string bearer = {};  // sent as `Authorization: Bearer`, to `host` alone
  std::string body = {};    // sent by POST as application/json; empty: by GET
  // Joins a request for the same URL and body that is under way. Not for what may have changed
  // since.
  bool shared = false;
};

// What was answered, whatever the status, but for 3xx, which is an error.
struct FetchResult {
  int status = 0;
  std::string body;
};

using FetchDone = absl::AnyInvocable<void(absl::StatusOr<FetchResult>)>;

// The defaults are what the bridge uses; the last two fields are for tests and have no place in the
// configuration.
struct FetcherOptions {
  size_t in_flight_max = limits::kFetchesInFlightMax;
  size_t waiting_max = limits::kFetchesWaitingMax;
  absl::Duration connect_timeout = limits::kFetchConnectTimeout;  // name look-up included
  absl::Duration handshake_timeout = limits::kFetchHandshakeTimeout;
  absl::Duration timeout = limits::kFetchTimeout;  // of the whole, waiting included
  uint64_t answer_bytes_max = limits::kFetchAnswerBytesMax;
  uint32_t header_bytes_max = limits::kFetchHeaderBytesMax;
  std::string extra_authorities_pem = {};             // beside the system's
  std::map<std::string, std::string> addresses = {};  // host → ADDRESS:PORT in place of DNS
};

// The bridge's own HTTPS requests: GET of, or POST to, a URL on a host that the caller has named,
// verified against the system's authorities and the host's name, TLS 1.2 or newer, no redirects, no
// proxy, no cookies, no compression, one connection a request. Made by Bridge when a source needs
// it, called by the pipeline. Ownership: owns its thread. Threads: thread-safe. Never blocks its
// callers; Stop and the destructor wait for the thread, the latter also for a name look-up, which
// cannot be cancelled.
class Fetcher {
 public:
  // kInternal for authorities that cannot be read.
  static absl::StatusOr<std::unique_ptr<Fetcher>> Start(FetcherOptions options = {});
  ~Fetcher();

  // Calls `done` exactly once, on the fetcher's thread or, for what is refused at once, before it
  // returns. kInvalidArgument: the URL is none (base/https_url.h) or on another host, or
  // the body has more than limits::kFetchBodyBytesMax bytes. kResourceExhausted: too many requests
  // wait, or half of all are this owner's.
  // kDeadlineExceeded, kUnavailable: the host cannot be reached in time, or not at all.
  // kPermissionDenied: the certificate is not the host's. kFailedPrecondition: a redirect.
  // kOutOfRange: the answer is too large. kDataLoss: it is cut off, compressed or not HTTP.
  // kCancelled: stopped.
  void Send(FetchRequest request, FetchDone done);

  // Ends what is under way with kCancelled; the second call does nothing.
  void Stop();

 private:
  class Core;
  explicit Fetcher(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace hookbridge
