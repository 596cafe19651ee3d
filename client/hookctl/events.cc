#include "client/cpp/admin_client.h"
#include "client/hookctl/command.h"
#include "client/hookctl/connection_flags.h"
#include "client/hookctl/event_printer.h"
#include "server/base/strings.h"

#include <algorithm>

namespace hookbridge::hookctl {
namespace {

constexpr uint64_t kDefaultLimit = 20;
constexpr uint64_t kPageMax = 1'000;

absl::StatusOr<admin::v1::ListEventsRequest> MakeListRequest(const Args& args,
                                                             const Environment& environment) {
  admin::v1::ListEventsRequest request;
  if (const absl::Status words = args.ExpectWords({}); !words.ok()) return words;
  if (args.Has("source") || args.Has("type")) {
    v1::FilterClause& clause = *request.mutable_filter()->add_any_of();
    for (const std::string& source : args.All("source")) clause.add_sources(source);
    for (const std::string& type : args.All("type")) clause.add_types(type);
  }
  for (const std::string_view name : {"since", "until"}) {
    if (!args.Has(name)) continue;
    const auto time = ParseTime(args.Get(name), environment.clock.Now());
    if (!time.ok()) return time.status();
    auto* const field = name == "since" ? request.mutable_start_time() : request.mutable_end_time();
    field->set_seconds(absl::ToUnixSeconds(*time));
  }
  request.set_newest_first(args.Has("newest"));
  const auto view = ParseView(args.Get("view", "metadata"));
  if (!view.ok()) return view.status();
  request.set_view(*view);
  return request;
}

absl::Status PrintEvent(const v1::Event& event, bool json, Environment& environment) {
  if (!json) {
    PrintEventLine(event, {.color = environment.color, .fields = {}}, environment.out);
    return absl::OkStatus();
  }
  const auto line = ToJsonLine(event);
  if (!line.ok()) return line.status();
  environment.out << *line << '\n';
  return absl::OkStatus();
}

int RunEventsList(const Args& args, Environment& environment) {
  auto request = MakeListRequest(args, environment);
  if (!request.ok()) return Fail(request.status(), environment);
  const auto limit = args.Count("limit", kDefaultLimit);
  if (!limit.ok()) return Fail(limit.status(), environment);
  const auto client = AdminClient::Create(ReadConnectionFlags(args, environment));
  if (!client.ok()) return Fail(client.status(), environment);
  uint64_t left = *limit;
  do {
    request->set_page_size(static_cast<int32_t>(std::min(left, kPageMax)));
    const auto page = (*client)->ListEvents(*request);
    if (!page.ok()) return Fail(page.status(), environment);
    for (const v1::Event& event : page->events()) {
      if (left == 0) break;
      --left;
      const absl::Status printed = PrintEvent(event, args.Has("json"), environment);
      if (!printed.ok()) return Fail(printed, environment);
    }
    request->set_page_token(page->next_page_token());
  } while (left > 0 && !request->page_token().empty());
  return kExitOk;
}

void PrintRaw(const v1::RawRequest& raw, std::ostream& out) {
  out << "request      " << Printable(raw.request_id()) << "  " << Printable(raw.method()) << ' '
      << Printable(raw.path()) << "  " << raw.body().size() << " bytes";
  if (raw.item_count() > 1) out << ", item " << raw.item_index() + 1 << " of " << raw.item_count();
  out << '\n';
  for (const v1::Header& header : raw.headers()) {
    out << "  " << Printable(header.name()) << ": " << Printable(header.value()) << '\n';
  }
}

void PrintWholeEvent(const v1::Event& event, std::ostream& out) {
  const auto line = [&out](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    std::string left(name);
    left.resize(13, ' ');
    out << left << Printable(value) << '\n';
  };
  line("id", event.id());
  line("source", event.source());
  line("type", event.type());
  line("subject", event.subject());
  line("ordering key", event.ordering_key());
  line("dedup key", event.dedup_key());
  if (event.has_event_time()) line("event time", FormatTimestamp(event.event_time()));
  line("received", FormatTimestamp(event.receive_time()));
  line("stored", FormatTimestamp(event.append_time()));
  line("sequence", StrCat(event.sequence()));
  if (event.test_mode()) line("test mode", "yes");
  line("not parsed", event.conversion_error());
  for (const auto& [name, value] : event.attributes()) line("attribute", StrCat(name, "=", value));
  if (event.has_json()) line("json", ToJsonLine(event.json()).value_or(""));
  if (event.has_text()) line("text", event.text());
  if (event.has_raw()) PrintRaw(event.raw(), out);
}

int RunEventsGet(const Args& args, Environment& environment) {
  constexpr std::string_view kWords[] = {"ID"};
  if (const absl::Status words = args.ExpectWords(kWords); !words.ok()) {
    return Fail(words, environment);
  }
  const auto view = ParseView(args.Get("view", "full"));
  if (!view.ok()) return Fail(view.status(), environment);
  const auto client = AdminClient::Create(ReadConnectionFlags(args, environment));
  if (!client.ok()) return Fail(client.status(), environment);
  if (args.Has("body")) {
    const absl::Status read = (*client)->ReadEventBody(
        args.words()[0], [&](std::string_view chunk) { environment.out << chunk; });
    return read.ok() ? kExitOk : Fail(read, environment);
  }
  admin::v1::GetEventRequest request;
  request.set_id(args.words()[0]);
  request.set_view(*view);
  const auto response = (*client)->GetEvent(request);
  if (!response.ok()) return Fail(response.status(), environment);
  if (args.Has("json")) {
    const absl::Status printed = PrintEvent(response->event(), true, environment);
    if (!printed.ok()) return Fail(printed, environment);
  } else {
    PrintWholeEvent(response->event(), environment.out);
    environment.out << "cursor       " << response->cursor() << '\n';
  }
  if (response->payload_omitted()) {
    environment.err << "hookctl: too large for one message; events get ID --body reads the body\n";
  }
  return kExitOk;
}

}  // namespace

Command EventsListCommand() {
  return {.name = "events list",
          .summary = "list events that are kept",
          .usage = "[flags]",
          .details =
              "  hookctl events list --newest --limit 5\n"
              "  hookctl events list --source stripe --since 1h\n",
          .flags = WithConnectionFlags({
              {"source", "NAME", "only this source", true},
              {"type", "TYPE", "only this type; a trailing * makes a prefix", true},
              {"since", "TIME", "stored not before; also an age as 15m"},
              {"until", "TIME", "stored before"},
              {"newest", "", "from the newest backwards"},
              {"limit", "N", "at most N events; default 20"},
              {"view", "VIEW", "for --json: metadata (default), data, raw or full"},
              {"json", "", "one JSON object a line"},
          }),
          .run = RunEventsList};
}

Command EventsGetCommand() {
  return {.name = "events get",
          .summary = "show one event, or its exact body",
          .usage = "ID [flags]",
          .details =
              "  hookctl events get 01890a5d-ac96-774b-bcce-b302099a8057\n"
              "  hookctl events get ID --body > body.json     byte for byte as received\n",
          .flags = WithConnectionFlags({
              {"view", "VIEW", "metadata, data, raw or full (default)"},
              {"json", "", "the whole event as JSON"},
              {"body", "", "only the body's bytes"},
          }),
          .run = RunEventsGet};
}

}  // namespace hookbridge::hookctl
