#pragma once

#include "server/base/reason.h"
#include "server/ingress/request.h"

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What ingress knows of the rest: a handler that it declares itself and the pipeline implements.
namespace hookbridge {

// An answer to the sender. The body never carries internal text nor echoes input, but for a
// handshake's echo.
struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";  // empty: no Content-Type
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // for example Retry-After, Allow
  bool close = false;                                        // close the connection afterwards
};

// One ingress thread with its event loop. Threads: thread-safe. Lives as long as the server.
class Lane {
 public:
  virtual ~Lane() = default;
  // From 0 to the configured number of threads - 1.
  virtual size_t index() const = 0;
  // Runs `work` on the lane's thread. One call is one wake-up.
  virtual void Post(absl::AnyInvocable<void()> work) = 0;
};

// The head of a request before its body is read; views are valid during the call.
struct RequestHead {
  std::string_view method;
  std::string_view source;
  std::string_view token;
  std::string_view query;
  std::optional<uint64_t> content_length;  // unset when chunked
  std::string_view remote_address = {};    // of the sender, trusted proxies resolved
  std::span<const HeaderLine> headers = {};
  std::span<const std::string> client_names = {};  // of a verified client certificate
};

// Held from admission until the request is answered; its destructor gives the budget back.
class AdmissionTicket {
 public:
  virtual ~AdmissionTicket() = default;
  // Charges `bytes` of the body that have come; false when the budget is spent.
  virtual bool Grow(uint64_t bytes) = 0;
};

// What ingress refused by itself; views are valid during the call.
struct IngressRefusal {
  Reason reason = Reason::kInternal;
  std::string_view source = {};  // of its own target; empty where that was not known yet
  std::string_view rule = {};    // what was broken, in constant words for the operator
  std::string_view remote_address = {};
  std::span<const std::string_view> header_names = {};  // those that were read
};

// Whether to read the body.
struct Admission {
  // Set: answer this, without reading the body. Closes the connection unless there is no body.
  std::optional<HttpResponse> response;
  // Else: body limit of the source, and the ticket to hold (may be null).
  uint64_t body_bytes_max = 0;
  std::unique_ptr<AdmissionTicket> ticket;
};

// The rest of the bridge, as ingress sees it. Outlives the server. Threads: thread-safe; called
// from every lane. Never blocks.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  // Decides on the head alone: source, method, declared size, readiness. Also answers
  // handshakes (HEAD, GET) and counts what it refuses.
  virtual Admission Admit(const RequestHead& head) = 0;

  // Takes a whole request. Calls `done` exactly once, on `lane`'s thread, possibly before it
  // returns. The session may be gone by then; `done` copes.
  virtual void Handle(WebhookRequest request, Lane& lane,
                      absl::AnyInvocable<void(HttpResponse)> done) = 0;

  // Ingress refused by itself. For counters, list and log.
  virtual void Refused(const IngressRefusal& refusal) = 0;

  // For GET /readyz: empty when ready, else why not, one line for the operator's log. The body of
  // the answer is only `ready` or `not ready`.
  virtual std::string NotReadyReason() = 0;
};

}  // namespace hookbridge
