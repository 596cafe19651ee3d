#pragma once

#include "server/ingress/request.h"
#include "server/verify/fetch_need.h"
#include "server/verify/internal/body_values.h"
#include "server/verify/internal/certificate_gate.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/time_window.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// The signed text of an SNS message: `Key\nValue\n` for the fields of its type in byte order; or
// why there is none. Only Message may hold a line feed, else one text could stand for two messages.
struct SnsText {
  std::string text;
  std::string_view type;  // Notification, SubscriptionConfirmation or UnsubscribeConfirmation
  std::optional<Decision> refused = {};
};
SnsText MakeSnsText(BodyValues& values);

// The host of SNS in the region of a topic; nullopt for a text that is no topic's ARN.
std::optional<std::string> SnsHostOf(std::string_view topic_arn);

// AWS SNS: RSA over fields of the JSON body with the key of a certificate on SNS's own host. The
// region that the host has to be of, and so the host, come from the configured topic, never from
// the request. Source: docs.aws.amazon.com/sns, verifying the signatures of Amazon SNS messages;
// aws/aws-php-sns-message-validator, src/MessageValidator.php. Made once per source. Threads:
// thread-safe.
class SnsCheck {
 public:
  // kInvalidArgument: no topic, one that is no topic's ARN, too many. Each algorithm's hash is a
  // SignatureVersion that is accepted: SHA1 is 1, SHA256 is 2. `authorities_pem` as in
  // CertificateGate.
  static absl::StatusOr<std::unique_ptr<SnsCheck>> Create(const config::v1::Recipe& recipe,
                                                          const std::vector<std::string>& topics,
                                                          const std::string& authorities_pem);

  Decision Decide(const WebhookRequest& request, absl::Time now, const Trace& trace) const;

  // What to ask so that a verified request to confirm a subscription is confirmed; nullopt for
  // other messages.
  std::optional<FetchNeed> Confirmation(const WebhookRequest& request) const;

  CertificateGate& certificates() { return *certificates_; }

 private:
  struct Topic {
    std::string arn;
    std::string host;
  };

  const Topic* FindTopic(std::string_view arn) const;
  // The hash of the SignatureVersion; nullopt when it is not accepted.
  std::optional<config::v1::HashFunction> HashOf(std::string_view version) const;
  std::optional<Decision> CheckUrls(BodyValues& values, const SnsText& text, const Topic& topic,
                                    std::string& certificate_url) const;

  std::vector<Topic> topics_;
  std::vector<config::v1::HashFunction> hashes_;
  std::optional<TimeWindow> window_;
  std::unique_ptr<CertificateGate> certificates_;
};

}  // namespace hookbridge
