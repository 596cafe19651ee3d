#include "client/hookctl/command.h"
#include "client/hookctl/event_printer.h"
#include "client/hookctl/http_client.h"
#include "client/hookctl/recipe_source.h"
#include "server/base/strings.h"

#include <google/protobuf/struct.pb.h>

#include "absl/strings/ascii.h"

namespace hookbridge::hookctl {
namespace {

// Payment Options takes no longer webhook_url.
constexpr size_t kUrlBytesMax = 255;

constexpr std::string_view kDetails =
    "Prints the block that every Payment Options API request carries, so that the payment's "
    "webhook\n"
    "comes to this bridge and the customer's browser to your shop. The token is the secret: it "
    "must\n"
    "be hard to guess, and this output is as secret as it is.\n"
    "\n"
    "  hookctl return-url --source po --base https://hooks.shop.example --token env:PO_TOKEN \\\n"
    "    --shop https://shop.example/checkout\n";

absl::Status CheckBase(const std::string& name, const std::string& base) {
  const auto url = ParseUrl(base);
  if (!url.ok()) return url.status();
  if (!url->tls) {
    return absl::InvalidArgumentError(
        StrCat("--", name, " must be https: the token is in the URL"));
  }
  if (!url->query.empty()) return absl::InvalidArgumentError(StrCat("--", name, " has a query"));
  return absl::OkStatus();
}

std::string WithoutSlash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

// Letters, digits, `.`, `_`, `~` and `-` need no escapes in a path.
bool IsPathSafe(const std::string& token) {
  for (const char c : token) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                       std::string_view("._~-").find(c) != std::string_view::npos;
    if (!plain) return false;
  }
  return !token.empty();
}

absl::StatusOr<std::string> MakeWebhookUrl(const Args& args) {
  if (!args.Has("source") || !args.Has("base") || !args.Has("token")) {
    return absl::InvalidArgumentError("--source, --base and --token are needed");
  }
  if (const absl::Status base = CheckBase("base", args.Get("base")); !base.ok()) return base;
  const auto token = ResolveReference(args.Get("token"));
  if (!token.ok()) return token.status();
  if (!IsPathSafe(*token)) {
    return absl::InvalidArgumentError(
        "the token holds characters that a path would escape; use "
        "letters and digits, for example from `openssl rand -hex 24`");
  }
  const std::string url =
      StrCat(WithoutSlash(args.Get("base")), "/hooks/", args.Get("source"), "/", *token);
  if (url.size() <= kUrlBytesMax) return url;
  return absl::InvalidArgumentError(StrCat("the webhook URL has ", url.size(),
                                           " characters; Payment Options takes ", kUrlBytesMax));
}

// As a JSON string.
std::string Quote(const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  return ToJsonLine(value).value_or("");
}

int RunReturnUrl(const Args& args, Environment& environment) {
  if (const absl::Status words = args.ExpectWords({}); !words.ok()) return Fail(words, environment);
  const auto webhook_url = MakeWebhookUrl(args);
  if (!webhook_url.ok()) return Fail(webhook_url.status(), environment);
  const std::string shop = WithoutSlash(args.Get("shop", args.Get("base")));
  if (const absl::Status checked = CheckBase("shop", shop); !checked.ok()) {
    return Fail(checked, environment);
  }
  environment.out << "{\n  \"return_url\": {\n    \"webhook_url\": " << Quote(*webhook_url)
                  << ",\n    \"success_url\": " << Quote(shop + "/success")
                  << ",\n    \"decline_url\": " << Quote(shop + "/decline")
                  << ",\n    \"cancel_url\": " << Quote(shop + "/cancel") << "\n  }\n}\n";
  return kExitOk;
}

}  // namespace

Command ReturnUrlCommand() {
  return {
      .name = "return-url",
      .summary = "print the return_url block of a Payment Options request",
      .usage = "--source NAME --base URL --token REF [--shop URL]",
      .details = kDetails,
      .flags = {{"source", "NAME", "the bridge's source of preset payment_options"},
                {"base", "URL", "the bridge as Payment Options sees it, https"},
                {"token", "REF", "env:NAME, file:PATH or inline:TEXT"},
                {"shop", "URL", "browser pages: URL/success, /decline, /cancel; default --base"}},
      .run = RunReturnUrl};
}

}  // namespace hookbridge::hookctl
