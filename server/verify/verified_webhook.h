#pragma once

#include "server/ingress/request.h"

#include "absl/time/time.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace hookbridge {

class Verifier;

using SignedHash = std::array<uint8_t, 32>;

// A request whose authenticity was shown by the scheme bound to its source. Only Verifier makes
// one; convert and everything after it take nothing else, so unverified bytes cannot be stored as
// an event. Owns the request. Move-only. Threads: thread-compatible.
class VerifiedWebhook {
 public:
  VerifiedWebhook(VerifiedWebhook&&) = default;
  VerifiedWebhook& operator=(VerifiedWebhook&&) = default;

  const WebhookRequest& request() const { return request_; }
  // Gives up what the body was inflated to, where the request waits for something.
  void DropInflated() { request_.inflated.reset(); }
  // Id of the key that matched; empty for kind NONE.
  const std::string& key_id() const { return key_id_; }
  // The signed timestamp, where the scheme has one.
  std::optional<absl::Time> signed_time() const { return signed_time_; }
  // Stands for the signed bytes, where nothing else tells a replay (RemembersSigned).
  const std::optional<SignedHash>& signed_hash() const { return signed_hash_; }

 private:
  friend class Verifier;
  VerifiedWebhook(WebhookRequest request, std::string key_id, std::optional<absl::Time> signed_time,
                  std::optional<SignedHash> signed_hash)
      : request_(std::move(request)),
        key_id_(std::move(key_id)),
        signed_time_(signed_time),
        signed_hash_(signed_hash) {}

  WebhookRequest request_;
  std::string key_id_;
  std::optional<absl::Time> signed_time_;
  std::optional<SignedHash> signed_hash_;
};

}  // namespace hookbridge
