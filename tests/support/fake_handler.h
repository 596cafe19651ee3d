#pragma once

#include "server/base/mutex.h"
#include "server/base/strings.h"
#include "server/ingress/handler.h"

#include <atomic>
#include <cstdint>
#include <memory>
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

  // What stood beside a reason.
  struct SeenRefusal {
    std::string source, rule, remote_address;
    std::vector<std::string> header_names;
  };

  uint64_t body_bytes_max = 1'000;
  uint64_t body_budget = UINT64_MAX;  // of all requests together
  std::atomic<bool> hold = false;     // answers only when released
  std::string not_ready;              // what /readyz tells
  int refuse_admission = 0;           // answers this status before the body
  // Holds the lane's thread in its next admission until Unblock.
  std::atomic<bool> block_admission = false;

  Admission Admit(const RequestHead& head) override {
    {
      MutexLock lock(mutex_);
      client_names_.assign(head.client_names.begin(), head.client_names.end());
      while (block_admission) {
        blocked_ = true;
        seen_changed_.NotifyAll();
        seen_changed_.Wait(mutex_);
      }
    }
    Admission admission;
    admission.body_bytes_max = body_bytes_max;
    admission.ticket = std::make_unique<Ticket>(*this);
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

  void Handle(WebhookRequest request, Lane& lane,
              absl::AnyInvocable<void(HttpResponse)> done) override {
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
      seen_changed_.NotifyAll();
      if (hold) {
        held_.push_back({&lane, std::move(done)});
        return;
      }
    }
    done(std::move(response));
  }

  void Refused(const IngressRefusal& refusal) override {
    MutexLock lock(mutex_);
    reasons_.emplace_back(ReasonName(refusal.reason));
    refusals_.push_back(
        {.source = std::string(refusal.source),
         .rule = std::string(refusal.rule),
         .remote_address = std::string(refusal.remote_address),
         .header_names = {refusal.header_names.begin(), refusal.header_names.end()}});
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
  std::vector<SeenRefusal> refusals() const {
    MutexLock lock(mutex_);
    return refusals_;
  }
  void AwaitBlocked() {
    MutexLock lock(mutex_);
    while (!blocked_) seen_changed_.Wait(mutex_);
  }
  void Unblock() {
    MutexLock lock(mutex_);
    block_admission = false;
    seen_changed_.NotifyAll();
  }
  // Answers what was held, and holds no more.
  void Release() {
    std::vector<Held> held;
    {
      MutexLock lock(mutex_);
      hold = false;
      held.swap(held_);
    }
    for (Held& one : held) {
      one.lane->Post([done = std::move(one.done)]() mutable {
        HttpResponse response;
        response.body = "{}";
        done(std::move(response));
      });
    }
  }
  // Waits until so many bytes of bodies are charged.
  void AwaitCharged(uint64_t bytes) {
    MutexLock lock(mutex_);
    while (charged_ != bytes) seen_changed_.Wait(mutex_);
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
  struct Held {
    Lane* lane;
    absl::AnyInvocable<void(HttpResponse)> done;
  };
  class Ticket final : public AdmissionTicket {
   public:
    explicit Ticket(FakeHandler& handler) : handler_(handler) {}
    ~Ticket() override { handler_.Charge(-static_cast<int64_t>(bytes_)); }
    bool Grow(uint64_t bytes) override {
      if (!handler_.Charge(static_cast<int64_t>(bytes))) return false;
      bytes_ += bytes;
      return true;
    }

   private:
    FakeHandler& handler_;
    uint64_t bytes_ = 0;
  };

  bool Charge(int64_t bytes) {
    MutexLock lock(mutex_);
    const uint64_t sum = charged_ + static_cast<uint64_t>(bytes);
    if (sum > body_budget) return false;
    charged_ = sum;
    seen_changed_.NotifyAll();
    return true;
  }

  mutable Mutex mutex_;
  uint64_t charged_ ABSL_GUARDED_BY(mutex_) = 0;
  CondVar seen_changed_;
  std::vector<std::string> client_names_ ABSL_GUARDED_BY(mutex_);
  std::vector<Seen> seen_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> reasons_ ABSL_GUARDED_BY(mutex_);
  std::vector<SeenRefusal> refusals_ ABSL_GUARDED_BY(mutex_);
  std::vector<Held> held_ ABSL_GUARDED_BY(mutex_);
  bool blocked_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hookbridge
