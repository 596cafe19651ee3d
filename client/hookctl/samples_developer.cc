#include "client/hookctl/sample_templates.h"

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kGithub =
    R"({"action":"opened","issue":{"id":{number},"number":1,"title":"Sample issue","state":"open",)"
    R"("created_at":"{iso}"},"repository":{"id":42,"name":"shop","full_name":"example/shop"},)"
    R"("sender":{"login":"octocat","id":1,"type":"User"}})";

constexpr std::string_view kGitlab =
    R"({"object_kind":"push","ref":"refs/heads/main","project":{"id":42,)"
    R"("path_with_namespace":"example/shop"},"commits":[]})";

constexpr std::string_view kBitbucket =
    R"({"actor":{"display_name":"Octo"},"repository":{"full_name":"example/shop"},"push":{}})";

constexpr std::string_view kJira =
    R"({"timestamp":{ms},"webhookEvent":"jira:issue_updated","issue":{"id":"{number}",)"
    R"("key":"SHOP-1"}})";

constexpr std::string_view kLinear =
    R"({"action":"create","type":"Issue","createdAt":"{iso}","data":{"id":"{uuid}",)"
    R"("title":"Sample"},"webhookTimestamp":{ms}})";

constexpr std::string_view kFigma =
    R"({"event_type":"FILE_UPDATE","passcode":"{signature}","timestamp":"{iso}",)"
    R"("webhook_id":"{number}","file_key":"{hex}","file_name":"A sample"})";

constexpr std::string_view kPagerduty =
    R"({"event":{"id":"{uuid}","event_type":"incident.triggered","resource_type":"incident",)"
    R"("occurred_at":"{millis}","data":{"id":"P{hex}","type":"incident","title":"A sample"}}})";

constexpr std::string_view kSentry =
    R"({"action":"created","installation":{"uuid":"{uuid}"},"data":{"issue":{"id":"{number}",)"
    R"("title":"A sample"}},"actor":{"type":"application","id":"sentry","name":"Sentry"}})";

constexpr std::string_view kTrello =
    R"({"model":{"id":"board1","name":"A board"},"action":{"id":"{hex}","type":"updateCard",)"
    R"("date":"{millis}","data":{"board":{"id":"board1"},"card":{"id":"{hex}"}}}})";

constexpr std::string_view kVercel =
    R"({"id":"{hex}","type":"deployment.created","createdAt":{ms},"region":null,"payload":{)"
    R"("deployment":{"id":"dpl_{hex}","name":"shop"},"project":{"id":"prj_1"},)"
    R"("target":"production"}})";

}  // namespace

std::vector<SampleTemplate> DeveloperSamples() {
  return {
      {"github",
       "{uuid}",
       {{"X-GitHub-Event", "issues"},
        {"X-GitHub-Delivery", "{uuid}"},
        {"X-GitHub-Hook-ID", "1"},
        {"User-Agent", "GitHub-Hookshot/sample"}},
       kGithub},
      {"gitlab", "{uuid}", {{"X-Gitlab-Event", "Push Hook"}}, kGitlab},
      {"gitlab_token", "{uuid}", {{"X-Gitlab-Event", "Push Hook"}}, kGitlab},
      {"bitbucket", "{uuid}", {{"X-Event-Key", "repo:push"}}, kBitbucket},
      {"jira", "{uuid}", {}, kJira},
      {"linear", "{uuid}", {{"Linear-Event", "Issue"}}, kLinear},
      {"figma", "", {}, kFigma},
      {"pagerduty", "", {}, kPagerduty},
      {"sentry",
       "{hex}",
       {{"Sentry-Hook-Resource", "issue"}, {"Sentry-Hook-Timestamp", "{unix}"}},
       kSentry},
      {"trello", "", {}, kTrello},
      {"vercel", "", {}, kVercel},
  };
}

}  // namespace hookbridge::hookctl
