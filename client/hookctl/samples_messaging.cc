#include "client/hookctl/sample_templates.h"

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kSlack =
    R"({"token":"sample","team_id":"T0001","api_app_id":"A0001","event":{"type":"app_mention",)"
    R"("user":"U0001","text":"hello","channel":"C0001","event_ts":"{unix}.000100"},)"
    R"("type":"event_callback","event_id":"Ev{hex}","event_time":{unix}})";

constexpr std::string_view kMeta =
    R"({"object":"whatsapp_business_account","entry":[{"id":"{number}","time":{unix},"changes":)"
    R"([{"field":"messages","value":{"messages":[{"id":"wamid.{hex}"}]}}]}]})";

constexpr std::string_view kIntercom =
    R"({"type":"notification_event","id":"notif_{uuid}","topic":"contact.created",)"
    R"("created_at":{unix},"data":{"item":{"id":"{hex}"}}})";

constexpr std::string_view kZoom =
    R"({"event":"meeting.started","event_ts":{ms},"payload":{"account_id":"A1",)"
    R"("object":{"uuid":"{hex}","id":"{number}"}}})";

constexpr std::string_view kMailgun =
    R"({"signature":{"timestamp":"{unix}","token":"{hex}{hex}","signature":"{signature}"},)"
    R"("event-data":{"id":"{hex}","event":"delivered","timestamp":{unix},"message":)"
    R"({"headers":{"message-id":"{hex}@shop.example"}}}})";

constexpr std::string_view kTwilio =
    "AccountSid=AC{hex}&MessageSid=SM{hex}&From=%2B15005550006&To=%2B15005550001&"
    "Body=A+sample&MessageStatus=delivered&SmsStatus=delivered";

constexpr std::string_view kSendgrid =
    "[{\"email\":\"customer@shop.example\",\"timestamp\":{unix},\"event\":\"delivered\","
    "\"sg_event_id\":\"{hex}\",\"sg_message_id\":\"{hex}\"}]\r\n";

constexpr std::string_view kDiscord =
    R"({"version":1,"application_id":"{number}","type":1,"event":{)"
    R"("type":"ENTITLEMENT_CREATE","timestamp":"{iso}","data":{}}})";

constexpr std::string_view kMandrill =
    "mandrill_events=%5B%7B%22event%22%3A%22open%22%2C%22_id%22%3A%22{hex}%22%2C"
    "%22ts%22%3A{unix}%2C%22msg%22%3A%7B%22_id%22%3A%22{hex}%22%7D%7D%5D";

constexpr std::string_view kMailgunRoutes =
    "recipient=shop%40example.com&sender=customer%40example.com&subject=A+sample&"
    "Message-Id=%3C{hex}%40example.com%3E&body-plain=Hello&timestamp={unix}&token={hex}{hex}&"
    "signature={signature}";

constexpr std::string_view kResend =
    R"({"type":"email.delivered","created_at":"{iso}","data":{"email_id":"{uuid}",)"
    R"("to":["customer@shop.example"],"subject":"A sample"}})";

constexpr std::string_view kTelegram =
    R"({"update_id":{number},"message":{"message_id":7,"date":{unix},"text":"A sample",)"
    R"("chat":{"id":42,"type":"private"},"from":{"id":42,"is_bot":false,"first_name":"A"}}})";

constexpr std::string_view kTwitch =
    R"({"subscription":{"id":"{uuid}","status":"enabled","type":"stream.online","version":"1",)"
    R"("condition":{"broadcaster_user_id":"1337"}},"event":{"id":"{number}",)"
    R"("broadcaster_user_id":"1337","type":"live","started_at":"{iso}"}})";

}  // namespace

std::vector<SampleTemplate> MessagingSamples() {
  return {
      {"slack", "Ev{hex}", {}, kSlack},
      {"meta", "", {}, kMeta},
      {"intercom", "", {}, kIntercom},
      {"zoom", "", {}, kZoom},
      {"mailgun", "", {}, kMailgun},
      {"twilio", "", {{"Content-Type", "application/x-www-form-urlencoded"}}, kTwilio},
      {"sendgrid", "", {}, kSendgrid},
      {"discord", "", {}, kDiscord},
      {"mandrill", "", {{"Content-Type", "application/x-www-form-urlencoded"}}, kMandrill},
      {"mailgun_routes",
       "",
       {{"Content-Type", "application/x-www-form-urlencoded"}},
       kMailgunRoutes},
      {"resend", "msg_{hex}", {}, kResend},
      {"telegram", "", {}, kTelegram},
      {"twitch",
       "{uuid}",
       {{"Twitch-Eventsub-Message-Type", "notification"},
        {"Twitch-Eventsub-Subscription-Type", "stream.online"},
        {"Twitch-Eventsub-Subscription-Version", "1"},
        {"Twitch-Eventsub-Message-Retry", "0"}},
       kTwitch},
  };
}

}  // namespace hookbridge::hookctl
