#include "client/cpp/admin_client.h"
#include "client/hookctl/command.h"
#include "client/hookctl/connection_flags.h"
#include "client/hookctl/event_printer.h"

#include "google/protobuf/util/time_util.h"

#include "absl/strings/numbers.h"

#include <string>

namespace hookbridge::hookctl {
namespace {

using google::protobuf::util::TimeUtil;

void Print(const admin::v1::JournalState& state, std::ostream& out) {
  out << "journal   " << Printable(state.journal_id()) << "\nevents    " << state.first_sequence()
      << " to " << state.last_sequence();
  if (state.has_first_time()) out << ", since " << TimeUtil::ToString(state.first_time());
  out << "\nbytes     " << state.bytes() << "\nwebhooks  "
      << (state.writable() ? "are stored" : Printable(state.not_writable_reason())) << '\n';
  for (const admin::v1::LostEvents& lost : state.lost()) {
    out << "LOST      " << lost.first_sequence() << " to " << lost.last_sequence()
        << " are damaged or missing\n";
  }
  if (!state.has_retention_hold()) return;
  const admin::v1::RetentionHold& hold = state.retention_hold();
  out << "HELD      " << hold.events() << " events up to " << hold.up_to_sequence()
      << " are older than " << TimeUtil::ToString(hold.older_than())
      << " by the bridge's clock, and are kept.\n"
         "          Is its clock right, and are they to go?  hookctl journal release "
      << hold.up_to_sequence() << '\n';
}

int RunShow(const Args& args, AdminClient& client, Environment& environment) {
  const auto response = client.GetJournal();
  if (!response.ok()) return Fail(response.status(), environment);
  if (args.Has("json")) {
    const auto json = ToJsonLine(*response);
    if (!json.ok()) return Fail(json.status(), environment);
    environment.out << *json << '\n';
  } else {
    Print(response->journal(), environment.out);
  }
  return kExitOk;
}

int RunRelease(const std::string& up_to, AdminClient& client, Environment& environment) {
  admin::v1::ReleaseRetentionRequest request;
  uint64_t sequence = 0;
  if (!absl::SimpleAtoi(up_to, &sequence)) {
    return Fail(absl::InvalidArgumentError("release needs the number that `hookctl journal` says"),
                environment);
  }
  request.set_up_to_sequence(sequence);
  if (absl::Status status = client.ReleaseRetention(request); !status.ok()) {
    return Fail(status, environment);
  }
  environment.out << "events up to " << sequence << " are removed\n";
  return kExitOk;
}

int RunJournal(const Args& args, Environment& environment) {
  const auto& words = args.words();
  const bool release = words.size() == 2 && words.front() == "release";
  if (!words.empty() && !release) {
    return Fail(absl::InvalidArgumentError("journal takes nothing, or `release SEQUENCE`"),
                environment);
  }
  const auto client = AdminClient::Create(ReadConnectionFlags(args, environment));
  if (!client.ok()) return Fail(client.status(), environment);
  return release ? RunRelease(words[1], **client, environment)
                 : RunShow(args, **client, environment);
}

}  // namespace

Command JournalCommand() {
  return {.name = "journal",
          .summary = "show the journal's state; let retention remove what it holds back",
          .usage = "[release SEQUENCE] [flags]",
          .details =
              "Retention holds back what would go all at once because the bridge's clock went "
              "ahead, because\nit was off for long, or because max_age became shorter. Look at "
              "the clock, then say so.\n\n"
              "  hookctl journal\n"
              "  hookctl journal release 4711\n",
          .flags = WithConnectionFlags({{"json", "", "the whole answer as JSON"}}),
          .run = RunJournal};
}

}  // namespace hookbridge::hookctl
