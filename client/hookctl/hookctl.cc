#include "client/cpp/error.h"
#include "client/hookctl/command.h"
#include "server/base/strings.h"

#include <algorithm>

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kHeadHelp =
    "hookctl: send, watch and explain webhooks of a hookbridge\n"
    "\n"
    "usage: hookctl COMMAND [flags]      hookctl COMMAND --help\n"
    "\n";

constexpr std::string_view kTailHelp =
    "\n"
    "First steps with `hookbridge serve` running without a configuration:\n"
    "  hookctl send standard_webhooks --secret file:hookbridge-data/demo-secret\n"
    "  hookctl tail --from earliest\n"
    "\n"
    "Environment:\n"
    "  HOOKBRIDGE_URL   webhooks go to it; default http://127.0.0.1:8080\n"
    "  HOOKBRIDGE_GRPC  the bridge's gRPC port; default 127.0.0.1:9090\n"
    "  NO_COLOR         never colour; else only on a terminal\n"
    "\n"
    "Exit codes:\n"
    "  0 good    1 refused, not verified, not found    2 used wrongly\n"
    "  3 cannot connect    130 interrupted\n";

std::vector<Command> AllCommands() {
  return {SendCommand(),       TailCommand(),         EventsListCommand(), EventsGetCommand(),
          SourcesCommand(),    SourcesLearnCommand(), RejectionsCommand(), QuarantineCommand(),
          JournalCommand(),    VerifyCommand(),       ReturnUrlCommand(),  PresetsListCommand(),
          PresetsShowCommand()};
}

void PrintHelp(const std::vector<Command>& commands, std::ostream& out) {
  out << kHeadHelp;
  for (const Command& command : commands) {
    out << "  " << command.name << std::string(15 - command.name.size(), ' ') << command.summary
        << '\n';
  }
  out << kTailHelp;
}

void PrintHelp(const Command& command, std::ostream& out) {
  out << "hookctl " << command.name << ": " << command.summary << "\n\nusage: hookctl "
      << command.name << ' ' << command.usage << "\n\n"
      << command.details;
  if (!command.flags.empty()) out << "\nFlags:\n";
  for (const Flag& flag : command.flags) {
    std::string left = StrCat("--", flag.name, flag.value.empty() ? "" : " ", flag.value);
    left.resize(std::max<size_t>(left.size(), 24), ' ');
    out << "  " << left << "  " << flag.help << (flag.repeated ? " (may be repeated)" : "") << '\n';
  }
}

// The command that the first one or two words name, and how many words those are.
const Command* FindCommand(const std::vector<Command>& commands,
                           std::span<const std::string_view> words, size_t* used) {
  for (*used = std::min<size_t>(2, words.size()); *used > 0; --*used) {
    const std::string name = StrJoin(words.first(*used), " ");
    for (const Command& command : commands) {
      if (command.name == name) return &command;
    }
  }
  return nullptr;
}

int UnknownCommand(const std::vector<Command>& commands, std::string_view word, std::ostream& err) {
  std::vector<std::string_view> names;
  for (const Command& command : commands) names.push_back(command.name);
  const std::string_view near = Closest(word, names);
  err << "hookctl: unknown command '" << word << "'";
  if (!near.empty()) err << "; did you mean '" << near << "'?";
  err << "\nhookctl --help lists the commands\n";
  return kExitUsage;
}

bool AsksForHelp(std::string_view word) { return word == "--help" || word == "-h"; }

}  // namespace

int Fail(const absl::Status& status, Environment& environment) {
  environment.err << "hookctl: ";
  if (const std::string reason = ErrorReason(status); !reason.empty()) {
    environment.err << reason << ": ";
  }
  environment.err << std::string(status.message()) << '\n';
  for (const char* key : {"earliest_cursor", "oldest_cursor", "oldest_time"}) {
    const std::string value = ErrorMetadata(status, key);
    if (!value.empty()) environment.err << "  " << key << ": " << value << '\n';
  }
  if (status.code() == absl::StatusCode::kUnavailable) return kExitNoConnection;
  const bool usage = absl::IsInvalidArgument(status) && ErrorReason(status).empty();
  return usage ? kExitUsage : kExitRefused;
}

int RunHookctl(std::span<const std::string_view> arguments, Environment& environment) {
  const std::vector<Command> commands = AllCommands();
  if (arguments.empty() || AsksForHelp(arguments[0]) || arguments[0] == "help") {
    PrintHelp(commands, arguments.empty() ? environment.err : environment.out);
    return arguments.empty() ? kExitUsage : kExitOk;
  }
  size_t used = 0;
  const Command* const command = FindCommand(commands, arguments, &used);
  if (command == nullptr) return UnknownCommand(commands, arguments[0], environment.err);
  const auto rest = arguments.subspan(used);
  if (std::ranges::any_of(rest, AsksForHelp)) {
    PrintHelp(*command, environment.out);
    return kExitOk;
  }
  const absl::StatusOr<Args> args = Args::Parse(rest, command->flags);
  if (!args.ok()) {
    environment.err << "hookctl: " << std::string(args.status().message()) << "\nhookctl "
                    << command->name << " --help explains\n";
    return kExitUsage;
  }
  return command->run(*args, environment);
}

}  // namespace hookbridge::hookctl
