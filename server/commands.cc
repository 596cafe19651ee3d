#include "server/commands.h"

#include "server/base/clock.h"
#include "server/base/config.h"
#include "server/base/log.h"
#include "server/base/open_files.h"
#include "server/base/strings.h"
#include "server/bridge.h"
#include "server/configuration.h"
#include "server/demo.h"
#include "server/health.h"
#include "server/journal/inspect.h"
#include "server/sources.h"
#include "server/verify/presets.h"
#include "server/version.h"

#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace hookbridge {
namespace {

constexpr std::string_view kHelp =
    R"(hookbridge receives webhooks, verifies them, stores them durably, and streams them over gRPC.

Usage
  hookbridge serve [--config FILE]      run until SIGTERM or SIGINT; SIGHUP reads secrets and
                                        certificates again
  hookbridge check --config FILE        report every problem of a configuration, and what is unwise
  hookbridge health [--config FILE]     ask the running bridge whether it would store webhooks
  hookbridge presets [show NAME]        the providers it knows; one as YAML
  hookbridge journal inspect DIR [--events]
                                        print what a stopped bridge has stored, and check it
  hookbridge --version | --help

serve
  --config FILE      YAML; without it: source `demo`, webhooks on 127.0.0.1:8080, gRPC on
                     127.0.0.1:9090, and a secret that is printed
  --data DIR         journal.directory, default ./hookbridge-data
  --journal ENGINE   rocksdb (default) or memory, which keeps nothing

A first event, with the bridge started by `hookbridge serve` in another terminal:
  hookctl send standard_webhooks --url http://127.0.0.1:8080/hooks/demo \
    --secret file:hookbridge-data/demo-secret
  hookctl tail --from earliest

Exit codes: 0 good, 1 failed (the last lines say why), 2 used wrongly.
)";

// Values of the flags; positional arguments in order.
struct Arguments {
  std::vector<std::string> words;
  std::string config;
  std::string data;
  std::string journal;
  bool events = false;
};

int UsageError(std::string_view message) {
  std::fprintf(stderr, "hookbridge: %s\nTry `hookbridge --help`.\n", std::string(message).c_str());
  return 2;
}

std::string* ValueOf(std::string_view flag, Arguments& parsed) {
  if (flag == "--config") return &parsed.config;
  if (flag == "--data") return &parsed.data;
  if (flag == "--journal") return &parsed.journal;
  return nullptr;
}

// The message of what is wrong, or nullopt.
std::optional<std::string> Parse(std::span<const std::string_view> arguments, Arguments& parsed) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (!argument.starts_with("-")) {
      parsed.words.emplace_back(argument);
      continue;
    }
    if (argument == "--events") {
      parsed.events = true;
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string_view flag = argument.substr(0, equals);
    std::string* const value = ValueOf(flag, parsed);
    if (value == nullptr) return StrCat("unknown flag ", flag);
    if (equals != std::string_view::npos) {
      *value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      *value = arguments[++i];
    } else {
      return StrCat(flag, " needs a value");
    }
    if (value->empty()) return StrCat(flag, " needs a value");
  }
  return std::nullopt;
}

void PrintProblems(const std::string& file, const std::vector<ConfigProblem>& problems) {
  std::fputs(FormatProblems(file, problems).c_str(), stderr);
  std::fprintf(stderr, "%zu problem%s\n", problems.size(), problems.size() == 1 ? "" : "s");
}

int Check(const Arguments& arguments) {
  if (arguments.config.empty()) return UsageError("check needs --config FILE");
  const absl::Time now = SystemClock().Now();
  Configuration read = ReadConfiguration(arguments.config, now);
  CheckMachine(now, read);
  std::fputs(FormatWarnings(arguments.config, read.warnings).c_str(), stderr);
  if (!read.problems.empty()) {
    PrintProblems(arguments.config, read.problems);
    return 1;
  }
  std::printf("%s is good: %d source%s\n", arguments.config.c_str(), read.config.sources_size(),
              read.config.sources_size() == 1 ? "" : "s");
  for (const config::v1::Source& source : read.config.sources()) {
    std::printf("  %s (%s)\n", source.name().c_str(),
                source.preset().empty() ? "own recipe" : source.preset().c_str());
  }
  return 0;
}

// For the health check of a container: the same file as `serve`, no shell and no other tool.
int Health(const Arguments& arguments) {
  config::v1::Config config = DemoConfig();
  std::vector<ConfigProblem> problems;
  if (!arguments.config.empty()) problems = LoadConfigFile(arguments.config, &config);
  if (!problems.empty()) {
    PrintProblems(arguments.config, problems);
    return 1;
  }
  const absl::Status status = CheckHealth(config.ingress(), absl::Seconds(2));
  if (status.ok()) {
    std::printf("ready\n");
    return 0;
  }
  std::fprintf(stderr, "hookbridge: %s\n", std::string(ToStd(status.message())).c_str());
  return 1;
}

int ShowPresets(const Arguments& arguments) {
  if (arguments.words.size() == 1) {
    for (const Preset& preset : Presets()) {
      const auto recipe = LoadPreset(preset.name);
      std::printf("%-20s %s\n", std::string(preset.name).c_str(),
                  recipe.ok() ? recipe->description().c_str() : "");
    }
    return 0;
  }
  if (arguments.words.size() != 3 || arguments.words[1] != "show") {
    return UsageError("presets takes nothing, or `show NAME`");
  }
  for (const Preset& preset : Presets()) {
    if (preset.name != arguments.words[2]) continue;
    std::fwrite(preset.yaml.data(), 1, preset.yaml.size(), stdout);
    return 0;
  }
  return UsageError(
      StrCat("no preset `", arguments.words[2], "`; `hookbridge presets` lists them"));
}

int InspectJournal(const Arguments& arguments) {
  if (arguments.words.size() != 3 || arguments.words[1] != "inspect") {
    return UsageError("journal takes `inspect DIR`");
  }
  std::string report;
  const absl::Status status =
      journal::Inspect(arguments.words[2], {.events = arguments.events}, &report);
  std::fputs(report.c_str(), stdout);
  if (status.ok()) return 0;
  std::fprintf(stderr, "hookbridge: %s\n", std::string(ToStd(status.message())).c_str());
  return 1;
}

// The configuration of `serve`, from the file or the demo, with the flags on top.
Configuration ServeConfiguration(const Arguments& arguments) {
  Configuration read;
  if (arguments.config.empty()) {
    read.config = DemoConfig();
  } else {
    read = ReadConfiguration(arguments.config, SystemClock().Now());
  }
  config::v1::JournalConfig& journal = *read.config.mutable_journal();
  if (!arguments.data.empty()) journal.set_directory(arguments.data);
  if (arguments.journal == "memory") {
    journal.set_engine(config::v1::JOURNAL_ENGINE_MEMORY);
  } else if (arguments.journal == "rocksdb") {
    journal.set_engine(config::v1::JOURNAL_ENGINE_ROCKSDB);
  } else if (!arguments.journal.empty()) {
    read.problems.push_back({.path = "--journal",
                             .message = StrCat("no engine `", arguments.journal, "`"),
                             .fix = "rocksdb or memory"});
  }
  if (!arguments.config.empty() || !read.problems.empty()) return read;
  if (const absl::Status status = PrepareDemo(read.config); !status.ok()) {
    read.problems.push_back({.message = std::string(ToStd(status.message()))});
  } else {
    read.problems = BuildSources(read.config, &read.sources);
  }
  return read;
}

// Reads configuration and secrets again and takes over the sources' keys, tokens and gates, and the
// ports' certificates. Whatever is wrong leaves all of its kind as it is.
void ReadKeysAgain(const Arguments& arguments, Bridge& bridge, Logger& log) {
  bridge.ReloadCertificates();  // logs what is wrong
  if (arguments.config.empty()) {
    log.Error("keys_not_read", {{"detail", "there is no configuration file"}});
    return;
  }
  const Configuration read = ServeConfiguration(arguments);
  for (const ConfigProblem& problem : read.problems) {
    log.Error("keys_not_read", {{"path", problem.path}, {"detail", problem.message}});
  }
  if (!read.problems.empty()) return;
  const std::vector<std::string> others = bridge.ReplaceAccess(read.sources);
  for (const std::string& name : others) {
    log.Warning(
        "source_needs_restart",
        {{"source", name}, {"detail", "more than its secrets changed; it stays as it was"}});
  }
  log.Info("keys_read", {{"sources", static_cast<int64_t>(read.sources.size() - others.size())}});
}

int Serve(const Arguments& arguments) {
  // Before any thread starts, so that all inherit the mask and only sigwait sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A peer that is gone and a file size limit are errors of a call, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);

  Configuration read = ServeConfiguration(arguments);
  if (!read.problems.empty()) {
    PrintProblems(arguments.config.empty() ? "(no file)" : arguments.config, read.problems);
    return 1;
  }
  Logger log(ToLogLevel(read.config.log().level()));
  for (const ConfigProblem& warning : read.warnings) {
    log.Warning("config_warning", {{"path", warning.path},
                                   {"line", warning.line},
                                   {"detail", warning.message},
                                   {"fix", warning.fix}});
  }
  const uint64_t open_files = RaiseOpenFilesLimit(OpenFilesNeeded(read.config));
  if (const auto warning = FitConnections(open_files, &read.config)) {
    log.Warning("connections_max_lowered", {{"detail", *warning}});
  }
  const SystemClock clock;
  auto bridge = Bridge::Start(read.config, std::move(read.sources), clock, log);
  if (!bridge.ok()) {
    log.Error("start_failed", {{"detail", ToStd(bridge.status().message())}});
    std::fprintf(stderr, "hookbridge: %s\n", std::string(ToStd(bridge.status().message())).c_str());
    return 1;
  }
  log.Info("listening", {{"http", (*bridge)->http_address()},
                         {"grpc", (*bridge)->grpc_address()},
                         {"version", kVersion}});
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP)
    ReadKeysAgain(arguments, **bridge, log);
  log.Info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (*bridge)->Shutdown();
  log.Info("stopped", {});
  return 0;
}

}  // namespace

int RunCommand(std::span<const std::string_view> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--help" || argument == "-h" || argument == "help") {
      std::fwrite(kHelp.data(), 1, kHelp.size(), stdout);
      return 0;
    }
    if (argument == "--version") {
      std::printf("hookbridge %s\n", std::string(kVersion).c_str());
      return 0;
    }
  }
  Arguments parsed;
  if (const auto problem = Parse(arguments, parsed)) return UsageError(*problem);
  if (parsed.words.empty()) return UsageError("no command");
  const std::string& command = parsed.words.front();
  if (command == "serve") return Serve(parsed);
  if (command == "check") return Check(parsed);
  if (command == "health") return Health(parsed);
  if (command == "presets") return ShowPresets(parsed);
  if (command == "journal") return InspectJournal(parsed);
  return UsageError(StrCat("unknown command `", command, "`"));
}

}  // namespace hookbridge
