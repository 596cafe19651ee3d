#pragma once

#include "server/base/crc32.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "tests/support/request_builder.h"
#include "tests/support/test_certificates.h"

#include "absl/time/time.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

// Messages as SNS and PayPal send them, signed with a certificate of the test's own. Written from
// the providers' documentation, not from the bridge's code.
namespace hookbridge {

inline constexpr char kTopic[] = "arn:aws:sns:us-east-1:123456789012:orders";
inline constexpr char kSnsHost[] = "sns.us-east-1.amazonaws.com";
inline constexpr char kSnsCertificateUrl[] =
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";
inline constexpr char kPaypalHost[] = "api.sandbox.paypal.com";
inline constexpr char kPaypalCertificateUrl[] =
    "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1";

// A message's fields; what is changed after Sign breaks it.
class SnsSample {
 public:
  explicit SnsSample(absl::Time time, const std::string& type = "Notification") {
    fields_ = {{"Type", type},
               {"MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"},
               {"TopicArn", kTopic},
               {"Message", "My first message!"},
               {"Timestamp", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone())},
               {"SignatureVersion", "2"},
               {"SigningCertURL", kSnsCertificateUrl}};
    if (type == "Notification") {
      fields_["Subject"] = "My First Message";
      return;
    }
    fields_["Token"] = "2336412f37";
    fields_["SubscribeURL"] =
        StrCat("https://", kSnsHost, "/?Action=ConfirmSubscription&TopicArn=", kTopic, "&Token=23");
  }

  SnsSample& Set(const std::string& name, const std::string& value) {
    fields_[name] = value;
    return *this;
  }
  SnsSample& Remove(const std::string& name) {
    fields_.erase(name);
    return *this;
  }
  SnsSample& Sign(const TestCertificate& certificate) {
    std::string text;
    for (const char* const name : {"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp",
                                   "Token", "TopicArn", "Type"}) {
      if (const auto it = fields_.find(name); it != fields_.end()) {
        StrAppend(&text, name, "\n", it->second, "\n");
      }
    }
    fields_["Signature"] = Base64Encode(certificate.Sign(text, fields_["SignatureVersion"] == "1"));
    return *this;
  }
  const std::string& Get(const std::string& name) const { return fields_.at(name); }

  std::string Body() const {
    std::string body = "{";
    for (const auto& [name, value] : fields_) {
      std::string escaped;
      for (const char c : value) {
        if (c == '\n') {
          escaped += "\\n";
        } else {
          if (c == '"' || c == '\\') escaped.push_back('\\');
          escaped.push_back(c);
        }
      }
      StrAppend(&body, body.size() > 1 ? "," : "", "\"", name, "\":\"", escaped, "\"");
    }
    return body + "}";
  }
  RequestBuilder Request() const {
    return RequestBuilder()
        .Header("x-amz-sns-message-type", fields_.contains("Type") ? Get("Type") : "none")
        .Header("Content-Type", "text/plain; charset=UTF-8")
        .Body(Body());
  }

 private:
  std::map<std::string, std::string> fields_;
};

// PayPal's headers; one that is changed after Sign breaks it.
class PaypalSample {
 public:
  explicit PaypalSample(absl::Time time) {
    headers_ = {{"paypal-transmission-id", "dfb3be50-fd74-11e4-8bf3-77339302725b"},
                {"paypal-transmission-time",
                 absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone())},
                {"paypal-cert-url", kPaypalCertificateUrl},
                {"paypal-auth-algo", "SHA256withRSA"}};
  }
  PaypalSample& Set(const std::string& name, const std::string& value) {
    headers_[name] = value;
    return *this;
  }
  PaypalSample& Body(const std::string& body) {
    body_ = body;
    return *this;
  }
  PaypalSample& Sign(const TestCertificate& certificate, const std::string& webhook_id,
                     bool sha1 = false) {
    const std::string text =
        StrCat(headers_["paypal-transmission-id"], "|", headers_["paypal-transmission-time"], "|",
               webhook_id, "|", Crc32(body_));
    headers_["paypal-transmission-sig"] = Base64Encode(certificate.Sign(text, sha1));
    return *this;
  }
  RequestBuilder Request() const {
    RequestBuilder request;
    for (const auto& [name, value] : headers_) request.Header(name, value);
    return request.Header("Content-Type", "application/json").Body(body_);
  }

 private:
  std::map<std::string, std::string> headers_;
  std::string body_ = R"({"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"})";
};

}  // namespace hookbridge
