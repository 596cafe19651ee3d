// A field of a recipe that validation accepts changes the verdict on some request; a field that no
// kind reads is refused. For each kind, every field of every message that decides is set, one at a
// time, and what hookctl signs by the old and the new recipe is sent to both.
#include "client/hookctl/captured_request.h"
#include "client/hookctl/signer.h"
#include "server/base/strings.h"
#include "server/verify/presets.h"
#include "server/verify/verifier.h"
#include "tests/support/recipes.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>

#include "absl/strings/str_replace.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace hookbridge::hookctl {
namespace {

using config::v1::Recipe;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// Fields that decide on a request; the others are about its event and its answer.
const std::set<std::string> kDecide = {"algorithms",    "signature",      "timestamp",
                                       "message",       "certificate",    "required_headers",
                                       "key_id_header", "body_not_signed"};
const std::set<std::string> kDoNotDecide = {
    "event",          "responses",        "handshakes",       "keep_headers",
    "body_format",    "dedup_window",     "description",      "split",
    "on_id_conflict", "same_body_window", "not_key_prefixes", "jwt",
    "json_field",     "signed_body",      "events_by_get"};

struct Kind {
  const char* name;
  const char* yaml;
  const char* body = R"({"a":"1","s":"{signature}","t":1700000000})";
};

const Kind kKinds[] = {
    {"HmacPrefix",
     "algorithms: [{kind: hmac}]\nsignature: {headers: [S], syntax: prefix, prefix: "
     "'v='}\nmessage: [{body: true}]"},
    {"HmacList",
     "algorithms: [{kind: hmac, label: v1}]\nsignature: {headers: [S], syntax: "
     "list}\ntimestamp: {header: T}\nmessage: [{timestamp: true}, {body: true}]"},
    {"HmacPairs",
     "algorithms: [{kind: hmac, label: v1}]\nsignature: {headers: [S], syntax: "
     "key_value}\ntimestamp: {label: t}\nmessage: [{timestamp: true}, {body: true}]"},
    {"HmacInBody",
     "algorithms: [{kind: hmac}]\nsignature: {json_pointer: /s}\ntimestamp: "
     "{json_pointer: /t}\nmessage: [{json_pointer: /a}, {timestamp: "
     "true}]\nbody_not_signed: true"},
    {"Digest",
     "algorithms: [{kind: digest}]\nsignature: {headers: [S]}\nmessage: [{secret: true}, "
     "{body: true}]"},
    {"HmacForm",
     "algorithms: [{kind: hmac}]\nbody_format: form\nsignature: {form_field: s}\nmessage: "
     "[{fields: {except: [s]}}]",
     "b=2&a=1&s={signature}&c=%20&X-Other=1&v2=x"},
    {"HmacQuery",
     "algorithms: [{kind: hmac}]\nsignature: {query: s}\nmessage: [{query: K}, {body: true}]"},
    {"TokenInBody", "algorithms: [{kind: static_token}]\nsignature: {json_pointer: /s}"},
    {"Token", "algorithms: [{kind: static_token}]\nsignature: {headers: [S]}"},
    {"UrlToken", "algorithms: [{kind: url_token}]"},
    {"Basic", "algorithms: [{kind: basic}]"},
    {"None", "algorithms: [{kind: none}]"},
    {"Twilio", "algorithms: [{kind: twilio}]", "a=1&b=2"},
    {"Adyen", "algorithms: [{kind: adyen_payments, key_encoding: hex}]",
     R"({"notificationItems":[{"NotificationRequestItem":{"pspReference":"1",
        "additionalData":{"hmacSignature":"{signature}"}}}]})"},
};

// Secrets that are text, base64 and hexadecimal at once, one with a prefix.
const std::string kSecrets[] = {"abcdef0123456789", "pre_abcdef0123456789"};

struct Variant {
  std::vector<HeaderField> headers;
  std::string body;
  std::string token;
  std::string query;
};

// What the provider sends under a recipe at three times, and what else may come of it on the way.
std::vector<Variant> Requests(const Recipe& recipe, const std::string& secret,
                              const std::string& body) {
  std::vector<Variant> all;
  for (const absl::Duration shift : {-absl::Hours(2), -absl::Minutes(1), absl::Hours(2)}) {
    const std::string now = StrCat(absl::ToUnixSeconds(kNow));
    const std::string sent = StrCat(absl::ToUnixSeconds(kNow + shift));
    Unsigned webhook{.body = absl::StrReplaceAll(body, {{now, sent}}),
                     .headers = {{"K", "k1"}, {"R", "yes"}, {"X-Other", "1"}},
                     .public_url = "https://hooks.example/hooks/test",
                     .query = "K=Value&S=1",
                     .event_id = "e",
                     .time = kNow + shift,
                     .key_id = "k1"};
    const auto made = Sign(recipe, secret, webhook);
    if (!made.ok()) continue;
    const Variant plain{made->headers, made->body, made->url_token, made->query};
    all.push_back(plain);
    // With another entry before the signature in the body, and in the query.
    webhook.body = absl::StrReplaceAll(webhook.body, {{"{signature}", "00,{signature}"}});
    if (const auto more = Sign(recipe, secret, webhook); more.ok()) {
      all.push_back({more->headers, more->body, more->url_token,
                     absl::StrReplaceAll(more->query, {{"&s=", "&s=00,"}})});
    }
    for (size_t i = 0; i < plain.headers.size(); ++i) {
      const std::string& value = plain.headers[i].second;
      const auto with = [&](const std::string& changed) {
        Variant variant = plain;
        variant.headers[i].second = changed;
        all.push_back(std::move(variant));
      };
      Variant twice = plain;
      twice.headers.push_back(plain.headers[i]);
      all.push_back(std::move(twice));
      Variant without = plain;
      without.headers.erase(without.headers.begin() + static_cast<std::ptrdiff_t>(i));
      all.push_back(std::move(without));
      // Without its prefix, and with another entry before it.
      if (value.find('=') != std::string::npos) with(value.substr(value.find('=') + 1));
      for (const char* const entry : {"x,00 ", "x=00,", "x,00;", "x=00;"}) with(entry + value);
    }
  }
  return all;
}

// One verdict a request; nullopt when the recipe is refused.
std::optional<std::vector<std::string>> Verdicts(const Recipe& recipe, const std::string& secret,
                                                 const std::vector<Variant>& requests) {
  VerifierOptions options;
  options.recipe = recipe;
  options.public_url = "https://hooks.example/hooks/test";
  if (recipe.algorithms(0).kind() != config::v1::ALGORITHM_KIND_NONE) {
    options.keys = {{.id = "k1", .secret = secret}};
  }
  const auto verifier = Verifier::Create(std::move(options));
  if (!verifier.ok()) return std::nullopt;
  std::vector<std::string> verdicts;
  for (const Variant& variant : requests) {
    const std::string target =
        "/hooks/test" + (variant.token.empty() ? "" : "/" + variant.token) + "?" + variant.query;
    const auto verdict =
        (*verifier)->Verify(MakeRequest(target, variant.headers, variant.body), kNow);
    const auto* const rejection = std::get_if<Rejection>(&verdict);
    verdicts.emplace_back(rejection == nullptr ? "good" : ReasonName(rejection->reason));
  }
  return verdicts;
}

// Recipes that differ from `base` in one field of `message`, which is a part of `copy`.
void Mutate(const Recipe& base, Recipe& copy, Message& message, const std::string& path,
            const std::function<void(const std::string&, const Recipe&)>& each) {
  const auto* const reflection = message.GetReflection();
  const auto set = [&](const std::string& what, const std::function<void()>& change) {
    change();
    if (!google::protobuf::util::MessageDifferencer::Equals(copy, base)) each(path + what, copy);
  };
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* const field = message.GetDescriptor()->field(i);
    const std::unique_ptr<Message> before(message.New());
    before->CopyFrom(message);
    const std::string name = field->name();
    if (path.empty() && kDoNotDecide.contains(name)) continue;
    if (field->is_map()) {
      if (name == "replace") {
        set(name, [&] {
          (*dynamic_cast<config::v1::FieldsPart&>(message).mutable_replace())["x"] = "y";
        });
      } else {
        set(name, [&] { (*copy.mutable_required_headers())["R"] = "yes"; });
      }
    } else if (field->is_repeated()) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        set(name, [&] { reflection->AddString(&message, field, "X-Other"); });
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      for (const std::string value : {"v=", ";", "S", "pre_", "K", "v2", "/a"}) {
        set(name, [&] { reflection->SetString(&message, field, value); });
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      set(name,
          [&] { reflection->SetBool(&message, field, !reflection->GetBool(message, field)); });
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      for (int value = 1; value < field->enum_type()->value_count(); ++value) {
        set(StrCat(name, " ", field->enum_type()->value(value)->name()),
            [&] { reflection->SetEnumValue(&message, field, value); });
      }
    } else if (field->message_type()->name() == "Duration") {
      set(name, [&] {
        auto* const duration = reflection->MutableMessage(&message, field);
        duration->GetReflection()->SetInt64(duration, duration->GetDescriptor()->field(0), 9000);
      });
    }
    message.CopyFrom(*before);
  }
}

// Values that say what holds without them.
bool IsTheDefault(const std::string& what) {
  for (const char* const same :
       {"HASH_FUNCTION_SHA256", "KEY_ENCODING_TEXT", "SYNTAX_BARE", "ENCODING_HEX", "UNIT_SECONDS",
        "FIELDS_FROM_FORM", "FIELDS_ORDER_SORTED", "UNSPECIFIED"}) {
    if (what.ends_with(same) && !what.ends_with("KEY_ENCODING_HEX")) return true;
  }
  return false;
}

// What became of a field, over all its values.
struct Use {
  bool accepted = false;
  bool differs = false;
};

Use Try(const Kind& kind, const Recipe& base, const Recipe& changed) {
  Use use;
  for (const std::string& secret : kSecrets) {
    std::vector<Variant> requests = Requests(base, secret, kind.body);
    for (Variant& more : Requests(changed, secret, kind.body)) requests.push_back(more);
    const auto before = Verdicts(base, secret, requests);
    const auto after = Verdicts(changed, secret, requests);
    use.accepted |= after.has_value();
    use.differs |= after.has_value() && after != before;
  }
  return use;
}

class RecipeFieldsTest : public testing::TestWithParam<Kind> {};

TEST_P(RecipeFieldsTest, WhatIsAcceptedDecidesAndWhatIsNotReadIsRefused) {
  const Recipe base = RecipeOf(GetParam().yaml);
  std::map<std::string, Use> uses;
  const auto each = [&](const std::string& what, const Recipe& changed) {
    if (IsTheDefault(what)) return;
    const Use use = Try(GetParam(), base, changed);
    uses[what].accepted |= use.accepted;
    uses[what].differs |= use.differs;
  };
  const std::vector<std::pair<std::string, std::function<Message*(Recipe&)>>> parts = {
      {"", [](Recipe& recipe) { return &recipe; }},
      {"algorithms[0].", [](Recipe& recipe) { return recipe.mutable_algorithms(0); }},
      {"signature.", [](Recipe& recipe) { return recipe.mutable_signature(); }},
      {"timestamp.", [](Recipe& recipe) { return recipe.mutable_timestamp(); }},
      {"certificate.", [](Recipe& recipe) { return recipe.mutable_certificate(); }}};
  for (const auto& [path, part] : parts) {
    Recipe copy = base;
    Mutate(base, copy, *part(copy), path, each);
  }
  for (int i = 0; i < base.message_size(); ++i) {
    Recipe copy = base;
    config::v1::MessagePart& part = *copy.mutable_message(i);
    Mutate(base, copy, part, StrCat("message[", i, "]."), each);
    if (!part.has_fields()) continue;
    Mutate(base, copy, *part.mutable_fields(), StrCat("message[", i, "].fields."), each);
  }
  size_t refused = 0;
  for (const auto& [what, use] : uses) {
    refused += !use.accepted;
    EXPECT_TRUE(!use.accepted || use.differs) << what << " is accepted and decides nothing";
  }
  EXPECT_GT(refused, 10u);
  EXPECT_LT(refused, uses.size()) << "nothing decides";
}

INSTANTIATE_TEST_SUITE_P(All, RecipeFieldsTest, testing::ValuesIn(kKinds),
                         [](const auto& test) { return test.param.name; });

// A field that is added to the recipe is one or the other, and tried above where it decides.
TEST(RecipeFieldsTest, EveryFieldIsSorted) {
  const auto* const descriptor = Recipe::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const std::string& name = descriptor->field(i)->name();
    EXPECT_EQ(kDecide.contains(name) + kDoNotDecide.contains(name), 1) << name;
  }
}

}  // namespace
}  // namespace hookbridge::hookctl
