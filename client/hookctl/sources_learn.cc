#include "client/cpp/admin_client.h"
#include "client/hookctl/command.h"
#include "client/hookctl/connection_flags.h"
#include "client/hookctl/event_printer.h"
#include "server/base/limits.h"

#include "absl/time/time.h"

namespace hookbridge::hookctl {
namespace {

absl::StatusOr<absl::Duration> WaitOf(const Args& args) {
  if (!args.Has("wait")) return limits::kLearnKeyWait;
  absl::Duration wait;
  if (!absl::ParseDuration(args.Get("wait"), &wait) || wait <= absl::ZeroDuration() ||
      wait > limits::kLearnKeyWaitMax) {
    return absl::InvalidArgumentError("--wait is a time up to 1h, for example 10m");
  }
  return wait;
}

int RunSourcesLearn(const Args& args, Environment& environment) {
  const std::string_view names[] = {"NAME"};
  if (const absl::Status words = args.ExpectWords(names); !words.ok()) {
    return Fail(words, environment);
  }
  const auto wait = WaitOf(args);
  if (!wait.ok()) return Fail(wait.status(), environment);
  const auto client = AdminClient::Create(ReadConnectionFlags(args, environment));
  if (!client.ok()) return Fail(client.status(), environment);
  admin::v1::LearnKeyRequest request;
  request.set_source(args.words().front());
  const absl::Status status =
      (*client)->LearnKey(request, *wait, [&](const admin::v1::LearnKeyResponse& step) {
        if (step.has_awaiting()) {
          environment.err << "waiting; make the provider send its key now\n" << std::flush;
        } else if (step.has_learned()) {
          environment.err << "kept in " << Printable(step.learned().file())
                          << " and in use; shown this once:\n";
          environment.out << Printable(step.learned().secret()) << '\n' << std::flush;
        }
      });
  if (absl::IsDeadlineExceeded(status)) {
    return Fail(absl::NotFoundError("no key came; begin again, and longer with --wait"),
                environment);
  }
  return status.ok() ? kExitOk : Fail(status, environment);
}

}  // namespace

Command SourcesLearnCommand() {
  return {.name = "sources learn",
          .summary = "wait for the key that a provider makes and sends once",
          .usage = "NAME [--wait 10m] [flags]",
          .details =
              "For a source with learned_key, for example of preset asana or notion. While this "
              "waits, create\nthe webhook at the provider: the key that it sends is written to the "
              "source's file, in use at\nonce, and shown this once.\n\n"
              "  hookctl sources learn notion\n",
          .flags = WithConnectionFlags({{"wait", "TIME", "how long; default 10m, at most 1h"}}),
          .run = RunSourcesLearn};
}

}  // namespace hookbridge::hookctl
