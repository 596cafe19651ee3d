#pragma once

#include "server/base/json_tape.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/signed_message.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// What the claims hold for whoever asks on.
struct ClaimedHashes {
  std::optional<std::string> body;
  std::optional<std::string> url;
  std::optional<absl::Time> issued;  // where its age is checked
};

// What a token's claims have to say (JwtRule). Immutable. Source: RFC 7519 section 4.1.
class JwtClaims {
 public:
  JwtClaims() = default;
  // kInvalidArgument for a `config:NAME` that is not in `values`.
  static absl::StatusOr<JwtClaims> Create(const config::v1::JwtRule& rule,
                                          const ConfigValues& values);

  // Fills `hashes`; a refusal when the claims are none, or say something else.
  std::optional<Decision> Check(std::string_view json, absl::Time now, ClaimedHashes& hashes,
                                const Trace& trace) const;

  const std::string& body_hash_claim() const { return body_hash_claim_; }
  const std::string& url_hash_claim() const { return url_hash_claim_; }

 private:
  std::optional<Decision> CheckParties(const JsonTape& tape) const;
  std::optional<Decision> CheckTimes(const JsonTape& tape, absl::Time now, ClaimedHashes& hashes,
                                     const Trace& trace) const;
  bool NamesAnAudience(const JsonTape& tape) const;

  std::vector<std::string> issuers_;
  std::vector<std::string> audiences_;
  std::map<std::string, std::string> texts_;
  std::string body_hash_claim_;
  std::string url_hash_claim_;
  absl::Duration max_age_;
  absl::Duration leeway_;
};

}  // namespace hookbridge
