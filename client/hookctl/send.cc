#include "client/hookctl/command.h"
#include "client/hookctl/event_printer.h"
#include "client/hookctl/http_client.h"
#include "client/hookctl/recipe_source.h"
#include "client/hookctl/samples.h"
#include "client/hookctl/signer.h"
#include "server/base/strings.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <thread>

namespace hookbridge::hookctl {
namespace {

// More requests than this show their progress instead of a line each.
constexpr uint64_t kLinesMax = 20;
// Older than any preset allows.
constexpr absl::Duration kStaleAge = absl::Hours(12);
constexpr std::string_view kDemoSecretFile = "hookbridge-data/demo-secret";

constexpr std::string_view kDetails =
    "Sends webhooks as the provider would: a realistic sample with new ids each time, or --file,\n"
    "signed by the preset's own recipe. Prints the status and the bridge's answer.\n"
    "\n"
    "  hookctl send standard_webhooks                       to the demo source of a fresh bridge\n"
    "  hookctl send stripe --url http://127.0.0.1:8080/hooks/stripe --secret env:STRIPE_SECRET\n"
    "  hookctl send payment_options --source po --secret env:PO_TOKEN    (the token in the URL)\n"
    "  hookctl send github --secret file:secret --file body.json --header 'X-GitHub-Event: push'\n"
    "  hookctl send --config bridge.yaml --source acme --times 1000 --rate 50\n"
    "\n"
    "Faults, to see the bridge refuse (exit code 1) or deduplicate:\n"
    "  hookctl send stripe --secret env:STRIPE_SECRET --bad-signature\n";

// What one run sends.
struct Plan {
  RecipeSource source;
  std::string secret;
  Url url;
  std::vector<HeaderField> headers;
  std::optional<std::string> file_body;
  uint64_t times = 1;
  double rate = 0;  // a second; 0 is as fast as answers come
  bool bad_signature = false;
  bool stale = false;
  bool duplicate = false;
  bool truncated = false;
  bool reordered = false;
};

// A request ready to go.
struct Outgoing {
  std::string target;
  std::vector<HeaderField> headers;
  std::string body;
};

config::v1::AlgorithmKind Kind(const Plan& plan) { return plan.source.recipe.algorithms(0).kind(); }

bool IsPem(const std::string& secret) { return secret.starts_with("-----BEGIN "); }

std::string SourceName(const Args& args, const RecipeSource& source) {
  if (args.Has("source")) return args.Get("source");
  if (source.preset == "standard_webhooks") return "demo";
  std::string name = source.preset;
  std::ranges::replace(name, '_', '-');
  return name;
}

absl::Status ReadUrl(const Args& args, const Environment& environment, Plan* plan) {
  std::string text = environment.variable("HOOKBRIDGE_URL");
  if (text.empty()) text = "http://127.0.0.1:8080";
  auto url = ParseUrl(args.Get("url", text));
  if (!url.ok()) return url.status();
  if (url->path == "/") url->path = StrCat("/hooks/", SourceName(args, plan->source));
  // The provider calls the URL that it was given, with its query.
  const size_t query = plan->source.public_url.find('?');
  if (url->query.empty() && query != std::string::npos) {
    url->query = plan->source.public_url.substr(query + 1);
  }
  plan->url = *std::move(url);
  return absl::OkStatus();
}

// True when the path already is /hooks/NAME/TOKEN.
bool HasToken(const Url& url) { return std::ranges::count(url.path, '/') > 2; }

absl::Status ReadSecret(const Args& args, Plan* plan) {
  if (!plan->source.keys.empty()) {
    plan->secret = plan->source.keys.front().secret;
    return absl::OkStatus();
  }
  if (Kind(*plan) == config::v1::ALGORITHM_KIND_NONE) return absl::OkStatus();
  if (Kind(*plan) == config::v1::ALGORITHM_KIND_URL_TOKEN && HasToken(plan->url)) {
    plan->secret = plan->url.path.substr(plan->url.path.rfind('/') + 1);
    plan->url.path.resize(plan->url.path.rfind('/'));
    return absl::OkStatus();
  }
  if (SourceName(args, plan->source) == "demo" && std::filesystem::exists(kDemoSecretFile)) {
    auto secret = ResolveReference(StrCat("file:", kDemoSecretFile));
    if (!secret.ok()) return secret.status();
    plan->secret = *std::move(secret);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("--secret is missing: env:NAME, file:PATH or inline:TEXT");
}

absl::Status ReadContent(const Args& args, Plan* plan) {
  for (const std::string& text : args.All("header")) {
    const size_t colon = text.find(": ");
    if (colon == std::string::npos || colon == 0) {
      return absl::InvalidArgumentError(StrCat("--header '", text, "' is not `Name: value`"));
    }
    plan->headers.emplace_back(text.substr(0, colon), text.substr(colon + 2));
  }
  if (!args.Has("file")) return absl::OkStatus();
  auto body = ReadWholeFile(args.Get("file"));
  if (!body.ok()) return body.status();
  plan->file_body = *std::move(body);
  return absl::OkStatus();
}

absl::Status ReadFaults(const Args& args, Plan* plan) {
  plan->bad_signature = args.Has("bad-signature");
  plan->stale = args.Has("stale");
  plan->duplicate = args.Has("duplicate");
  plan->truncated = args.Has("truncated");
  plan->reordered = args.Has("reordered");
  if (plan->stale && !plan->source.recipe.has_timestamp()) {
    return absl::InvalidArgumentError("--stale: this scheme signs no time");
  }
  if (plan->bad_signature && Kind(*plan) == config::v1::ALGORITHM_KIND_NONE) {
    return absl::InvalidArgumentError("--bad-signature: this scheme checks nothing");
  }
  return absl::OkStatus();
}

absl::StatusOr<Plan> MakePlan(const Args& args, const Environment& environment) {
  Plan plan;
  if (args.words().size() > 1) {
    return absl::InvalidArgumentError(StrCat("unexpected word '", args.words()[1], "'"));
  }
  auto source = LoadRecipeSource(args, args.words().empty() ? "" : args.words()[0]);
  if (!source.ok()) return source.status();
  plan.source = *std::move(source);
  if (plan.source.recipe.algorithms().empty()) {
    return absl::InvalidArgumentError("the recipe has no algorithm");
  }
  const auto times = args.Count("times", 1);
  if (!times.ok()) return times.status();
  const auto rate = args.Rate("rate", 0);
  if (!rate.ok()) return rate.status();
  plan.times = *times;
  plan.rate = *rate;
  for (const absl::Status& status : {ReadUrl(args, environment, &plan), ReadSecret(args, &plan),
                                     ReadContent(args, &plan), ReadFaults(args, &plan)}) {
    if (!status.ok()) return status;
  }
  return plan;
}

// The other headers and the body; a header that the caller gave replaces the sample's.
Unsigned MakeUnsigned(const Plan& plan, absl::Time now) {
  const absl::Time time = plan.stale ? now - kStaleAge : now;
  const Sample sample = MakeSample(plan.source.preset, NewSeed(time));
  Unsigned webhook{.body = plan.file_body.value_or(sample.body),
                   .headers = plan.headers,
                   .public_url = plan.source.public_url,
                   .query = plan.url.query.empty() ? sample.query : plan.url.query,
                   .event_id = sample.event_id,
                   .time = time,
                   .values = plan.source.values};
  for (const HeaderField& field : sample.headers) {
    const bool given = std::ranges::any_of(plan.headers, [&](const HeaderField& header) {
      return absl::EqualsIgnoreCase(header.first, field.first);
    });
    if (!given) webhook.headers.push_back(field);
  }
  return webhook;
}

// Another secret of the same form, so that what is signed with it is wrong and not malformed.
std::string OtherSecret(const config::v1::Algorithm& algorithm, std::string secret) {
  const bool prefixed =
      !algorithm.key_prefix().empty() && secret.starts_with(algorithm.key_prefix());
  const size_t first = prefixed ? algorithm.key_prefix().size() : 0;
  if (first == secret.size()) return secret + "A";
  char& digit = secret[first];
  if (algorithm.key_encoding() == config::v1::KEY_ENCODING_HEX) {
    digit = digit == '0' ? '1' : '0';
  } else {
    digit = digit == 'A' ? 'B' : 'A';
  }
  return secret;
}

absl::StatusOr<Outgoing> MakeOutgoing(const Plan& plan, absl::Time now) {
  const Unsigned webhook = MakeUnsigned(plan, now);
  Unsigned to_sign = webhook;
  std::string secret = plan.secret;
  const bool covers_body =
      Kind(plan) == config::v1::ALGORITHM_KIND_HMAC && !plan.source.recipe.body_not_signed();
  if (plan.bad_signature && covers_body) {
    to_sign.body += ' ';  // a good signature of something else
  } else if (plan.bad_signature && IsPem(secret)) {
    to_sign.body += ' ';
  } else if (plan.bad_signature) {
    secret = OtherSecret(plan.source.recipe.algorithms(0), secret);
  }
  auto signed_headers = Sign(plan.source.recipe, secret, to_sign);
  if (!signed_headers.ok()) return signed_headers.status();
  std::string target = plan.url.path;
  const std::string& token =
      signed_headers->url_token.empty() ? plan.source.url_token : signed_headers->url_token;
  if (!token.empty() && !HasToken(plan.url)) StrAppend(&target, "/", token);
  if (!signed_headers->query.empty()) StrAppend(&target, "?", signed_headers->query);
  return Outgoing{.target = std::move(target),
                  .headers = std::move(signed_headers->headers),
                  .body = plan.bad_signature && (covers_body || IsPem(secret))
                              ? webhook.body
                              : std::move(signed_headers->body)};
}

std::string_view Hint(uint32_t status) {
  switch (status) {
    case 400:
      return "malformed, or the body was refused";
    case 401:
      return "not authentic; `hookctl sources` shows the reason, `hookctl verify` explains";
    case 404:
      return "no such source, or a wrong token in the URL";
    case 413:
      return "body over the limit";
    case 503:
      return "not stored for sure; the provider would retry";
    default:
      return "";
  }
}

// Sends, counts and tells.
class Sender {
 public:
  Sender(Plan plan, bool insecure, Environment& environment)
      : plan_(std::move(plan)), client_(plan_.url, insecure), environment_(environment) {}

  int Run() {
    const auto start = std::chrono::steady_clock::now();
    for (uint64_t i = 0; i < plan_.times; ++i) {
      if (plan_.rate > 0) {
        std::this_thread::sleep_until(
            start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                        std::chrono::duration<double>(static_cast<double>(i) / plan_.rate)));
      }
      const auto outgoing = MakeOutgoing(plan_, TimeOf(i));
      if (!outgoing.ok()) return Fail(outgoing.status(), environment_);
      for (int copy = 0; copy < (plan_.duplicate ? 2 : 1); ++copy) {
        if (const absl::Status sent = SendOne(*outgoing); !sent.ok()) {
          PrintSummary();
          return Fail(sent, environment_);
        }
      }
      if (plan_.times > kLinesMax && (i + 1) % (plan_.times / 10) == 0) {
        environment_.err << i + 1 << " of " << plan_.times << '\n';
      }
    }
    PrintSummary();
    return refused_ == 0 ? kExitOk : kExitRefused;
  }

 private:
  // When the event of the i-th request happened: in pairs the later one first, a second apart.
  absl::Time TimeOf(uint64_t i) const {
    const absl::Time now = environment_.clock.Now();
    return plan_.reordered && i % 2 == 1 ? now - absl::Seconds(1) : now;
  }

  absl::Status SendOne(const Outgoing& outgoing) {
    if (plan_.truncated) {
      const absl::Status sent =
          client_.PostTruncated(outgoing.target, outgoing.headers, outgoing.body);
      if (sent.ok()) environment_.out << "half of the body sent, connection closed\n";
      return sent;
    }
    const auto answer = client_.Post(outgoing.target, outgoing.headers, outgoing.body);
    if (!answer.ok()) return answer.status();
    ++by_status_[answer->status];
    const bool accepted = answer->status >= 200 && answer->status < 300;
    if (!accepted) ++refused_;
    if (plan_.times <= kLinesMax) PrintAnswer(*answer, accepted);
    return absl::OkStatus();
  }

  void PrintAnswer(const HttpAnswer& answer, bool accepted) {
    const std::string_view color = accepted ? "\x1b[32m" : "\x1b[31m";
    environment_.out << (environment_.color ? color : "") << answer.status
                     << (environment_.color ? "\x1b[0m" : "") << "  " << Printable(answer.body);
    // The bridge answers a repeat with the id of the first.
    if (accepted && !answer.body.empty() && answer.body == last_body_) {
      environment_.out << "  duplicate: the event that was there";
    }
    if (!accepted) environment_.out << "  " << Hint(answer.status);
    if (!answer.retry_after.empty()) {
      environment_.out << "  retry after " << Printable(answer.retry_after) << " s";
    }
    environment_.out << '\n';
    last_body_ = answer.body;
  }

  void PrintSummary() {
    if (plan_.times <= kLinesMax) return;
    for (const auto& [status, count] : by_status_) {
      environment_.out << status << "  " << count << " times  " << Hint(status) << '\n';
    }
  }

  const Plan plan_;
  HttpClient client_;
  Environment& environment_;
  std::map<uint32_t, uint64_t> by_status_;
  uint64_t refused_ = 0;
  std::string last_body_;
};

int RunSend(const Args& args, Environment& environment) {
  auto plan = MakePlan(args, environment);
  if (!plan.ok()) return Fail(plan.status(), environment);
  return Sender(*std::move(plan), args.Has("insecure"), environment).Run();
}

}  // namespace

Command SendCommand() {
  return {.name = "send",
          .summary = "sign and send a sample webhook, or a file",
          .usage = "(PRESET | --config FILE --source NAME) [flags]",
          .details = kDetails,
          .flags = {{"url", "URL",
                     "the bridge, or the whole /hooks/NAME; default HOOKBRIDGE_URL or "
                     "http://127.0.0.1:8080"},
                    {"source", "NAME", "the source; default the preset's name, or demo"},
                    kConfigFlag,
                    kSecretFlag,
                    {"file", "FILE", "this body instead of a sample"},
                    {"header", "LINE", "`Name: value`, replacing the sample's", true},
                    {"public-url", "URL", "the URL that the provider was given, if it signs it"},
                    {"value", "NAME=TEXT", "a value that the recipe names", true},
                    {"times", "N", "how many; each with new ids"},
                    {"rate", "N", "at most N a second"},
                    {"bad-signature", "", "fault: a signature of another body, or a wrong token"},
                    {"stale", "", "fault: signed twelve hours ago"},
                    {"duplicate", "", "fault: each event twice"},
                    {"truncated", "", "fault: half of the body, then close"},
                    {"reordered", "", "fault: events in pairs, the later one first"},
                    {"insecure", "", "accept any TLS certificate"}},
          .run = RunSend};
}

}  // namespace hookbridge::hookctl
