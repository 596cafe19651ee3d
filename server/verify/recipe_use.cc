#include "server/verify/recipe_use.h"

#include "server/base/strings.h"
#include "server/verify/internal/body_use.h"
#include "server/verify/internal/recipe_check.h"
#include "server/verify/internal/replay.h"

#include <algorithm>
#include <utility>

namespace hookbridge {
namespace {

using config::v1::Algorithm;
using config::v1::AlgorithmKind;
using config::v1::Handshake;
using config::v1::Recipe;
using config::v1::SignatureLocation;
using Fields = std::vector<UnreadField>;

constexpr std::string_view kRemove = "remove it";

bool ReadsHash(AlgorithmKind kind) {
  return kind == config::v1::ALGORITHM_KIND_HMAC || kind == config::v1::ALGORITHM_KIND_DIGEST ||
         kind == config::v1::ALGORITHM_KIND_RSA_PKCS1 || kind == config::v1::ALGORITHM_KIND_AWS_SNS;
}

bool IsLabelled(const SignatureLocation& signature) {
  return signature.syntax() == config::v1::SIGNATURE_SYNTAX_LIST ||
         signature.syntax() == config::v1::SIGNATURE_SYNTAX_KEY_VALUE;
}

// Collects what is set and not read.
class Finder {
 public:
  explicit Finder(const Recipe& recipe)
      : recipe_(recipe),
        kind_(recipe.algorithms(0).kind()),
        by_kind_(StrCat("is not read by kind ", KindName(kind_))) {}

  Fields Find() {
    FindInAlgorithms();
    FindInSignature();
    FindInCheck();
    FindInMessage();
    FindInJwt();
    FindInHandshakes();
    FindInEvent();
    FindUnreadOfBody(recipe_, found_);
    return std::move(found_);
  }

 private:
  void Add(bool is_set, bool is_read, std::string field, std::string_view why,
           std::string_view fix = kRemove) {
    if (is_set && !is_read)
      found_.push_back({std::move(field), std::string(why), std::string(fix)});
  }
  // Of a field that only some kinds read.
  void AddByKind(bool is_set, bool is_read, std::string field) {
    Add(is_set, is_read, std::move(field), by_kind_,
        "remove it, or write algorithms with the kind that is meant, for example [{kind: hmac}]");
  }

  void FindInAlgorithms() {
    const bool keys = HasConfiguredKeys(recipe_);
    for (int i = 0; i < recipe_.algorithms_size(); ++i) {
      const Algorithm& algorithm = recipe_.algorithms(i);
      const std::string path = StrCat("algorithms[", i, "].");
      AddByKind(algorithm.hash() != config::v1::HASH_FUNCTION_UNSPECIFIED,
                ReadsHash(algorithm.kind()), path + "hash");
      AddByKind(algorithm.key_encoding() != config::v1::KEY_ENCODING_UNSPECIFIED, keys,
                path + "key_encoding");
      AddByKind(!algorithm.key_prefix().empty(), keys, path + "key_prefix");
      Add(algorithm.i_understand_md5_is_broken(), algorithm.hash() == config::v1::HASH_FUNCTION_MD5,
          path + "i_understand_md5_is_broken", "is for hash md5");
      Add(!algorithm.label().empty(), Signs(algorithm.kind()) && IsLabelled(recipe_.signature()),
          path + "label", "is read in signature.syntax list and key_value alone",
          "remove it, or write the syntax");
    }
    AddByKind(!recipe_.not_key_prefixes().empty(), keys, "not_key_prefixes");
  }

  void FindInSignature() {
    const SignatureLocation& signature = recipe_.signature();
    const bool anywhere = Signs(kind_) || kind_ == config::v1::ALGORITHM_KIND_STATIC_TOKEN;
    const bool token =
        kind_ == config::v1::ALGORITHM_KIND_STATIC_TOKEN || kind_ == config::v1::ALGORITHM_KIND_JWT;
    const bool signs = Signs(kind_);
    AddByKind(!signature.headers().empty(),
              signs || token || kind_ == config::v1::ALGORITHM_KIND_TWILIO, "signature.headers");
    AddByKind(!signature.json_pointer().empty(), anywhere, "signature.json_pointer");
    AddByKind(!signature.form_field().empty(), anywhere, "signature.form_field");
    AddByKind(!signature.query().empty(), anywhere, "signature.query");
    AddByKind(signature.syntax() != config::v1::SIGNATURE_SYNTAX_UNSPECIFIED, signs || token,
              "signature.syntax");
    AddByKind(signature.encoding() != config::v1::SIGNATURE_ENCODING_UNSPECIFIED, signs,
              "signature.encoding");
    AddByKind(signature.allow_repeated_lines(), signs, "signature.allow_repeated_lines");
    Add(signs && signature.allow_repeated_lines(), !signature.headers().empty(),
        "signature.allow_repeated_lines", "is for headers");
    const bool prefixed =
        (signs || token) && signature.syntax() == config::v1::SIGNATURE_SYNTAX_PREFIX;
    Add(!signature.prefix().empty(), prefixed, "signature.prefix",
        "is read in signature.syntax prefix alone", "remove it, or write syntax: prefix");
    Add(signature.prefix_optional(), prefixed, "signature.prefix_optional",
        "is read in signature.syntax prefix alone");
    const bool labelled = signs && IsLabelled(signature);
    const std::string_view why = "is read in signature.syntax list and key_value alone";
    Add(!signature.entry_separator().empty(),
        labelled || signature.syntax() == config::v1::SIGNATURE_SYNTAX_ENTRIES,
        "signature.entry_separator", "is read in signature.syntax list, key_value and entries");
    Add(!signature.label_separator().empty(), labelled, "signature.label_separator", why);
  }

  // What decides beside algorithms and signature.
  void FindInCheck() {
    const bool signs = Signs(kind_);
    const bool sns = kind_ == config::v1::ALGORITHM_KIND_AWS_SNS;
    const bool body_is_part =
        std::any_of(recipe_.message().begin(), recipe_.message().end(),
                    [](const config::v1::MessagePart& part) { return CoversBody(part); });
    AddByKind(recipe_.has_timestamp(), signs || sns, "timestamp");
    Add(sns && recipe_.has_timestamp(), recipe_.timestamp().json_pointer() == "/Timestamp",
        "timestamp", "says where aws_sns has its time, which is at /Timestamp",
        "write json_pointer: /Timestamp");
    const bool jwt = kind_ == config::v1::ALGORITHM_KIND_JWT;
    const bool builds = signs || IsDetachedToken(recipe_);
    AddByKind(!recipe_.message().empty(), builds || jwt, "message");
    Add(jwt && !recipe_.message().empty(), builds, "message",
        "is signed in detached tokens alone, others have a claim with the body's hash",
        "remove it, or write jwt.detached: true");
    AddByKind(recipe_.has_jwt(), jwt, "jwt");
    AddByKind(recipe_.has_certificate(), sns || kind_ == config::v1::ALGORITHM_KIND_RSA_PKCS1,
              "certificate");
    AddByKind(!recipe_.required_headers().empty(), signs, "required_headers");
    AddByKind(!recipe_.key_id_header().empty(), signs, "key_id_header");
    Add(!recipe_.key_id_header().empty(), !recipe_.has_certificate(), "key_id_header",
        "names a configured key, and the key is in a certificate");
    AddByKind(recipe_.body_not_signed(), signs || jwt, "body_not_signed");
    AddByKind(recipe_.signed_body() != config::v1::SIGNED_BODY_UNSPECIFIED, signs || jwt,
              "signed_body");
    Add(builds && recipe_.body_not_signed(), !body_is_part, "body_not_signed",
        "contradicts message, which covers the body");
  }

  void FindInMessage() {
    for (int i = 0; i < recipe_.message_size(); ++i) {
      const config::v1::MessagePart& part = recipe_.message(i);
      const std::string path = StrCat("message[", i, "].");
      Add(part.lower_case(), part.has_form_field() || part.has_query(), path + "lower_case",
          "is read of form_field and query alone");
      const config::v1::FieldsPart& fields = part.fields();
      const bool listed = fields.order() == config::v1::FIELDS_ORDER_LISTED;
      Add(!fields.names().empty(), listed, path + "fields.names", "is read in order listed alone",
          "write order: listed");
      Add(!fields.except().empty(), !listed, path + "fields.except",
          "is not read in order listed, which names all that is taken");
      Add(fields.has_assign(), !fields.values_only(), path + "fields.assign",
          "stands between name and value, and values_only leaves the names out");
      for (const auto& [from, to] : fields.replace()) {
        Add(from.size() != 1, false, path + "fields.replace", "replaces single characters",
            "write one character before the colon");
      }
    }
  }

  void FindInJwt() {
    const config::v1::JwtRule& jwt = recipe_.jwt();
    const auto add = [&](bool is_set, std::string_view name) {
      Add(is_set, !jwt.detached(), StrCat("jwt.", name),
          "is about claims, which a detached token has not");
    };
    add(!jwt.issuers().empty(), "issuers");
    add(!jwt.audiences().empty(), "audiences");
    add(!jwt.claims().empty(), "claims");
    add(!jwt.url_hash_claim().empty(), "url_hash_claim");
    add(jwt.has_max_age(), "max_age");
    add(jwt.has_leeway(), "leeway");
    const bool body = !jwt.detached() && !recipe_.body_not_signed();
    const bool hashes = body || (!jwt.detached() && !jwt.url_hash_claim().empty());
    const std::string_view why = "is about the body's hash, which this token has not";
    Add(!jwt.body_hash_claim().empty(), body, "jwt.body_hash_claim", why);
    Add(jwt.body_hash() != config::v1::HASH_FUNCTION_UNSPECIFIED, hashes, "jwt.body_hash", why);
    Add(jwt.body_hash_encoding() != config::v1::SIGNATURE_ENCODING_UNSPECIFIED, hashes,
        "jwt.body_hash_encoding", why);
  }

  void FindInHandshakes() {
    for (int i = 0; i < recipe_.handshakes_size(); ++i) {
      const Handshake& handshake = recipe_.handshakes(i);
      const auto kind = handshake.kind();
      const bool fixed = kind == config::v1::HANDSHAKE_KIND_JSON_FIXED;
      const bool echoes = kind == config::v1::HANDSHAKE_KIND_JSON_ECHO ||
                          kind == config::v1::HANDSHAKE_KIND_JSON_HMAC;
      const bool get = kind == config::v1::HANDSHAKE_KIND_GET_ECHO ||
                       kind == config::v1::HANDSHAKE_KIND_GET_HMAC;
      const bool by_template = kind == config::v1::HANDSHAKE_KIND_TEMPLATE;
      const auto add = [&](bool is_set, bool is_read, std::string_view name) {
        Add(is_set, is_read, StrCat("handshakes[", i, "].", name),
            "is not read by this kind of handshake");
      };
      add(!handshake.query_parameter().empty(), get, "query_parameter");
      add(!handshake.token_parameter().empty(), get, "token_parameter");
      add(!handshake.match_pointer().empty(), fixed || echoes, "match_pointer");
      add(!handshake.match_value().empty(), fixed || echoes, "match_value");
      add(!handshake.echo_pointer().empty(), echoes, "echo_pointer");
      add(!handshake.answer().empty(), fixed, "answer");
      add(!handshake.methods().empty(), by_template, "methods");
      add(!handshake.match().empty(), by_template, "match");
      add(handshake.has_challenge(), by_template, "challenge");
      add(handshake.has_reply(), by_template, "reply");
      add(handshake.has_hash(), by_template, "hash");
      add(handshake.unsigned_(), by_template, "unsigned");
      add(handshake.learn_key(), by_template, "learn_key");
    }
  }

  void FindInEvent() {
    const config::v1::EventRules& event = recipe_.event();
    const std::string_view no_id = "is about event ids, and event.id names no place of one";
    const std::string_view fix = "remove it, or write event.id; equal bodies: same_body_window";
    Add(recipe_.has_dedup_window(), !event.id().empty(), "dedup_window", no_id, fix);
    Add(recipe_.on_id_conflict() != config::v1::ON_ID_CONFLICT_UNSPECIFIED, !event.id().empty(),
        "on_id_conflict", no_id, fix);
    Add(!event.type_table().inputs().empty(), !event.type_table().rows().empty(),
        "event.type_table.inputs", "has no rows that read it");
  }

  const Recipe& recipe_;
  const AlgorithmKind kind_;
  const std::string by_kind_;
  Fields found_;
};

}  // namespace

std::vector<UnreadField> UnreadFields(const Recipe& recipe) {
  if (recipe.algorithms().empty()) return {};
  return Finder(recipe).Find();
}

bool CanSuspectReplays(const Recipe& recipe) { return RemembersSigned(recipe); }

bool HasConfiguredKeys(const Recipe& recipe) {
  return recipe.algorithms(0).kind() != config::v1::ALGORITHM_KIND_NONE &&
         (!KeysAreFetched(recipe) || AsksWithSecret(recipe));
}

bool HasHmacKey(const Recipe& recipe) {
  const AlgorithmKind kind = recipe.algorithms(0).kind();
  return kind == config::v1::ALGORITHM_KIND_HMAC || kind == config::v1::ALGORITHM_KIND_TWILIO ||
         kind == config::v1::ALGORITHM_KIND_ADYEN_PAYMENTS;
}

bool AsksForHandshakeToken(const Handshake& handshake) {
  const auto& matches = handshake.match();
  const auto& parts = handshake.hash().over();
  return !handshake.token_parameter().empty() ||
         std::any_of(matches.begin(), matches.end(),
                     [](const auto& match) { return match.equals_token(); }) ||
         std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.token(); });
}

bool LearnsKey(const Recipe& recipe) {
  const auto& handshakes = recipe.handshakes();
  return std::any_of(handshakes.begin(), handshakes.end(),
                     [](const auto& handshake) { return handshake.learn_key(); });
}

std::string KindName(AlgorithmKind kind) {
  constexpr std::string_view kPrefix = "ALGORITHM_KIND_";
  std::string name = config::v1::AlgorithmKind_Name(kind).substr(kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

}  // namespace hookbridge
