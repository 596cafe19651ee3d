#include "client/cpp/subscriber.h"
#include "client/hookctl/command.h"
#include "client/hookctl/connection_flags.h"
#include "client/hookctl/event_printer.h"
#include "client/hookctl/interrupt.h"
#include "server/base/strings.h"

#include "absl/strings/str_split.h"

#include <cstdio>
#include <fstream>

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kDetails =
    "Shows events as they are stored: one line each, or with --json the whole event and its "
    "cursor.\n"
    "Reconnects and goes on after the last event by itself; messages about that go to stderr.\n"
    "\n"
    "  hookctl tail                                  what comes from now on\n"
    "  hookctl tail --from earliest --until-caught-up    all that is kept, then end\n"
    "  hookctl tail --from 15m --source stripe --type 'invoice.*'\n"
    "  hookctl tail --fields /data/object/id,/data/object/amount\n"
    "  hookctl tail --json --cursor-file tail.cursor | your-program     goes on after a restart\n";

// A person watches: a bridge that is back is seen within seconds.
constexpr absl::Duration kWaitMax = absl::Seconds(5);

absl::Status SaveCursorFile(const std::string& path, const std::string& cursor) {
  const std::string next = path + ".new";
  std::ofstream file(next, std::ios::trunc);
  file << cursor << '\n';
  file.close();
  if (file && std::rename(next.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return absl::InternalError(StrCat(path, ": cannot be written"));
}

std::string LoadCursorFile(const std::string& path) {
  std::string cursor;
  std::ifstream(path) >> cursor;
  return cursor;
}

void ReadStart(const Args& args, const Environment& environment, v1::CursorRead* read) {
  const std::string saved = LoadCursorFile(args.Get("cursor-file"));
  const std::string from = args.Get("from", "latest");
  if (!saved.empty()) {
    read->set_after_cursor(saved);
  } else if (from == "latest" || from == "earliest") {
    read->set_preset(from == "latest" ? v1::START_PRESET_LATEST : v1::START_PRESET_EARLIEST);
  } else if (const auto time = ParseTime(from, environment.clock.Now()); time.ok()) {
    read->mutable_start_time()->set_seconds(absl::ToUnixSeconds(*time));
  } else {
    read->set_after_cursor(from);
  }
}

absl::Status ReadStop(const Args& args, v1::CursorRead* read) {
  if (args.Has("count") && args.Has("until-caught-up")) {
    return absl::InvalidArgumentError("--count and --until-caught-up exclude each other");
  }
  const auto count = args.Count("count", 0);
  if (!count.ok()) return count.status();
  if (*count > 0) read->set_stop_after_events(*count);
  if (args.Has("until-caught-up")) read->set_stop_at_end(true);
  return absl::OkStatus();
}

absl::StatusOr<SubscriberOptions> MakeOptions(const Args& args, const Environment& environment) {
  SubscriberOptions options;
  if (const absl::Status words = args.ExpectWords({}); !words.ok()) return words;
  options.connection = ReadConnectionFlags(args, environment);
  options.client_id = args.Get("client-id");
  options.backoff.max = kWaitMax;
  const auto view = ParseView(args.Get("view", "data"));
  if (!view.ok()) return view.status();
  options.view = *view;
  if (args.Has("source") || args.Has("type")) {
    v1::FilterClause& clause = *options.read.mutable_filter()->add_any_of();
    for (const std::string& source : args.All("source")) clause.add_sources(source);
    for (const std::string& type : args.All("type")) clause.add_types(type);
  }
  options.read.set_skip_expired(args.Has("skip-expired"));
  ReadStart(args, environment, &options.read);
  if (const absl::Status stop = ReadStop(args, &options.read); !stop.ok()) return stop;
  return options;
}

// What the handlers share.
class Tail {
 public:
  Tail(const Args& args, Environment& environment)
      : environment_(environment),
        json_(args.Has("json")),
        format_{.color = environment.color, .fields = {}} {
    for (const std::string& list : args.All("fields")) {
      for (const std::string& field : std::vector<std::string>(absl::StrSplit(list, ','))) {
        format_.fields.push_back(field);
      }
    }
  }

  Verdict Print(const v1::Delivery& delivery) {
    if (json_) {
      const absl::StatusOr<std::string> line = ToJsonLine(delivery);
      if (line.ok()) {
        environment_.out << *line << '\n';
      } else {
        environment_.err << "hookctl: " << delivery.event().id()
                         << " has no JSON form: " << std::string(line.status().message()) << '\n';
      }
    } else {
      PrintEventLine(delivery.event(), format_, environment_.out);
    }
    environment_.out.flush();
    // Nobody reads any more: the event counts as not shown.
    return environment_.out ? Verdict::kContinue : Verdict::kFail;
  }

  void PrintGap() {
    environment_.err << "hookctl: events were removed by retention before they could be shown\n";
  }

  // Only a stream that was once up is waited for: a wrong address should tell at once.
  bool PrintDisconnect(const absl::Status& status, absl::Duration wait) {
    if (!connected_) return false;
    environment_.err << "hookctl: " << std::string(status.message()) << "; again in "
                     << absl::FormatDuration(absl::Trunc(wait, absl::Milliseconds(1))) << '\n';
    return true;
  }

  void SetConnected() { connected_ = true; }

 private:
  Environment& environment_;
  const bool json_;
  LineFormat format_;
  bool connected_ = false;
};

// The same error, beginning with where it is from.
absl::Status InContext(const absl::Status& status, const std::string& target) {
  absl::Status result(status.code(), StrCat(target, ": ", std::string(status.message())));
  status.ForEachPayload(
      [&](absl::string_view type, const absl::Cord& payload) { result.SetPayload(type, payload); });
  return result;
}

int RunTail(const Args& args, Environment& environment) {
  auto options = MakeOptions(args, environment);
  if (!options.ok()) return Fail(options.status(), environment);
  const std::string target = options->connection.target;
  Tail tail(args, environment);
  SubscriberHandlers handlers;
  handlers.on_event = [&](const v1::Delivery& delivery) { return tail.Print(delivery); };
  handlers.on_started = [&](const v1::Started&) { tail.SetConnected(); };
  handlers.on_gap = [&](const v1::Gap&) { tail.PrintGap(); };
  handlers.on_disconnect = [&](const absl::Status& status, absl::Duration wait) {
    return tail.PrintDisconnect(status, wait);
  };
  if (const std::string path = args.Get("cursor-file"); !path.empty()) {
    handlers.save_cursor = [path](const std::string& cursor) {
      return SaveCursorFile(path, cursor);
    };
  }
  const SignalBlock block;  // before the subscriber, whose library starts threads
  const auto subscriber = Subscriber::Create(*std::move(options), std::move(handlers));
  if (!subscriber.ok()) return Fail(subscriber.status(), environment);
  const InterruptWatch interrupt(block, [&] { (*subscriber)->Stop(); });
  const absl::Status status = (*subscriber)->Run();
  if (interrupt.interrupted()) return kExitInterrupted;
  if (status.ok()) return kExitOk;
  return Fail(InContext(status, target), environment);
}

}  // namespace

Command TailCommand() {
  return {.name = "tail",
          .summary = "show events live",
          .usage = "[flags]",
          .details = kDetails,
          .flags = WithConnectionFlags({
              {"from", "PLACE", "latest (default), earliest, a cursor, a time, or an age as 15m"},
              {"source", "NAME", "only this source", true},
              {"type", "TYPE", "only this type; a trailing * makes a prefix", true},
              {"view", "VIEW", "metadata, data (default), raw or full"},
              {"json", "", "one JSON object a line: cursor and event"},
              {"fields", "/A,/B/C", "JSON Pointers of the body to show on the line", true},
              {"count", "N", "end after N events"},
              {"until-caught-up", "", "end at the head as it was at the start"},
              {"cursor-file", "FILE", "go on from the cursor in it, and keep it there"},
              {"skip-expired", "", "go on behind what retention removed instead of failing"},
              {"client-id", "NAME", "a newer tail with the same name takes over"},
          }),
          .run = RunTail};
}

}  // namespace hookbridge::hookctl
