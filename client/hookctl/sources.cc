#include "client/cpp/admin_client.h"
#include "client/hookctl/command.h"
#include "client/hookctl/connection_flags.h"
#include "client/hookctl/event_printer.h"

#include <iomanip>

namespace hookbridge::hookctl {
namespace {

constexpr int kNameWidth = 20;
constexpr int kCountWidth = 11;

using ReasonCounts = google::protobuf::Map<std::string, uint64_t>;

void PrintReasons(const ReasonCounts& counts, std::ostream& out) {
  const std::map<std::string, uint64_t> sorted(counts.begin(), counts.end());
  for (const auto& [reason, count] : sorted) {
    if (count > 0) out << "    " << count << "  " << Printable(reason) << '\n';
  }
}

void PrintSource(const admin::v1::Source& source, std::ostream& out) {
  out << std::left << std::setw(kNameWidth) << Printable(source.name()) << std::setw(kNameWidth)
      << (source.provider().empty() ? "(recipe)" : Printable(source.provider())) << std::right
      << std::setw(kCountWidth) << source.accepted_total() << std::setw(kCountWidth)
      << source.duplicate_total() << std::setw(kCountWidth) << source.rejected_total() << "  "
      << (source.has_last_receive_time() ? FormatTimestamp(source.last_receive_time()) : "-")
      << '\n';
  PrintReasons(source.rejected_by_reason(), out);
  if (source.replay_suspected_total() > 0) {
    out << "    " << source.replay_suspected_total() << "  replay suspected\n";
  }
  for (const admin::v1::KeyState& key : source.keys()) {
    out << "    key " << Printable(key.id()) << ": matched " << key.matched_total() << ", last "
        << (key.has_last_match_time() ? FormatTimestamp(key.last_match_time()) : "never");
    if (key.has_not_after()) out << ", until " << FormatTimestamp(key.not_after());
    out << '\n';
  }
}

int RunSources(const Args& args, Environment& environment) {
  if (const absl::Status words = args.ExpectWords({}); !words.ok()) return Fail(words, environment);
  const auto client = AdminClient::Create(ReadConnectionFlags(args, environment));
  if (!client.ok()) return Fail(client.status(), environment);
  std::ostream& out = environment.out;
  bool first = true;
  admin::v1::ListSourcesRequest request;
  do {
    const auto response = (*client)->ListSources(request);
    if (!response.ok()) return Fail(response.status(), environment);
    if (args.Has("json")) {
      const auto json = ToJsonLine(*response);
      if (!json.ok()) return Fail(json.status(), environment);
      out << *json << '\n';
    } else {
      if (first) {
        out << std::left << std::setw(kNameWidth) << "SOURCE" << std::setw(kNameWidth) << "PRESET"
            << std::right << std::setw(kCountWidth) << "ACCEPTED" << std::setw(kCountWidth)
            << "DUPLICATE" << std::setw(kCountWidth) << "REFUSED"
            << "  LAST ACCEPTED\n";
      }
      for (const admin::v1::Source& source : response->sources()) PrintSource(source, out);
      if (first && !response->unattributed_rejections().empty()) {
        out << "refused before a source was known\n";
        PrintReasons(response->unattributed_rejections(), out);
      }
    }
    first = false;
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  return kExitOk;
}

}  // namespace

Command SourcesCommand() {
  return {.name = "sources",
          .summary = "show the sources and what was refused, by reason",
          .usage = "[flags]",
          .details =
              "Counters run since the bridge started. docs/operations.md explains the "
              "reasons.\n\n  hookctl sources\n",
          .flags = WithConnectionFlags({{"json", "", "the whole answer as JSON"}}),
          .run = RunSources};
}

}  // namespace hookbridge::hookctl
