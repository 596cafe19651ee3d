#include "client/cpp/admin_client.h"
#include "client/hookctl/command.h"
#include "client/hookctl/connection_flags.h"
#include "client/hookctl/event_printer.h"
#include "client/hookctl/rejection_printer.h"

namespace hookbridge::hookctl {
namespace {

constexpr uint64_t kCountDefault = 20;

int RunRejections(const Args& args, Environment& environment) {
  if (const absl::Status words = args.ExpectWords({}); !words.ok()) return Fail(words, environment);
  const auto count = args.Count("count", kCountDefault);
  if (!count.ok()) return Fail(count.status(), environment);
  const auto client = AdminClient::Create(ReadConnectionFlags(args, environment));
  if (!client.ok()) return Fail(client.status(), environment);
  admin::v1::ListRejectionsRequest request;
  request.set_page_size(static_cast<int>(std::min<uint64_t>(*count, 1'000)));
  request.set_source(args.Get("source"));
  request.set_reason(args.Get("reason"));
  const auto response = (*client)->ListRejections(request);
  if (!response.ok()) return Fail(response.status(), environment);
  if (args.Has("json")) {
    const auto json = ToJsonLine(*response);
    if (!json.ok()) return Fail(json.status(), environment);
    environment.out << *json << '\n';
    return kExitOk;
  }
  for (const admin::v1::Rejection& rejection : response->rejections()) {
    PrintRejection(rejection, environment.out);
  }
  if (response->rejections().empty()) environment.out << "nothing was refused\n";
  return kExitOk;
}

}  // namespace

void PrintRejection(const admin::v1::Rejection& rejection, std::ostream& out) {
  out << FormatTimestamp(rejection.time()) << "  " << Printable(rejection.source()) << "  "
      << Printable(rejection.reason());
  if (!rejection.detail().empty()) out << ": " << Printable(rejection.detail());
  out << "\n    from " << Printable(rejection.remote_address()) << ", " << rejection.body_bytes()
      << " bytes, headers";
  for (const std::string& name : rejection.header_names()) out << ' ' << Printable(name);
  out << '\n';
}

Command RejectionsCommand() {
  return {.name = "rejections",
          .summary = "show the newest refused requests, and why",
          .usage = "[--source NAME] [--reason WORD] [flags]",
          .details =
              "The bridge keeps the last 256 in memory: reason, time, size and header names, "
              "never bodies\nor secrets. docs/operations.md explains the reasons.\n\n"
              "  hookctl rejections --source stripe\n",
          .flags = WithConnectionFlags({{"source", "NAME", "of this source alone"},
                                        {"reason", "WORD", "with this reason alone"},
                                        {"count", "N", "at most so many; default 20, at most 256"},
                                        {"json", "", "the whole answer as JSON"}}),
          .run = RunRejections};
}

}  // namespace hookbridge::hookctl
