#include "client/hookctl/samples.h"

#include "server/base/encoding.h"
#include "server/base/strings.h"

#include "absl/strings/str_replace.h"
#include <openssl/rand.h>

#include <algorithm>
#include <array>

namespace hookbridge::hookctl {
namespace {

// `{uuid}`, `{hex}`, `{number}`, `{iso}`, `{millis}`, `{unix}` and `{ms}` are filled in,
// `{signature}` by the signer. `id` is the event id, empty where the provider has none.
struct Template {
  std::string_view preset;
  std::string_view id;
  std::vector<HeaderField> headers;
  std::string_view body;
};

constexpr std::string_view kPaymentOptions = R"({
  "success": true, "status_code": 200, "is_live": false, "transaction_type": "CAPTURE",
  "gateway_response": {"version": "1.0", "type": "INFO", "message": "Payment successful",
    "code": "INFO0000"},
  "return_url_details": {"webhook_url": "https://shop.example/hooks/po",
    "success_url": "https://shop.example/success", "decline_url": "https://shop.example/decline"},
  "merchant_details": {"legal_name": "Example Shop", "mid": "JP00000328",
    "merchant_txn_ref": "order-{number}"},
  "device_details": {"customer_ip": "192.0.2.10"},
  "payment_details": {"amount": "19.99", "currency": "EUR", "response_code": 0,
    "responseDescription": "Approved", "auth_code": "831000", "payment_method": "CARD",
    "scheme": "MASTERCARD", "card": {"name": "A CUSTOMER", "number": "545454******5454",
      "exp_month": "12", "exp_year": "2031"}},
  "transaction_details": {"id": "{uuid}", "ref": {number}, "timestamp": "{millis}",
    "merchant_txn_ref": "order-{number}"},
  "risk-details": {"risk_score": null}
})";

constexpr std::string_view kStandardWebhooks =
    R"({"type":"invoice.paid","timestamp":"{iso}","data":{"id":"inv_{hex}","number":"{number}",)"
    R"("amount_due":1999,"currency":"eur"}})";

constexpr std::string_view kSvix =
    R"({"type":"user.created","timestamp":"{iso}","data":{"id":"user_{hex}",)"
    R"("email":"customer@shop.example"}})";

constexpr std::string_view kStripe = R"({
  "id": "evt_{hex}",
  "object": "event",
  "api_version": "2024-06-20",
  "created": {unix},
  "data": {"object": {"id": "pi_{hex}", "object": "payment_intent", "amount": 1999,
    "amount_received": 1999, "currency": "eur", "customer": null, "status": "succeeded"}},
  "livemode": false,
  "pending_webhooks": 1,
  "request": {"id": "req_{hex}", "idempotency_key": null},
  "type": "payment_intent.succeeded"
})";

constexpr std::string_view kGithub =
    R"({"action":"opened","issue":{"id":{number},"number":1,"title":"Sample issue","state":"open",)"
    R"("created_at":"{iso}"},"repository":{"id":42,"name":"shop","full_name":"example/shop"},)"
    R"("sender":{"login":"octocat","id":1,"type":"User"}})";

constexpr std::string_view kShopify =
    R"({"id":{number},"admin_graphql_api_id":"gid://shopify/Order/{number}","currency":"EUR",)"
    R"("total_price":"19.99","financial_status":"paid","test":true,"created_at":"{iso}",)"
    R"("updated_at":"{iso}","line_items":[{"id":1,"title":"Sample","quantity":1,)"
    R"("price":"19.99"}]})";

constexpr std::string_view kSlack =
    R"({"token":"sample","team_id":"T0001","api_app_id":"A0001","event":{"type":"app_mention",)"
    R"("user":"U0001","text":"hello","channel":"C0001","event_ts":"{unix}.000100"},)"
    R"("type":"event_callback","event_id":"Ev{hex}","event_time":{unix}})";

constexpr std::string_view kGitlab =
    R"({"object_kind":"push","ref":"refs/heads/main","project":{"id":42,)"
    R"("path_with_namespace":"example/shop"},"commits":[]})";

constexpr std::string_view kBitbucket =
    R"({"actor":{"display_name":"Octo"},"repository":{"full_name":"example/shop"},"push":{}})";

constexpr std::string_view kJira =
    R"({"timestamp":{ms},"webhookEvent":"jira:issue_updated","issue":{"id":"{number}",)"
    R"("key":"SHOP-1"}})";

constexpr std::string_view kMeta =
    R"({"object":"whatsapp_business_account","entry":[{"id":"{number}","time":{unix},"changes":)"
    R"([{"field":"messages","value":{"messages":[{"id":"wamid.{hex}"}]}}]}]})";

constexpr std::string_view kIntercom =
    R"({"type":"notification_event","id":"notif_{uuid}","topic":"contact.created",)"
    R"("created_at":{unix},"data":{"item":{"id":"{hex}"}}})";

constexpr std::string_view kZoom =
    R"({"event":"meeting.started","event_ts":{ms},"payload":{"account_id":"A1",)"
    R"("object":{"uuid":"{hex}","id":"{number}"}}})";

constexpr std::string_view kSquare =
    R"({"merchant_id":"M1","type":"payment.updated","event_id":"{uuid}","created_at":"{iso}",)"
    R"("data":{"type":"payment","id":"{hex}","object":{}}})";

constexpr std::string_view kAdyenPlatforms =
    R"({"type":"balancePlatform.transfer.created","environment":"test","timestamp":"{iso}",)"
    R"("data":{"id":"{hex}","amount":{"value":1999,"currency":"EUR"}}})";

constexpr std::string_view kPaddle =
    R"({"event_id":"evt_{hex}","event_type":"transaction.completed","occurred_at":"{iso}",)"
    R"("notification_id":"ntf_{hex}","data":{"id":"txn_{hex}","status":"completed"}})";

constexpr std::string_view kCoinbaseCommerce =
    R"({"id":1,"attempt_number":1,"event":{"id":"{uuid}","type":"charge:created",)"
    R"("created_at":"{iso}","data":{"code":"C{number}"}}})";

constexpr std::string_view kRazorpay =
    R"({"entity":"event","account_id":"acc_1","event":"payment.captured","created_at":{unix},)"
    R"("payload":{"payment":{"entity":{"id":"pay_{hex}","order_id":"order_{hex}",)"
    R"("amount":1999}}}})";

constexpr std::string_view kMollie =
    R"({"resource":"event","id":"event_{hex}","type":"payment-link.paid","entityId":"pl_{hex}",)"
    R"("createdAt":"{iso}"})";

constexpr std::string_view kCheckoutCom =
    R"({"id":"evt_{hex}","type":"payment_captured","created_on":"{iso}","data":)"
    R"({"id":"pay_{hex}","amount":1999,"currency":"EUR"}})";

constexpr std::string_view kGoCardless =
    R"({"events":[{"id":"EV{hex}","created_at":"{iso}","resource_type":"payments",)"
    R"("action":"confirmed","links":{"payment":"PM1"}}],"meta":{"webhook_id":"WB{hex}"}})";

constexpr std::string_view kKlarna =
    R"({"metadata":{"event_id":"{uuid}","event_type":"payment.session.completed",)"
    R"("occurred_at":"{iso}","correlation_id":"{hex}"},"payload":{}})";

constexpr std::string_view kHubspot =
    R"([{"eventId":{number},"subscriptionId":1,"portalId":62515,"occurredAt":{ms},)"
    R"("subscriptionType":"contact.creation","attemptNumber":0,"objectId":123}])";

constexpr std::string_view kMailgun =
    R"({"signature":{"timestamp":"{unix}","token":"{hex}{hex}","signature":"{signature}"},)"
    R"("event-data":{"id":"{hex}","event":"delivered","timestamp":{unix},"message":)"
    R"({"headers":{"message-id":"{hex}@shop.example"}}}})";

constexpr std::string_view kSendgrid =
    "[{\"email\":\"customer@shop.example\",\"timestamp\":{unix},\"event\":\"delivered\","
    "\"sg_event_id\":\"{hex}\",\"sg_message_id\":\"{hex}\"}]\r\n";

constexpr std::string_view kDiscord =
    R"({"version":1,"application_id":"{number}","type":1,"event":{)"
    R"("type":"ENTITLEMENT_CREATE","timestamp":"{iso}","data":{}}})";

constexpr std::string_view kDropbox =
    R"({"list_folder":{"type":"changes","accounts":["dbid:{hex}"]},"delta":{"users":[{number}]}})";

constexpr std::string_view kLinear =
    R"({"action":"create","type":"Issue","createdAt":"{iso}","data":{"id":"{uuid}",)"
    R"("title":"Sample"},"webhookTimestamp":{ms}})";

constexpr std::string_view kTwilio =
    "AccountSid=AC{hex}&MessageSid=SM{hex}&From=%2B15005550006&To=%2B15005550001&"
    "Body=A+sample&MessageStatus=delivered&SmsStatus=delivered";

constexpr std::string_view kAdyenPayments =
    R"({"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":)"
    R"({"hmacSignature":"{signature}"},"amount":{"currency":"EUR","value":1999},)"
    R"("eventCode":"AUTHORISATION","eventDate":"{iso}","merchantAccountCode":"Shop",)"
    R"("merchantReference":"order-{number}","pspReference":"{number}","reason":"",)"
    R"("success":"true"}}]})";

constexpr std::string_view kPlain =
    R"({"id":"evt_{hex}","type":"sample.created","event":"sample.created","created":{unix},)"
    R"("data":{"number":{number}}})";

std::vector<Template> Templates() {
  return {
      {"payment_options", "", {}, kPaymentOptions},
      {"standard_webhooks", "msg_{hex}", {}, kStandardWebhooks},
      {"svix", "msg_{hex}", {}, kSvix},
      {"stripe", "evt_{hex}", {}, kStripe},
      {"github",
       "{uuid}",
       {{"X-GitHub-Event", "issues"},
        {"X-GitHub-Delivery", "{uuid}"},
        {"X-GitHub-Hook-ID", "1"},
        {"User-Agent", "GitHub-Hookshot/sample"}},
       kGithub},
      {"shopify",
       "{uuid}",
       {{"X-Shopify-Topic", "orders/paid"},
        {"X-Shopify-Shop-Domain", "example.myshopify.com"},
        {"X-Shopify-API-Version", "2024-07"},
        {"X-Shopify-Event-Id", "{uuid}"},
        {"X-Shopify-Webhook-Id", "{uuid}"},
        {"X-Shopify-Triggered-At", "{iso}"},
        {"X-Shopify-Test", "true"}},
       kShopify},
      {"slack", "Ev{hex}", {}, kSlack},
      {"gitlab", "{uuid}", {{"X-Gitlab-Event", "Push Hook"}}, kGitlab},
      {"gitlab_token", "{uuid}", {{"X-Gitlab-Event", "Push Hook"}}, kGitlab},
      {"bitbucket", "{uuid}", {{"X-Event-Key", "repo:push"}}, kBitbucket},
      {"jira", "{uuid}", {}, kJira},
      {"meta", "", {}, kMeta},
      {"intercom", "", {}, kIntercom},
      {"zoom", "", {}, kZoom},
      {"square", "", {}, kSquare},
      {"adyen_platforms", "", {{"Protocol", "HmacSHA256"}}, kAdyenPlatforms},
      {"paddle", "", {}, kPaddle},
      {"coinbase_commerce", "", {}, kCoinbaseCommerce},
      {"razorpay", "{hex}", {}, kRazorpay},
      {"mollie", "", {}, kMollie},
      {"checkout_com", "", {}, kCheckoutCom},
      {"gocardless", "", {}, kGoCardless},
      {"klarna", "", {}, kKlarna},
      {"hubspot", "", {}, kHubspot},
      {"hubspot_v1", "", {{"X-HubSpot-Signature-Version", "v1"}}, kHubspot},
      {"hubspot_v2", "", {{"X-HubSpot-Signature-Version", "v2"}}, kHubspot},
      {"mailgun", "", {}, kMailgun},
      {"twilio", "", {{"Content-Type", "application/x-www-form-urlencoded"}}, kTwilio},
      {"adyen_payments", "", {}, kAdyenPayments},
      {"sendgrid", "", {}, kSendgrid},
      {"discord", "", {}, kDiscord},
      {"dropbox", "", {}, kDropbox},
      {"linear", "{uuid}", {{"Linear-Event", "Issue"}}, kLinear},
  };
}

std::string Uuid(const std::string& unique) {
  return StrCat(unique.substr(0, 8), "-", unique.substr(8, 4), "-4", unique.substr(13, 3), "-a",
                unique.substr(17, 3), "-", unique.substr(20, 12));
}

// Twelve digits, none of them a leading zero.
std::string Number(const std::string& unique) {
  std::string digits = "1";
  for (size_t i = 0; i < 11; ++i) digits += static_cast<char>('0' + unique[i] % 10);
  return digits;
}

std::string FillIn(std::string_view text, const SampleSeed& seed) {
  const auto utc = absl::UTCTimeZone();
  const std::string filled(text);
  return absl::StrReplaceAll(
      filled, {{"{uuid}", Uuid(seed.unique)},
               {"{hex}", seed.unique.substr(0, 24)},
               {"{number}", Number(seed.unique)},
               {"{iso}", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", seed.time, utc)},
               {"{millis}", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", seed.time, utc)},
               {"{unix}", StrCat(absl::ToUnixSeconds(seed.time))},
               {"{ms}", StrCat(absl::ToUnixMillis(seed.time))}});
}

}  // namespace

Sample MakeSample(std::string_view preset, const SampleSeed& seed) {
  const std::vector<Template> templates = Templates();
  const auto found = std::ranges::find(templates, preset, &Template::preset);
  const Template sample =
      found == templates.end() ? Template{preset, "evt_{hex}", {}, kPlain} : *found;
  Sample result{
      .body = FillIn(sample.body, seed), .headers = {}, .event_id = FillIn(sample.id, seed)};
  const bool has_type = std::ranges::any_of(
      sample.headers, [](const auto& header) { return header.first == "Content-Type"; });
  if (!has_type) result.headers.emplace_back("Content-Type", "application/json");
  for (const auto& [name, value] : sample.headers) {
    result.headers.emplace_back(name, FillIn(value, seed));
  }
  return result;
}

SampleSeed NewSeed(absl::Time time) {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return {.unique = HexEncode({reinterpret_cast<const char*>(bytes.data()), bytes.size()}),
          .time = time};
}

}  // namespace hookbridge::hookctl
