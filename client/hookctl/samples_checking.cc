#include "client/hookctl/sample_templates.h"

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kMicrosoftGraph =
    R"({"value":[{"id":"{uuid}","subscriptionId":"{uuid}","clientState":"{signature}",)"
    R"("changeType":"created","resource":"users/1/messages/{hex}",)"
    R"("tenantId":"{uuid}","resourceData":{"id":"{hex}"}}]})";

constexpr std::string_view kAzureEventGrid =
    R"([{"id":"{uuid}","topic":"/subscriptions/1/resourceGroups/shop","subject":"/blobs/{hex}",)"
    R"("eventType":"Microsoft.Storage.BlobCreated","eventTime":"{iso}","data":{},)"
    R"("dataVersion":"1","metadataVersion":"1"}])";

constexpr std::string_view kCloudEvents =
    R"([{"specversion":"1.0","id":"{uuid}","source":"/shop","type":"com.example.sample",)"
    R"("time":"{iso}","subject":"{number}","datacontenttype":"application/json","data":{}}])";

constexpr std::string_view kStrava =
    R"({"object_type":"activity","object_id":{number},"aspect_type":"create","updates":{},)"
    R"("owner_id":1,"subscription_id":1,"event_time":{unix}})";

constexpr std::string_view kAsana =
    R"({"events":[{"user":{"gid":"1","resource_type":"user"},"created_at":"{iso}",)"
    R"("action":"changed","resource":{"gid":"{number}","resource_type":"task"},"parent":null}]})";

constexpr std::string_view kNotion =
    R"({"id":"{uuid}","timestamp":"{iso}","workspace_id":"{uuid}","subscription_id":"{uuid}",)"
    R"("type":"page.created","attempt_number":1,"entity":{"id":"{uuid}","type":"page"},"data":{}})";

constexpr std::string_view kEbay =
    R"({"metadata":{"topic":"MARKETPLACE_ACCOUNT_DELETION","schemaVersion":"1.0"},)"
    R"("notification":{"notificationId":"{uuid}","eventDate":"{iso}","publishDate":"{iso}",)"
    R"("publishAttemptCount":1,"data":{"username":"sample","userId":"{hex}"}}})";

constexpr std::string_view kXTwitter =
    R"({"data":{"filter":{"user_id":"1"},"event_uuid":"{number}",)"
    R"("event_type":"profile.update.bio","payload":{}}})";

constexpr std::string_view kOkta =
    R"({"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","eventId":"{uuid}",)"
    R"("data":{"events":[{"uuid":"{uuid}","published":"{iso}","eventType":"user.lifecycle.create",)"
    R"("actor":{"id":"1"},"target":[{"id":"{hex}","type":"User"}]}]}})";

}  // namespace

std::vector<SampleTemplate> CheckingSamples() {
  return {
      {"microsoft_graph", "", {}, kMicrosoftGraph},
      {"azure_event_grid", "", {{"aeg-event-type", "Notification"}}, kAzureEventGrid},
      {"cloudevents", "", {{"Content-Type", "application/cloudevents-batch+json"}}, kCloudEvents},
      {"strava", "", {}, kStrava},
      {"asana", "", {}, kAsana},
      {"notion", "", {}, kNotion},
      {"ebay", "", {}, kEbay},
      {"x_twitter", "", {}, kXTwitter},
      {"okta", "", {}, kOkta},
  };
}

}  // namespace hookbridge::hookctl
