#pragma once

#include "client/hookctl/args.h"
#include "server/base/clock.h"

#include "absl/status/status.h"

#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What a command is made of; hookctl.cc finds and runs it.
namespace hookbridge::hookctl {

enum ExitCode : int {
  kExitOk = 0,
  kExitRefused = 1,  // refused, not verified, not found, failed
  kExitUsage = 2,
  kExitNoConnection = 3,
  kExitInterrupted = 130,
};

// The world of a command, handed in so that tests own it. All references outlive the command.
struct Environment {
  std::ostream& out;
  std::ostream& err;
  bool color = false;  // out is a terminal and NO_COLOR is not set
  const Clock& clock;
  // Variable of the process environment, empty when unset.
  std::function<std::string(const std::string&)> variable;
};

struct Command {
  std::string_view name;     // one or two words
  std::string_view summary;  // one line
  std::string_view usage;    // what follows the name
  std::string_view details;  // what it does, and examples
  std::vector<Flag> flags;
  int (*run)(const Args&, Environment&);
};

// One file each.
Command SendCommand();
Command TailCommand();
Command EventsListCommand();
Command EventsGetCommand();
Command SourcesCommand();
Command SourcesLearnCommand();
Command RejectionsCommand();
Command QuarantineCommand();
Command JournalCommand();
Command ReturnUrlCommand();
Command VerifyCommand();
Command PresetsListCommand();
Command PresetsShowCommand();

// Prints the error and what to do about it; the exit code that belongs to its kind.
int Fail(const absl::Status& status, Environment& environment);

// Runs `arguments` (without the program's name). Blocks until the command is done.
int RunHookctl(std::span<const std::string_view> arguments, Environment& environment);

}  // namespace hookbridge::hookctl
