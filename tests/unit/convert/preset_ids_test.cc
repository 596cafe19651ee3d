#include "server/base/strings.h"
#include "server/convert/converter.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/request_builder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <map>
#include <string>
#include <vector>

namespace hookbridge {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Sent {
  Headers headers = {};
  std::string body = "{}";
};

// What the provider sends, sends again, and sends as another webhook that is easily mistaken for
// it.
struct Case {
  std::string preset;
  Sent first;
  Sent retry;
  Sent other;
};

const Headers kForm = {{"Content-Type", "application/x-www-form-urlencoded"}};
const Sent kEvent1{.body = R"({"id":"1"})"};
const Sent kEvent2{.body = R"({"id":"2"})"};

std::vector<Case> Cases() {
  const auto header = [](const std::string& name, const std::string& value) {
    return Sent{.headers = {{name, value}}};
  };
  const auto adyen = [](const std::string& psp) {
    return Sent{.body =
                    StrCat(R"({"notificationItems":[{"NotificationRequestItem":{"eventCode":"A",)",
                           R"("success":"true","pspReference":")", psp, R"("}}]})")};
  };
  const auto hubspot = [](int attempt, int event) {
    return Sent{.body = StrCat(R"([{"subscriptionId":1,"eventId":)", event,
                               R"(,"objectId":3,"occurredAt":4,"attemptNumber":)", attempt, "}]")};
  };
  const auto whatsapp = [](const std::string& id, const std::string& status) {
    return Sent{.body = StrCat(R"({"entry":[{"changes":[{"value":{"statuses":[{"id":")", id,
                               R"(","status":")", status, R"("}]}}]}]})")};
  };
  const auto xero = [](const std::string& resource, const std::string& second) {
    return Sent{.body = StrCat(R"({"events":[{"tenantId":"t","eventCategory":"INVOICE",)",
                               R"("resourceId":")", resource, R"(","eventType":"UPDATE",)",
                               R"("eventDateUtc":"2026-01-31T12:00:)", second, R"("}]})")};
  };
  const auto payfast = [](const std::string& id, const std::string& status) {
    return Sent{.body = StrCat("pf_payment_id=", id, "&payment_status=", status)};
  };
  const auto mandrill = [](const std::string& kind, int second) {
    return Sent{.headers = kForm,
                .body = StrCat("mandrill_events=[{\"event\":\"", kind,
                               "\",\"_id\":\"m\",\"ts\":", second, "}]")};
  };
  const auto dropbox_sign = [](const std::string& hash, const std::string& request) {
    return Sent{.body = StrCat(R"({"event":{"event_hash":")", hash,
                               R"("},"signature_request":{"signature_request_id":")", request,
                               R"("}})")};
  };
  const auto paymob = [](int id, const std::string& success) {
    return Sent{.body = StrCat(R"({"obj":{"id":)", id, R"(,"success":)", success,
                               R"(,"pending":false,"is_capture":false,"is_refunded":false,)",
                               R"("is_voided":false,"amount_cents":1}})")};
  };
  const auto grid = [](const std::string& id) {
    return Sent{.body = StrCat(R"([{"topic":"/t","id":")", id, R"("}])")};
  };
  return {
      {"adyen_payments", adyen("P1"), adyen("P1"), adyen("P2")},
      {"aws_sns",
       {.body = R"({"MessageId":"1","UnsubscribeURL":"a"})"},
       {.body = R"({"MessageId":"1","UnsubscribeURL":"b"})"},
       {.body = R"({"MessageId":"2"})"}},
      {"azure_event_grid", grid("1"), grid("1"), grid("2")},
      {"bitbucket",
       {.headers = {{"X-Request-UUID", "1"}, {"X-Attempt-Number", "1"}}},
       {.headers = {{"X-Request-UUID", "1"}, {"X-Attempt-Number", "2"}}},
       {.headers = {{"X-Request-UUID", "2"}, {"X-Attempt-Number", "1"}}}},
      {"checkout_com", kEvent1, kEvent1, kEvent2},
      {"cloudevents",
       {.body = R"({"source":"/a","id":"1"})"},
       {.body = R"({"source":"/a","id":"1"})"},
       {.body = R"({"source":"/b","id":"1"})"}},
      {"cloudevents",
       {.body = R"([{"source":"/a","id":"1"}])"},
       {.body = R"([{"source":"/a","id":"1"}])"},
       {.body = R"([{"source":"/a","id":"2"}])"}},
      {"coinbase_commerce",
       {.body = R"({"attempt_number":1,"event":{"id":"1"}})"},
       {.body = R"({"attempt_number":2,"event":{"id":"1"}})"},
       {.body = R"({"attempt_number":1,"event":{"id":"2"}})"}},
      {"ebay",
       {.body = R"({"notification":{"notificationId":"1","publishAttemptCount":1}})"},
       {.body = R"({"notification":{"notificationId":"1","publishAttemptCount":2}})"},
       {.body = R"({"notification":{"notificationId":"2","publishAttemptCount":1}})"}},
      {"github", header("X-GitHub-Delivery", "1"), header("X-GitHub-Delivery", "1"),
       header("X-GitHub-Delivery", "2")},
      {"gitlab",
       {.headers = {{"webhook-id", "1"}, {"X-Gitlab-Event-UUID", "chain"}}},
       {.headers = {{"webhook-id", "1"}, {"X-Gitlab-Event-UUID", "chain"}}},
       {.headers = {{"webhook-id", "2"}, {"X-Gitlab-Event-UUID", "chain"}}}},
      {"gitlab_token",
       {.headers = {{"Idempotency-Key", "1"}, {"X-Gitlab-Event-UUID", "chain"}}},
       {.headers = {{"Idempotency-Key", "1"}, {"X-Gitlab-Event-UUID", "chain"}}},
       {.headers = {{"Idempotency-Key", "2"}, {"X-Gitlab-Event-UUID", "chain"}}}},
      {"gocardless",
       {.body = R"({"events":[{"id":"EV1"}]})"},
       {.body = R"({"events":[{"id":"EV1"}]})"},
       {.body = R"({"events":[{"id":"EV2"}]})"}},
      {"hubspot", hubspot(0, 1), hubspot(1, 1), hubspot(0, 2)},
      {"hubspot_v1", hubspot(0, 1), hubspot(1, 1), hubspot(0, 2)},
      {"hubspot_v2", hubspot(0, 1), hubspot(1, 1), hubspot(0, 2)},
      {"intercom",
       {.body = R"({"id":"notif_1","delivery_attempts":1})"},
       {.body = R"({"id":"notif_1","delivery_attempts":2})"},
       {.body = R"({"id":"notif_2","delivery_attempts":1})"}},
      {"jira",
       header("X-Atlassian-Webhook-Identifier", "1"),
       {.headers = {{"X-Atlassian-Webhook-Identifier", "1"}, {"X-Atlassian-Webhook-Retry", "1"}}},
       header("X-Atlassian-Webhook-Identifier", "2")},
      {"klarna",
       {.body = R"({"metadata":{"event_id":"1"}})"},
       {.body = R"({"metadata":{"event_id":"1"}})"},
       {.body = R"({"metadata":{"event_id":"2"}})"}},
      {"linear",
       {.headers = {{"Linear-Delivery", "1"}}, .body = R"({"webhookTimestamp":1})"},
       {.headers = {{"Linear-Delivery", "1"}}, .body = R"({"webhookTimestamp":2})"},
       {.headers = {{"Linear-Delivery", "2"}}, .body = R"({"webhookTimestamp":1})"}},
      {"mailgun",
       {.body = R"({"signature":{"token":"1"},"event-data":{"id":"e"}})"},
       {.body = R"({"signature":{"token":"1"},"event-data":{"id":"e"}})"},
       {.body = R"({"signature":{"token":"2"},"event-data":{"id":"e"}})"}},
      {"meta", whatsapp("wamid.1", "sent"), whatsapp("wamid.1", "sent"),
       whatsapp("wamid.1", "read")},
      {"microsoft_graph",
       {.body = R"({"value":[{"id":"1"}]})"},
       {.body = R"({"value":[{"id":"1"}]})"},
       {.body = R"({"value":[{"id":"2"}]})"}},
      {"mollie", kEvent1, kEvent1, kEvent2},
      {"notion",
       {.body = R"({"id":"1","attempt_number":1})"},
       {.body = R"({"id":"1","attempt_number":2})"},
       {.body = R"({"id":"2","attempt_number":1})"}},
      {"okta",
       {.body = R"({"data":{"events":[{"uuid":"1"}]}})"},
       {.body = R"({"data":{"events":[{"uuid":"1"}]}})"},
       {.body = R"({"data":{"events":[{"uuid":"2"}]}})"}},
      {"paddle",
       {.body = R"({"event_id":"1","notification_id":"n"})"},
       {.body = R"({"event_id":"1","notification_id":"n"})"},
       {.body = R"({"event_id":"2"})"}},
      {"paypal", header("paypal-transmission-id", "1"), header("paypal-transmission-id", "1"),
       header("paypal-transmission-id", "2")},
      {"razorpay", header("x-razorpay-event-id", "1"), header("x-razorpay-event-id", "1"),
       header("x-razorpay-event-id", "2")},
      {"sendgrid",
       {.body = R"([{"sg_event_id":"1"}])"},
       {.body = R"([{"sg_event_id":"1"}])"},
       {.body = R"([{"sg_event_id":"2"}])"}},
      {"shopify",
       {.headers = {{"X-Shopify-Webhook-Id", "1"}, {"X-Shopify-Event-Id", "shared"}}},
       {.headers = {{"X-Shopify-Webhook-Id", "1"}, {"X-Shopify-Event-Id", "shared"}}},
       {.headers = {{"X-Shopify-Webhook-Id", "2"}, {"X-Shopify-Event-Id", "shared"}}}},
      {"shopify",
       {.headers = {{"shopify-webhook-id", "1"}, {"shopify-event-id", "shared"}}},
       {.headers = {{"shopify-webhook-id", "1"}, {"shopify-event-id", "shared"}}},
       {.headers = {{"shopify-webhook-id", "2"}, {"shopify-event-id", "shared"}}}},
      {"slack",
       {.body = R"({"event_id":"1"})"},
       {.headers = {{"X-Slack-Retry-Num", "1"}}, .body = R"({"event_id":"1"})"},
       {.body = R"({"event_id":"2"})"}},
      {"square",
       {.body = R"({"event_id":"1"})"},
       {.headers = {{"square-retry-number", "1"}}, .body = R"({"event_id":"1"})"},
       {.body = R"({"event_id":"2"})"}},
      {"standard_webhooks", header("webhook-id", "1"), header("webhook-id", "1"),
       header("webhook-id", "2")},
      {"stripe", kEvent1, kEvent1, kEvent2},
      {"svix", header("svix-id", "1"), header("svix-id", "1"), header("svix-id", "2")},
      {"twilio", header("I-Twilio-Idempotency-Token", "1"),
       header("I-Twilio-Idempotency-Token", "1"), header("I-Twilio-Idempotency-Token", "2")},
      {"airwallex", kEvent1, kEvent1, kEvent2},
      {"authorize_net",
       {.body = R"({"notificationId":"1","payload":{"id":"p"}})"},
       {.body = R"({"notificationId":"1","payload":{"id":"p"}})"},
       {.body = R"({"notificationId":"2","payload":{"id":"p"}})"}},
      {"box",
       {.headers = {{"BOX-DELIVERY-ID", "d1"}}, .body = R"({"id":"1"})"},
       {.headers = {{"BOX-DELIVERY-ID", "d2"}}, .body = R"({"id":"1"})"},
       {.headers = {{"BOX-DELIVERY-ID", "d1"}}, .body = R"({"id":"2"})"}},
      {"chargebee", kEvent1, kEvent1, kEvent2},
      {"clerk", header("svix-id", "1"), header("svix-id", "1"), header("svix-id", "2")},
      {"fireblocks", kEvent1, kEvent1, kEvent2},
      {"mailgun_routes",
       {.headers = kForm, .body = "token=1&Message-Id=m"},
       {.headers = kForm, .body = "token=1&Message-Id=m"},
       {.headers = kForm, .body = "token=2&Message-Id=m"}},
      {"mandrill", mandrill("open", 1), mandrill("open", 1), mandrill("open", 2)},
      {"mandrill", mandrill("open", 1), mandrill("open", 1), mandrill("click", 1)},
      {"dropbox_sign", dropbox_sign("h1", "r1"), dropbox_sign("h1", "r1"),
       dropbox_sign("h1", "r2")},
      {"dropbox_sign", dropbox_sign("h1", "r1"), dropbox_sign("h1", "r1"),
       dropbox_sign("h2", "r1")},
      {"mercado_pago",
       {.headers = {{"x-request-id", "1"}}, .body = R"({"id":1})"},
       {.headers = {{"x-request-id", "1"}}, .body = R"({"id":1})"},
       {.headers = {{"x-request-id", "2"}}, .body = R"({"id":1})"}},
      {"pagerduty",
       {.body = R"({"event":{"id":"1","data":{"id":"i"}}})"},
       {.body = R"({"event":{"id":"1","data":{"id":"i"}}})"},
       {.body = R"({"event":{"id":"2","data":{"id":"i"}}})"}},
      {"payfast", payfast("1", "COMPLETE"), payfast("1", "COMPLETE"), payfast("1", "CANCELLED")},
      {"payfast", payfast("1", "COMPLETE"), payfast("1", "COMPLETE"), payfast("2", "COMPLETE")},
      {"paymob", paymob(1, "true"), paymob(1, "true"), paymob(2, "true")},
      {"paymob", paymob(1, "false"), paymob(1, "false"), paymob(1, "true")},
      {"persona",
       {.body = R"({"data":{"id":"evt_1"}})"},
       {.body = R"({"data":{"id":"evt_1"}})"},
       {.body = R"({"data":{"id":"evt_2"}})"}},
      {"recurly", kEvent1, kEvent1, kEvent2},
      {"resend", header("svix-id", "1"), header("svix-id", "1"), header("svix-id", "2")},
      {"sentry", header("Request-ID", "1"), header("Request-ID", "1"), header("Request-ID", "2")},
      {"telegram",
       {.body = R"({"update_id":1,"message":{"message_id":7}})"},
       {.body = R"({"update_id":1,"message":{"message_id":7}})"},
       {.body = R"({"update_id":2,"message":{"message_id":7}})"}},
      {"trello",
       {.body = R"({"action":{"id":"1"},"model":{"id":"m"}})"},
       {.body = R"({"action":{"id":"1"},"model":{"id":"m"}})"},
       {.body = R"({"action":{"id":"2"},"model":{"id":"m"}})"}},
      {"twitch",
       {.headers = {{"Twitch-Eventsub-Message-Id", "1"}, {"Twitch-Eventsub-Message-Retry", "0"}}},
       {.headers = {{"Twitch-Eventsub-Message-Id", "1"}, {"Twitch-Eventsub-Message-Retry", "1"}}},
       {.headers = {{"Twitch-Eventsub-Message-Id", "2"}, {"Twitch-Eventsub-Message-Retry", "0"}}}},
      {"fusionauth",
       {.body = R"({"event":{"id":"1"}})"},
       {.body = R"({"event":{"id":"1"}})"},
       {.body = R"({"event":{"id":"2"}})"}},
      {"google_pubsub",
       {.body = R"({"message":{"messageId":"1"},"deliveryAttempt":1})"},
       {.body = R"({"message":{"messageId":"1"},"deliveryAttempt":2})"},
       {.body = R"({"message":{"messageId":"2"},"deliveryAttempt":1})"}},
      {"vonage",
       {.body = R"({"message_uuid":"1","status":"submitted"})"},
       {.body = R"({"message_uuid":"1","status":"submitted"})"},
       {.body = R"({"message_uuid":"1","status":"delivered"})"}},
      {"typeform",
       {.body = R"({"event_id":"1"})"},
       {.body = R"({"event_id":"1"})"},
       {.body = R"({"event_id":"2"})"}},
      {"vercel", kEvent1, kEvent1, kEvent2},
      {"wise", header("X-Delivery-Id", "1"), header("X-Delivery-Id", "1"),
       header("X-Delivery-Id", "2")},
      {"woocommerce", header("X-WC-Webhook-Delivery-ID", "1"),
       header("X-WC-Webhook-Delivery-ID", "1"), header("X-WC-Webhook-Delivery-ID", "2")},
      {"worldpay",
       {.body = R"({"eventId":"1","eventDetails":{"type":"refused"}})"},
       {.body = R"({"eventId":"1","eventDetails":{"type":"refused"}})"},
       {.body = R"({"eventId":"2","eventDetails":{"type":"refused"}})"}},
      {"xero", xero("r1", "00.100"), xero("r1", "00.100"), xero("r1", "00.101")},
      {"xero", xero("r1", "00.100"), xero("r1", "00.100"), xero("r2", "00.100")},
      {"zendesk", header("X-Zendesk-Webhook-Invocation-Id", "1"),
       header("X-Zendesk-Webhook-Invocation-Id", "1"),
       header("X-Zendesk-Webhook-Invocation-Id", "2")},
      {"zendesk", kEvent1, kEvent1, kEvent2},
      // No id; the body has what tells two apart, to the millisecond.
      {"adyen_platforms", kEvent1, kEvent1, kEvent2},
      {"braintree", kEvent1, kEvent1, kEvent2},
      {"calendly", kEvent1, kEvent1, kEvent2},
      {"discord", kEvent1, kEvent1, kEvent2},
      {"docusign", kEvent1, kEvent1, kEvent2},
      {"figma", kEvent1, kEvent1, kEvent2},
      {"lemon_squeezy", kEvent1, kEvent1, kEvent2},
      {"payment_options", kEvent1, kEvent1, kEvent2},
      {"payu", kEvent1, kEvent1, kEvent2},
      {"sumsub", kEvent1, kEvent1, kEvent2},
      {"zoom", kEvent1, kEvent1, kEvent2},
      // No id, and equal bodies that mean two things.
      {"asana", kEvent1, kEvent2, kEvent1},
      {"dropbox", kEvent1, kEvent2, kEvent1},
      {"messagebird", kEvent1, kEvent2, kEvent1},
      {"mollie_classic", kEvent1, kEvent2, kEvent1},
      {"plaid", kEvent1, kEvent2, kEvent1},
      {"strava", kEvent1, kEvent2, kEvent1},
      {"x_twitter", kEvent1, kEvent2, kEvent1},
  };
}

ConvertedEvent Convert(config::v1::Recipe recipe, const Sent& sent) {
  static int requests = 0;
  config::v1::Recipe open;
  open.add_algorithms()->set_kind(config::v1::ALGORITHM_KIND_NONE);
  recipe = MergeRecipe(recipe, open);
  recipe.clear_handshakes();
  RequestBuilder builder;
  for (const auto& [name, value] : sent.headers) builder.Header(name, value);
  WebhookRequest request = builder.Body(sent.body).Build();
  request.request_id = StrCat("request-", ++requests);
  const auto verifier = *Verifier::Create({.recipe = recipe,
                                           .keys = {},
                                           .url_token = {},
                                           .handshake_token = "token",
                                           .public_url = {}});
  auto verdict = verifier->Verify(std::move(request), absl::UnixEpoch());
  const auto converter =
      *Converter::Create({.source = "shop", .recipe = recipe, .public_url = {}, .limits = {}});
  return converter->Convert(std::get<VerifiedWebhook>(verdict)).events[0];
}

// Which value is equal for a retry and different for another webhook, preset by preset.
TEST(PresetIdsTest, ARetryHasTheIdAndAnotherWebhookHasNot) {
  std::map<std::string, int> seen;
  for (const Case& one : Cases()) {
    ++seen[one.preset];
    const auto recipe = *LoadPreset(one.preset);
    const ConvertedEvent first = Convert(recipe, one.first);
    const ConvertedEvent retry = Convert(recipe, one.retry);
    EXPECT_NE(first.dedup_hash, Convert(recipe, one.other).dedup_hash) << one.preset;
    if (recipe.event().id().empty() && !recipe.has_same_body_window()) continue;
    EXPECT_EQ(first.dedup_hash, retry.dedup_hash) << one.preset;
    if (first.body_crc == retry.body_crc) continue;
    EXPECT_EQ(recipe.on_id_conflict(), config::v1::ON_ID_CONFLICT_DROP)
        << one.preset << ": its retries have other bytes";
  }
  for (const Preset& preset : Presets()) {
    EXPECT_TRUE(seen.contains(std::string(preset.name))) << preset.name << " is not tried";
    EXPECT_THAT(std::string(preset.yaml), testing::HasSubstr("# Id: ")) << preset.name;
  }
}

// Dropping another body is for who is known to send retries with changed bytes, or signs no body.
TEST(PresetIdsTest, DroppingSaysWhy) {
  for (const Preset& preset : Presets()) {
    const auto recipe = *LoadPreset(preset.name);
    if (recipe.on_id_conflict() != config::v1::ON_ID_CONFLICT_DROP) continue;
    const std::string text(preset.yaml);
    EXPECT_TRUE(text.find("are a retry") != std::string::npos ||
                text.find("is dropped") != std::string::npos)
        << preset.name;
  }
}

}  // namespace
}  // namespace hookbridge
