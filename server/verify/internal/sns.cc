#include "server/verify/internal/sns.h"

#include "server/base/encoding.h"
#include "server/base/https_url.h"
#include "server/base/json_pointer.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace hookbridge {
namespace {

constexpr std::string_view kNotification = "Notification";
constexpr std::string_view kSubscription = "SubscriptionConfirmation";
constexpr std::string_view kUnsubscription = "UnsubscribeConfirmation";

constexpr std::string_view kOptionalField = "Subject";
constexpr std::array<std::string_view, 6> kNotificationFields = {
    "Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"};
constexpr std::array<std::string_view, 7> kConfirmationFields = {
    "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"};

std::optional<std::string_view> Field(BodyValues& values, std::string_view name) {
  const auto pointer = JsonPointer::Parse(StrCat("/", name));
  return pointer.ok() ? values.Find(*pointer) : std::nullopt;
}

std::span<const std::string_view> FieldsOf(std::string_view type) {
  if (type == kNotification) return kNotificationFields;
  if (type == kSubscription || type == kUnsubscription) return kConfirmationFields;
  return {};
}

bool IsOneOf(char c, std::string_view others) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         others.find(c) != std::string_view::npos;
}

bool IsText(std::string_view text, std::string_view others, size_t most) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [&](char c) { return IsOneOf(c, others); });
}

// One segment that ends in .pem, without a query.
bool IsCertificateTarget(std::string_view target) {
  constexpr std::string_view kEnd = ".pem";
  constexpr size_t kMost = 128;
  return target.size() > 1 + kEnd.size() && target.ends_with(kEnd) &&
         IsText(target.substr(1), "._-", kMost);
}

Decision NotAllowed(std::string_view field, std::string_view host) {
  return Refuse(Reason::kUrlNotAllowed, StrCat(field, " is not SNS's on ", host));
}

}  // namespace

std::optional<std::string> SnsHostOf(std::string_view topic_arn) {
  constexpr size_t kRegionBytesMax = 32;
  constexpr size_t kNameBytesMax = 256;
  constexpr size_t kAccountDigits = 12;
  std::array<std::string_view, 6> parts;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t colon = i + 1 < parts.size() ? topic_arn.find(':') : topic_arn.size();
    if (colon == std::string_view::npos) return std::nullopt;
    parts[i] = topic_arn.substr(0, colon);
    topic_arn.remove_prefix(std::min(colon + 1, topic_arn.size()));
  }
  const auto [arn, partition, service, region, account, name] = parts;
  const bool digits =
      std::all_of(account.begin(), account.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (arn != "arn" || service != "sns" || account.size() != kAccountDigits || !digits ||
      !IsText(region, "-", kRegionBytesMax) || !IsText(name, "_-.", kNameBytesMax)) {
    return std::nullopt;
  }
  if (partition != "aws" && partition != "aws-cn" && partition != "aws-us-gov") {
    return std::nullopt;
  }
  const std::string host =
      StrCat("sns.", region, partition == "aws-cn" ? ".amazonaws.com.cn" : ".amazonaws.com");
  return ParseHttpsUrl(StrCat("https://", host, "/")) ? std::optional(host) : std::nullopt;
}

SnsText MakeSnsText(BodyValues& values) {
  SnsText made;
  made.type = Field(values, "Type").value_or("");
  const auto fields = FieldsOf(made.type);
  if (fields.empty()) {
    made.refused = Refuse(Reason::kSignatureMalformed, "Type is none of SNS's");
    return made;
  }
  for (const std::string_view name : fields) {
    const auto value = Field(values, name);
    if (!value) {
      if (name == kOptionalField) continue;
      made.refused = Refuse(Reason::kSignedHeaderMissing, StrCat("no /", name, " in the body"));
      return made;
    }
    if (name != "Message" && value->find('\n') != std::string_view::npos) {
      made.refused = Refuse(Reason::kSignatureMalformed, StrCat(name, " holds a line feed"));
      return made;
    }
    StrAppend(&made.text, name, '\n', *value, '\n');
  }
  return made;
}

absl::StatusOr<std::unique_ptr<SnsCheck>> SnsCheck::Create(const config::v1::Recipe& recipe,
                                                           const std::vector<std::string>& topics,
                                                           const std::string& authorities_pem) {
  auto made = std::make_unique<SnsCheck>();
  if (topics.empty()) {
    return absl::InvalidArgumentError(
        "topic_arns: is empty; write the ARN of each topic: anyone can send what AWS signs from a "
        "topic of their own");
  }
  if (topics.size() > limits::kTopicArnsMax) {
    return absl::InvalidArgumentError(StrCat("topic_arns: more than ", limits::kTopicArnsMax));
  }
  CertificatePolicy policy{
      .names = {"sns.amazonaws.com", "sns.amazonaws.com.cn"},
      .issuer_may_be_missing = recipe.certificate().trust() == config::v1::CERTIFICATE_TRUST_HOST};
  for (const std::string& arn : topics) {
    auto host = SnsHostOf(arn);
    if (!host) {
      return absl::InvalidArgumentError(
          StrCat("topic_arns: `", arn, "` is not arn:aws:sns:REGION:ACCOUNT:NAME"));
    }
    policy.names.push_back(*host);
    made->topics_.push_back({.arn = arn, .host = *std::move(host)});
  }
  for (const auto& algorithm : recipe.algorithms()) made->hashes_.push_back(algorithm.hash());
  if (recipe.has_timestamp()) made->window_ = TimeWindow(recipe.timestamp());
  auto certificates = CertificateGate::Create(std::move(policy), authorities_pem);
  if (!certificates.ok()) return certificates.status();
  made->certificates_ = *std::move(certificates);
  return made;
}

const SnsCheck::Topic* SnsCheck::FindTopic(std::string_view arn) const {
  const auto it = std::find_if(topics_.begin(), topics_.end(),
                               [arn](const Topic& topic) { return topic.arn == arn; });
  return it == topics_.end() ? nullptr : &*it;
}

std::optional<config::v1::HashFunction> SnsCheck::HashOf(std::string_view version) const {
  for (const auto hash : hashes_) {
    const bool is_sha1 = hash == config::v1::HASH_FUNCTION_SHA1;
    if (version == (is_sha1 ? "1" : "2")) return hash;
  }
  return std::nullopt;
}

std::optional<Decision> SnsCheck::CheckUrls(BodyValues& values, const SnsText& text,
                                            const Topic& topic,
                                            std::string& certificate_url) const {
  certificate_url = Field(values, "SigningCertURL").value_or("");
  const auto signing = ParseHttpsUrl(certificate_url);
  if (!signing || signing->host != topic.host || !IsCertificateTarget(signing->target)) {
    return NotAllowed("SigningCertURL", topic.host);
  }
  if (text.type != kSubscription) return std::nullopt;
  const auto subscribe = ParseHttpsUrl(Field(values, "SubscribeURL").value_or(""));
  if (!subscribe || subscribe->host != topic.host ||
      !subscribe->target.starts_with("/?Action=ConfirmSubscription&")) {
    return NotAllowed("SubscribeURL", topic.host);
  }
  return std::nullopt;
}

Decision SnsCheck::Decide(const WebhookRequest& request, absl::Time now, const Trace& trace) const {
  BodyValues values(request);
  const auto signature = Field(values, "Signature");
  if (!signature) return Refuse(Reason::kSignatureMissing, "no /Signature in the body");
  const auto hash = HashOf(Field(values, "SignatureVersion").value_or(""));
  if (!hash) {
    return Refuse(Reason::kSignatureMalformed,
                  "this SignatureVersion is not accepted; set the topic's attribute "
                  "SignatureVersion to 2");
  }
  const Topic* const topic = FindTopic(Field(values, "TopicArn").value_or(""));
  if (topic == nullptr) return Refuse(Reason::kTopicNotAllowed, "TopicArn is not in topic_arns");
  const SnsText text = MakeSnsText(values);
  if (text.refused) return *text.refused;
  if (trace.on()) trace.Ok("signed fields", StrCat(text.type, ", ", text.text.size(), " bytes"));

  absl::Time time = absl::InfinitePast();
  if (window_) {
    const std::string_view stamp = Field(values, "Timestamp").value_or("");
    if (auto refused = window_->Check(stamp, now, time)) return *std::move(refused);
    if (trace.on()) trace.Ok("timestamp", StrCat(stamp, " is within the window"));
  }
  const auto bytes = Base64Decode(*signature);
  if (!bytes) return Refuse(Reason::kSignatureMalformed, "Signature is not base64");
  std::string url;
  if (auto refused = CheckUrls(values, text, *topic, url)) return *std::move(refused);

  Decision decision;
  const auto certificate = certificates_->Find(url, topic->host, now, decision);
  if (certificate == nullptr) return decision;
  if (trace.on()) trace.Ok("certificate", url);
  const std::string_view parts[] = {text.text};
  if (!certificate->key.WithHash(*hash).Verify(parts, *bytes)) {
    return Refuse(Reason::kSignatureMismatch, "the certificate's key does not match these fields");
  }
  decision.key_id = "certificate";
  if (window_) decision.signed_time = time;
  return decision;
}

std::optional<FetchNeed> SnsCheck::Confirmation(const WebhookRequest& request) const {
  BodyValues values(request);
  if (Field(values, "Type") != kSubscription) return std::nullopt;
  const Topic* const topic = FindTopic(Field(values, "TopicArn").value_or(""));
  const auto url = Field(values, "SubscribeURL");
  if (topic == nullptr || !url) return std::nullopt;
  return FetchNeed{.purpose = FetchPurpose::kConfirmation,
                   .url = std::string(*url),
                   .host = topic->host,
                   .bearer = {}};
}

}  // namespace hookbridge
