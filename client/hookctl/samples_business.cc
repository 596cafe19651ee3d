#include "client/hookctl/sample_templates.h"

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kStandardWebhooks =
    R"({"type":"invoice.paid","timestamp":"{iso}","data":{"id":"inv_{hex}","number":"{number}",)"
    R"("amount_due":1999,"currency":"eur"}})";

constexpr std::string_view kSvix =
    R"({"type":"user.created","timestamp":"{iso}","data":{"id":"user_{hex}",)"
    R"("email":"customer@shop.example"}})";

constexpr std::string_view kShopify =
    R"({"id":{number},"admin_graphql_api_id":"gid://shopify/Order/{number}","currency":"EUR",)"
    R"("total_price":"19.99","financial_status":"paid","test":true,"created_at":"{iso}",)"
    R"("updated_at":"{iso}","line_items":[{"id":1,"title":"Sample","quantity":1,)"
    R"("price":"19.99"}]})";

constexpr std::string_view kHubspot =
    R"([{"eventId":{number},"subscriptionId":1,"portalId":62515,"occurredAt":{ms},)"
    R"("subscriptionType":"contact.creation","attemptNumber":0,"objectId":123}])";

constexpr std::string_view kDropbox =
    R"({"list_folder":{"type":"changes","accounts":["dbid:{hex}"]},"delta":{"users":[{number}]}})";

constexpr std::string_view kBox =
    R"({"type":"webhook_event","id":"{uuid}","created_at":"{iso}","trigger":"FILE.UPLOADED",)"
    R"("webhook":{"id":"1"},"source":{"id":"{number}","type":"file","name":"Sample.txt"}})";

constexpr std::string_view kCalendly =
    R"({"created_at":"{iso}","event":"invitee.created","payload":{)"
    R"("uri":"https://api.calendly.com/scheduled_events/E1/invitees/{hex}",)"
    R"("event":"https://api.calendly.com/scheduled_events/E1","name":"A sample"}})";

constexpr std::string_view kClerk =
    R"({"object":"event","type":"user.created","instance_id":"ins_1","timestamp":{ms},)"
    R"("data":{"id":"user_{hex}","object":"user"}})";

constexpr std::string_view kDocusign =
    R"({"event":"envelope-completed","apiVersion":"v2.1","retryCount":0,"configurationId":1,)"
    R"("generatedDateTime":"{millis}","data":{"accountId":"A1",)"
    R"("userId":"U1","envelopeId":"{uuid}"}})";

constexpr std::string_view kDropboxSign =
    "--sample\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n"
    "{\"event\":{\"event_time\":\"{unix}\",\"event_type\":\"signature_request_sent\","
    "\"event_hash\":\"{signature}\",\"event_metadata\":{\"related_signature_id\":\"{hex}\"}},"
    "\"signature_request\":{\"signature_request_id\":\"{hex}\"}}\r\n--sample--\r\n";

constexpr std::string_view kPersona =
    R"({"data":{"type":"event","id":"evt_{hex}","attributes":{"name":"inquiry.completed",)"
    R"("created-at":"{millis}","payload":{"data":{"type":"inquiry","id":"inq_{hex}"}}}}})";

constexpr std::string_view kSumsub =
    R"({"applicantId":"{hex}","correlationId":"req-{uuid}","type":"applicantReviewed",)"
    R"("reviewStatus":"completed","reviewResult":{"reviewAnswer":"GREEN"},"sandboxMode":true,)"
    R"("createdAtMs":"2026-01-31 12:00:00.000"})";

constexpr std::string_view kTypeform =
    R"({"event_id":"{hex}","event_type":"form_response","form_response":{"form_id":"F1",)"
    R"("token":"{hex}","submitted_at":"{iso}","answers":[]}})";

constexpr std::string_view kWoocommerce =
    R"({"id":{number},"status":"processing","currency":"EUR","total":"19.99",)"
    R"("date_modified_gmt":"2026-01-31T12:00:00","line_items":[]})";

constexpr std::string_view kXero =
    R"({"events":[{"resourceUrl":"https://api.xero.com/api.xro/2.0/Invoices/{uuid}",)"
    R"("resourceId":"{uuid}","eventDateUtc":"2026-01-31T12:00:00.000","eventType":"UPDATE",)"
    R"("eventCategory":"INVOICE","tenantId":"T1","tenantType":"ORGANISATION"}],)"
    R"("firstEventSequence":1,"lastEventSequence":1,"entropy":"S0m3r4Nd0m"})";

constexpr std::string_view kZendesk =
    R"({"type":"zen:event-type:ticket.created","account_id":1,"id":"{uuid}","time":"{iso}",)"
    R"("zendesk_event_version":"2022-06-20","subject":"zen:ticket:{number}",)"
    R"("detail":{"id":"{number}","subject":"A sample"},"event":{}})";

}  // namespace

std::vector<SampleTemplate> BusinessSamples() {
  return {
      {"standard_webhooks", "msg_{hex}", {}, kStandardWebhooks},
      {"svix", "msg_{hex}", {}, kSvix},
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
      {"hubspot", "", {}, kHubspot},
      {"hubspot_v1", "", {{"X-HubSpot-Signature-Version", "v1"}}, kHubspot},
      {"hubspot_v2", "", {{"X-HubSpot-Signature-Version", "v2"}}, kHubspot},
      {"dropbox", "", {}, kDropbox},
      {"box", "", {{"BOX-DELIVERY-ID", "{uuid}"}}, kBox},
      {"calendly", "", {}, kCalendly},
      {"clerk", "msg_{hex}", {}, kClerk},
      {"docusign", "", {}, kDocusign},
      {"dropbox_sign",
       "",
       {{"Content-Type", "multipart/form-data; boundary=sample"}},
       kDropboxSign},
      {"persona", "", {}, kPersona},
      {"sumsub", "", {}, kSumsub},
      {"typeform", "", {}, kTypeform},
      {"woocommerce",
       "{hex}",
       {{"X-WC-Webhook-Topic", "order.updated"},
        {"X-WC-Webhook-Resource", "order"},
        {"X-WC-Webhook-Event", "updated"},
        {"X-WC-Webhook-ID", "1"},
        {"X-WC-Webhook-Source", "https://shop.example/"}},
       kWoocommerce},
      {"xero", "", {}, kXero},
      {"zendesk", "{hex}", {}, kZendesk},
  };
}

}  // namespace hookbridge::hookctl
