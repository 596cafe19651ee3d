#include "client/cpp/admin_client.h"
#include "client/hookctl/command.h"
#include "client/hookctl/connection_flags.h"
#include "client/hookctl/event_printer.h"
#include "client/hookctl/rejection_printer.h"

#include "absl/strings/match.h"

#include <algorithm>

namespace hookbridge::hookctl {
namespace {

constexpr uint64_t kCountDefault = 100;

absl::StatusOr<admin::v1::ListQuarantineResponse> List(const Args& args, AdminClient& client) {
  const auto count = args.Count("count", kCountDefault);
  if (!count.ok()) return count.status();
  admin::v1::ListQuarantineRequest request;
  request.set_page_size(static_cast<int>(std::min<uint64_t>(*count, 1'000)));
  request.set_source(args.Get("source"));
  return client.ListQuarantine(request);
}

int RunList(const Args& args, AdminClient& client, Environment& environment) {
  const auto response = List(args, client);
  if (!response.ok()) return Fail(response.status(), environment);
  if (args.Has("json")) {
    const auto json = ToJsonLine(*response);
    if (!json.ok()) return Fail(json.status(), environment);
    environment.out << *json << '\n';
    return kExitOk;
  }
  for (const admin::v1::Rejection& rejection : response->requests()) {
    environment.out << Printable(rejection.request_id()) << "  ";
    PrintRejection(rejection, environment.out);
  }
  if (response->requests().empty()) environment.out << "nothing is quarantined\n";
  if (response->skipped_total() > 0) {
    environment.out << response->skipped_total()
                    << " more were refused since the start and not kept; the log's "
                       "quarantine_skipped says why\n";
  }
  return kExitOk;
}

// True: it became an event.
absl::StatusOr<bool> ReverifyOne(const std::string& id, AdminClient& client, std::ostream& out) {
  admin::v1::ReverifyQuarantinedRequest request;
  request.set_request_id(id);
  const auto response = client.ReverifyQuarantined(request);
  if (!response.ok()) return response.status();
  out << Printable(id) << "  ";
  if (!response->reason().empty()) {
    out << "refused again: " << Printable(response->reason());
    if (!response->detail().empty()) out << ": " << Printable(response->detail());
    out << '\n';
    return false;
  }
  out << "taken";
  for (const std::string& event : response->event_ids()) out << "  " << Printable(event);
  if (response->event_ids().empty()) out << ": " << Printable(response->detail());
  out << '\n';
  return true;
}

int RunReverify(const Args& args, AdminClient& client, Environment& environment) {
  std::vector<std::string> ids(args.words().begin() + 1, args.words().end());
  if (ids.empty() && !args.Has("source")) {
    return Fail(absl::InvalidArgumentError("reverify needs request ids, or --source NAME"),
                environment);
  }
  if (ids.empty()) {
    const auto listed = List(args, client);
    if (!listed.ok()) return Fail(listed.status(), environment);
    for (const admin::v1::Rejection& rejection : listed->requests()) {
      ids.push_back(rejection.request_id());
    }
    std::reverse(ids.begin(), ids.end());  // as they came
  }
  bool all_taken = true;
  for (const std::string& id : ids) {
    const auto taken = ReverifyOne(id, client, environment.out);
    if (!taken.ok()) return Fail(taken.status(), environment);
    all_taken &= *taken;
  }
  return all_taken ? kExitOk : kExitRefused;
}

int RunQuarantine(const Args& args, Environment& environment) {
  const std::string verb = args.words().empty() ? "" : args.words().front();
  if (verb != "reverify" && (verb != "list" || args.words().size() > 1)) {
    return Fail(absl::InvalidArgumentError("quarantine takes `list` or `reverify [ID…]`"),
                environment);
  }
  const auto client = AdminClient::Create(ReadConnectionFlags(args, environment));
  if (!client.ok()) return Fail(client.status(), environment);
  return verb == "list" ? RunList(args, **client, environment)
                        : RunReverify(args, **client, environment);
}

}  // namespace

Command QuarantineCommand() {
  return {.name = "quarantine",
          .summary = "list refused requests that were kept whole; verify them again",
          .usage = "list [--source NAME] | reverify (ID… | --source NAME) [flags]",
          .details =
              "With `quarantine: {directory: …}` in the configuration the bridge keeps what it "
              "refuses. When\na secret is mended, verify again: what is authentic becomes an "
              "event, the rest stays.\n\n"
              "  hookctl quarantine list\n"
              "  hookctl quarantine reverify --source stripe\n",
          .flags = WithConnectionFlags({{"source", "NAME", "of this source alone"},
                                        {"count", "N", "at most so many; default 100"},
                                        {"json", "", "the whole answer as JSON"}}),
          .run = RunQuarantine};
}

}  // namespace hookbridge::hookctl
