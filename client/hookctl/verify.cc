#include "client/hookctl/captured_request.h"
#include "client/hookctl/command.h"
#include "client/hookctl/event_printer.h"
#include "client/hookctl/recipe_source.h"
#include "server/base/strings.h"
#include "server/verify/verifier.h"

#include <variant>

namespace hookbridge::hookctl {
namespace {

constexpr std::string_view kDetails =
    "Explains offline, step by step, why a captured request is authentic or not. The bridge's own\n"
    "engine decides, so what is explained here is what happens there. The secret is never "
    "printed.\n"
    "A capture is the request's bytes: request line, headers, blank line, body. Signatures carry "
    "a\n"
    "time, so an old capture needs --now.\n"
    "\n"
    "  hookctl verify --preset stripe --secret env:STRIPE_SECRET --request captured.http \\\n"
    "    --now 2026-01-31T12:00:00Z\n"
    "  hookctl verify --config bridge.yaml --source po --request captured.http\n"
    "  hookctl verify --preset github --secret file:secret --body body.json \\\n"
    "    --header 'X-Hub-Signature-256: sha256=...'\n"
    "\n"
    "Exit code 0: authentic; 1: not.\n";

absl::StatusOr<HeaderField> ParseHeaderFlag(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return absl::InvalidArgumentError(StrCat("--header '", text, "' is not `Name: value`"));
  }
  const size_t value = text.find_first_not_of(" \t", colon + 1);
  return HeaderField(text.substr(0, colon), value == std::string::npos ? "" : text.substr(value));
}

absl::StatusOr<WebhookRequest> ReadRequest(const Args& args) {
  if (args.Has("request") == args.Has("body")) {
    return absl::InvalidArgumentError("give --request, or --body with --header");
  }
  const auto bytes = ReadWholeFile(args.Get("request", args.Get("body")));
  if (!bytes.ok()) return bytes.status();
  if (args.Has("request")) return ParseCapturedRequest(*bytes);
  std::vector<HeaderField> headers;
  for (const std::string& text : args.All("header")) {
    auto header = ParseHeaderFlag(text);
    if (!header.ok()) return header.status();
    headers.push_back(*std::move(header));
  }
  return MakeRequest(args.Get("target", "/hooks/source"), headers, *bytes);
}

void PrintStep(const ExplainStep& step, const Environment& environment) {
  const std::string_view mark = step.ok ? "ok  " : "FAIL";
  const std::string_view color = step.ok ? "\x1b[32m" : "\x1b[31m";
  if (environment.color) {
    environment.out << color << mark << "\x1b[0m";
  } else {
    environment.out << mark;
  }
  std::string what = step.what;
  what.resize(std::max<size_t>(what.size(), 16), ' ');
  environment.out << "  " << what << "  " << Printable(step.detail) << '\n';
}

int Explain(const Verifier& verifier, WebhookRequest request, absl::Time now,
            Environment& environment) {
  for (const ExplainStep& step : verifier.Explain(request, now)) PrintStep(step, environment);
  const auto decision = verifier.Verify(std::move(request), now);
  if (const auto* const verified = std::get_if<VerifiedWebhook>(&decision)) {
    environment.out << "authentic" << (verified->key_id().empty() ? "" : ", key ")
                    << verified->key_id() << '\n';
    return kExitOk;
  }
  environment.out << "refused: " << ReasonName(std::get<Rejection>(decision).reason) << '\n';
  return kExitRefused;
}

int RunVerify(const Args& args, Environment& environment) {
  if (const absl::Status words = args.ExpectWords({}); !words.ok()) return Fail(words, environment);
  auto source = LoadRecipeSource(args, args.Get("preset"));
  if (!source.ok()) return Fail(source.status(), environment);
  auto request = ReadRequest(args);
  if (!request.ok()) return Fail(request.status(), environment);
  absl::Time now = environment.clock.Now();
  if (args.Has("now")) {
    const auto given = ParseTime(args.Get("now"), now);
    if (!given.ok()) return Fail(given.status(), environment);
    now = *given;
  }
  // Handshakes are the running bridge's business, and may need its token.
  source->recipe.clear_handshakes();
  const auto verifier = Verifier::Create({.recipe = source->recipe,
                                          .keys = std::move(source->keys),
                                          .url_token = source->url_token,
                                          .public_url = source->public_url});
  if (!verifier.ok()) return Fail(verifier.status(), environment);
  return Explain(**verifier, *std::move(request), now, environment);
}

}  // namespace

Command VerifyCommand() {
  return {
      .name = "verify",
      .summary = "explain why a captured request is authentic or not",
      .usage = "(--preset NAME --secret REF | --config FILE --source NAME) --request FILE",
      .details = kDetails,
      .flags = {{"preset", "NAME", "the scheme; presets list names them"},
                kConfigFlag,
                {"source", "NAME", "the source of --config"},
                kSecretFlag,
                {"request", "FILE", "the captured request, head and body"},
                {"body", "FILE", "the body alone, with --header"},
                {"header", "LINE", "`Name: value`", true},
                {"target", "PATH", "with --body: path and query, for tokens in the URL"},
                {"public-url", "URL", "the URL that the provider was given, where it is signed"},
                {"now", "TIME", "the time to judge by; default is now"}},
      .run = RunVerify};
}

}  // namespace hookbridge::hookctl
