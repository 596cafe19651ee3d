#pragma once

#include "server/base/mutex.h"
#include "server/base/strings.h"
#include "server/ingress/handler.h"

#include <string>
#include <utility>
#include <vector>

namespace hookbridge {

// The rest of the bridge for tests of ingress: keeps what it is given and answers with the body's
// size. Threads: thread-safe.
class FakeHandler final : public RequestHandler {
 public:
  struct Seen {
    std::string method, path, query, source, token, body, remote_address, request_id;
    std::vector<std::pair<std::string, std::string>> headers;
  };

  uint64_t body_bytes_max = 1'000;
  bool hold = false;         // never answers
  std::string not_ready;     // what /readyz tells
  int refuse_admission = 0;  // answers this status before the body

  Admission Admit(const RequestHead& head) override {
    {
      MutexLock lock(mutex_);
      client_names_.assign(head.client_names.begin(), head.client_names.end());
    }
    Admission admission;
    admission.body_bytes_max = body_bytes_max;
    if (refuse_admission != 0 || head.content_length.value_or(0) > body_bytes_max) {
      admission.response.emplace();
      admission.response->status = refuse_admission != 0 ? refuse_admission : 413;
    }
    return admission;
  }

  // Of the newest head.
  std::vector<std::string> client_names() {
    MutexLock lock(mutex_);
    return client_names_;
  }

  void Handle(WebhookRequest request, Lane&, absl::AnyInvocable<void(HttpResponse)> done) override {
    HttpResponse response;
    response.body = StrCat("{\"bytes\":", request.body.size(), "}");
    {
      MutexLock lock(mutex_);
      Seen& seen = seen_.emplace_back(Seen{.method = request.method,
                                           .path = request.path,
                                           .query = request.query,
                                           .source = request.source,
                                           .token = request.token,
                                           .body = request.body,
                                           .remote_address = request.remote_address,
                                           .request_id = request.request_id,
                                           .headers = {}});
      for (const HeaderLine& line : request.headers)
        seen.headers.emplace_back(line.name, line.value);
      if (hold) held_.push_back(std::move(done));
      seen_changed_.NotifyAll();
    }
    if (!hold) done(std::move(response));
  }

  void Refused(Reason reason, std::string_view, std::string_view) override {
    MutexLock lock(mutex_);
    reasons_.emplace_back(ReasonName(reason));
    seen_changed_.NotifyAll();
  }

  std::string NotReadyReason() override { return not_ready; }

  std::vector<Seen> seen() const {
    MutexLock lock(mutex_);
    return seen_;
  }
  std::vector<std::string> reasons() const {
    MutexLock lock(mutex_);
    return reasons_;
  }
  // Waits until so many requests came, or refusals.
  void AwaitSeen(size_t count) {
    MutexLock lock(mutex_);
    while (seen_.size() < count) seen_changed_.Wait(mutex_);
  }
  void AwaitReasons(size_t count) {
    MutexLock lock(mutex_);
    while (reasons_.size() < count) seen_changed_.Wait(mutex_);
  }

 private:
  mutable Mutex mutex_;
  CondVar seen_changed_;
  std::vector<std::string> client_names_ ABSL_GUARDED_BY(mutex_);
  std::vector<Seen> seen_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> reasons_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::AnyInvocable<void(HttpResponse)>> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hookbridge
