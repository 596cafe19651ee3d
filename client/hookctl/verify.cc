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
    "  hookctl verify --preset aws_sns --topic-arn arn:aws:sns:eu-west-1:123456789012:orders \\\n"
    "    --certificate SimpleNotificationService.pem --request captured.http\n"
    "\n"
    "Nothing is fetched: what the provider's URL serves is read from --certificate, --resource or\n"
    "--key-set.\n"
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

// The flag whose file stands for what a need asks for.
std::string_view FlagOf(const FetchNeed& need) {
  if (need.purpose == FetchPurpose::kKeySet) return "key-set";
  return need.purpose == FetchPurpose::kCertificate ? "certificate" : "resource";
}

// The verdict with the file that stands for the network.
absl::StatusOr<Verdict> VerifyWithFile(const Verifier& verifier, const Args& args,
                                       NeedsFetch needed, absl::Time now,
                                       Environment& environment) {
  const std::string_view flag = FlagOf(needed.need);
  FetchAnswer answer{.error = StrCat("is not at hand; give it with --", flag)};
  if (args.Has(flag)) {
    auto file = ReadWholeFile(args.Get(flag));
    if (!file.ok()) return file.status();
    answer = {.error = {}, .status = 200, .body = *std::move(file)};
  }
  PrintStep({.ok = answer.error.empty(),
             .what = "fetched",
             .detail = StrCat(needed.need.url, answer.error.empty() ? "" : " ", answer.error)},
            environment);
  return verifier.VerifyFetched(std::move(needed), answer, now);
}

// Whether the request is authentic without the line end that its body ends with, which editors add
// to what they save.
bool IsAuthenticWithoutLineEnd(const Verifier& verifier, WebhookRequest request, absl::Time now) {
  if (!request.body.ends_with('\n')) return false;
  request.body.pop_back();
  if (std::holds_alternative<VerifiedWebhook>(verifier.Verify(request, now))) return true;
  if (!request.body.ends_with('\r')) return false;
  request.body.pop_back();
  return std::holds_alternative<VerifiedWebhook>(verifier.Verify(std::move(request), now));
}

int Explain(const Verifier& verifier, const Args& args, WebhookRequest request, absl::Time now,
            Environment& environment) {
  Verdict decision = verifier.Verify(request, now);
  bool by_resource = false;
  if (auto* const needed = std::get_if<NeedsFetch>(&decision)) {
    by_resource = needed->need.purpose == FetchPurpose::kResource;
    auto fetched = VerifyWithFile(verifier, args, std::move(*needed), now, environment);
    if (!fetched.ok()) return Fail(fetched.status(), environment);
    decision = *std::move(fetched);
  }
  const auto* const rejection = std::get_if<Rejection>(&decision);
  if (!by_resource) {
    for (const ExplainStep& step : verifier.Explain(request, now)) PrintStep(step, environment);
  } else if (rejection != nullptr) {
    PrintStep({.ok = false,
               .what = std::string(ReasonName(rejection->reason)),
               .detail = rejection->detail},
              environment);
  }
  if (rejection != nullptr) {
    environment.out << "refused: " << ReasonName(rejection->reason) << '\n';
    if (IsAuthenticWithoutLineEnd(verifier, std::move(request), now)) {
      environment.out << "hint: authentic without the line end at the end of the body, which an "
                         "editor may have added; save the body's bytes as they came\n";
    }
    return kExitRefused;
  }
  const std::string& key_id = std::get<VerifiedWebhook>(decision).key_id();
  environment.out << "authentic" << (key_id.empty() ? "" : ", key ") << key_id << '\n';
  return kExitOk;
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
                                          .public_url = source->public_url,
                                          .values = std::move(source->values),
                                          .topic_arns = std::move(source->topic_arns)});
  if (!verifier.ok()) return Fail(verifier.status(), environment);
  return Explain(**verifier, args, *std::move(request), now, environment);
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
                {"certificate", "FILE", "what the certificate URL serves (SNS, PayPal)"},
                {"resource", "FILE", "what the resource URL answers (Mollie classic)"},
                {"key-set", "FILE", "what the key set's URL answers (signed tokens)"},
                {"topic-arn", "ARN", "an AWS SNS topic of the source", true},
                {"value", "NAME=TEXT", "a value that the recipe names, e.g. webhook_id", true},
                {"now", "TIME", "the time to judge by; default is now"}},
      .run = RunVerify};
}

}  // namespace hookbridge::hookctl
