#include "client/hookctl/sample_templates.h"

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kPlaid =
    R"({"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE",)"
    R"("item_id":"{hex}","initial_update_complete":true,"environment":"sandbox"})";

constexpr std::string_view kFusionauth =
    R"({"event":{"id":"{uuid}","type":"user.create","createInstant":{ms},)"
    R"("user":{"id":"{uuid}","email":"customer@shop.example"}}})";

constexpr std::string_view kPubsub =
    R"({"message":{"attributes":{"eventType":"OBJECT_FINALIZE"},"data":"aGVsbG8=",)"
    R"("messageId":"{number}","publishTime":"{iso}"},)"
    R"("subscription":"projects/shop/subscriptions/hooks"})";

constexpr std::string_view kVonage =
    R"({"message_uuid":"{uuid}","to":"15005550006","from":"15005550001","timestamp":"{iso}",)"
    R"("status":"delivered","channel":"sms"})";

constexpr std::string_view kMessagebird =
    R"({"type":"message.updated","message":{"id":"{hex}","status":"delivered",)"
    R"("updatedDatetime":"{iso}"},"conversation":{"id":"{hex}"}})";

}  // namespace

std::vector<SampleTemplate> TokenSamples() {
  return {
      {"plaid", "", {}, kPlaid},
      {"fusionauth", "", {}, kFusionauth},
      {"google_pubsub", "", {}, kPubsub},
      {"vonage", "", {}, kVonage},
      {"messagebird", "", {}, kMessagebird},
  };
}

}  // namespace hookbridge::hookctl
