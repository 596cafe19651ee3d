#include "server/verify/internal/recipe_check.h"

#include "server/base/https_url.h"
#include "server/base/strings.h"
#include "server/body/format.h"
#include "server/verify/internal/handshake_check.h"
#include "server/verify/internal/jwt_rule.h"
#include "server/verify/recipe_use.h"

#include <algorithm>

namespace hookbridge {
namespace {

using config::v1::MessagePart;
using config::v1::Recipe;

absl::Status Bad(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(StrCat("recipe.", field, ": ", what));
}

absl::Status CheckAlgorithms(const Recipe& recipe) {
  if (recipe.algorithms().empty()) {
    return Bad("algorithms",
               "is empty; write how requests are authenticated, for example {kind: hmac}");
  }
  for (int i = 0; i < recipe.algorithms_size(); ++i) {
    const auto& algorithm = recipe.algorithms(i);
    const std::string field = StrCat("algorithms[", i, "]");
    if (algorithm.kind() == config::v1::ALGORITHM_KIND_UNSPECIFIED) {
      return Bad(
          field,
          "has no kind; write one of hmac, ed25519, ecdsa_p256, rsa_pkcs1, digest, static_token, "
          "url_token, basic, jwt, none");
    }
    if (recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_AWS_SNS) {
      if (algorithm.kind() == config::v1::ALGORITHM_KIND_AWS_SNS &&
          algorithm.hash() != config::v1::HASH_FUNCTION_SHA512) {
        continue;
      }
      return Bad(field, "beside aws_sns stands aws_sns alone, with hash sha1 or sha256");
    }
    if (algorithm.hash() == config::v1::HASH_FUNCTION_MD5) {
      if (algorithm.kind() != config::v1::ALGORITHM_KIND_HMAC &&
          algorithm.kind() != config::v1::ALGORITHM_KIND_DIGEST) {
        return Bad(field + ".hash", "md5 is for kinds hmac and digest");
      }
      if (!algorithm.i_understand_md5_is_broken()) {
        return Bad(field + ".hash",
                   "md5 is broken; write sha256 or, where the provider knows nothing else, "
                   "i_understand_md5_is_broken: true");
      }
    }
    if (recipe.algorithms_size() > 1 && !Signs(algorithm.kind())) {
      return Bad(field, "only algorithms that sign can stand beside another");
    }
    if (recipe.algorithms_size() > 1 && i > 0 && algorithm.key_prefix().empty()) {
      return Bad(field, "needs a key_prefix, which tells whose key a secret is");
    }
  }
  return absl::OkStatus();
}

// Fields that nothing reads; of several the first.
absl::Status CheckAllIsRead(const Recipe& recipe) {
  const std::vector<UnreadField> unread = UnreadFields(recipe);
  if (unread.empty()) return absl::OkStatus();
  return Bad(unread[0].field, StrCat(unread[0].why, "; ", unread[0].fix));
}

absl::Status CheckSignature(const Recipe& recipe) {
  const auto& signature = recipe.signature();
  const auto kind = recipe.algorithms(0).kind();
  const bool located = Signs(kind) || kind == config::v1::ALGORITHM_KIND_STATIC_TOKEN;
  if (!located) return absl::OkStatus();
  const int places = (signature.headers().empty() ? 0 : 1) +
                     (signature.json_pointer().empty() ? 0 : 1) +
                     (signature.form_field().empty() ? 0 : 1) + (signature.query().empty() ? 0 : 1);
  if (places > 1) {
    return Bad("signature",
               "has several places; write one of headers, json_pointer, form_field, query");
  }
  if (places == 0) {
    return Bad("signature.headers", "is empty; write the header that carries the signature");
  }
  if (signature.syntax() == config::v1::SIGNATURE_SYNTAX_PREFIX && signature.prefix().empty()) {
    return Bad("signature.prefix", "is empty; write it, or syntax: bare");
  }
  const bool labelled = signature.syntax() == config::v1::SIGNATURE_SYNTAX_LIST ||
                        signature.syntax() == config::v1::SIGNATURE_SYNTAX_KEY_VALUE;
  if (labelled && !Signs(kind)) return Bad("signature.syntax", "a token is bare or has a prefix");
  for (const auto& algorithm : recipe.algorithms()) {
    if (labelled && algorithm.label().empty()) {
      return Bad("algorithms", "each needs a label with this signature.syntax, for example v1");
    }
  }
  const bool entries = signature.syntax() == config::v1::SIGNATURE_SYNTAX_ENTRIES;
  if (entries && !Signs(kind)) return Bad("signature.syntax", "a token is bare or has a prefix");
  if (signature.label_separator().size() > 1) {
    return Bad("signature.label_separator", "is one character");
  }
  return absl::OkStatus();
}

absl::Status CheckTimestamp(const Recipe& recipe) {
  if (!recipe.has_timestamp()) return absl::OkStatus();
  const auto& timestamp = recipe.timestamp();
  if (timestamp.from_case() == config::v1::TimestampRule::FROM_NOT_SET) {
    return Bad("timestamp",
               "needs a header, label, json_pointer, form_field, query or first_entry");
  }
  if (timestamp.has_label() &&
      recipe.signature().syntax() != config::v1::SIGNATURE_SYNTAX_KEY_VALUE) {
    return Bad("timestamp.label", "needs signature.syntax: key_value");
  }
  if (timestamp.has_first_entry() &&
      (!timestamp.first_entry() ||
       recipe.signature().syntax() != config::v1::SIGNATURE_SYNTAX_ENTRIES)) {
    return Bad("timestamp.first_entry", "is true, and needs signature.syntax: entries");
  }
  return absl::OkStatus();
}

absl::Status CheckCertificate(const Recipe& recipe) {
  if (!recipe.has_certificate()) return absl::OkStatus();
  const auto& rule = recipe.certificate();
  const auto kind = recipe.algorithms(0).kind();
  if (kind == config::v1::ALGORITHM_KIND_AWS_SNS) {
    if (rule.url_header().empty() && rule.hosts().empty() && rule.names().empty()) {
      return absl::OkStatus();
    }
    return Bad("certificate", "has trust alone for aws_sns, which knows its hosts and names");
  }
  if (kind != config::v1::ALGORITHM_KIND_RSA_PKCS1 || recipe.algorithms_size() > 1) {
    return Bad("certificate", "is for one algorithm of kind rsa_pkcs1");
  }
  if (rule.url_header().empty()) {
    return Bad("certificate.url_header", "is empty; write the header that holds the URL");
  }
  for (const std::string& host : rule.hosts()) {
    if (!ParseHttpsUrl(StrCat("https://", host, "/"))) {
      return Bad("certificate.hosts", StrCat("`", host, "` is not a host name in lower case"));
    }
  }
  if (rule.hosts().empty()) return Bad("certificate.hosts", "is empty; write the provider's hosts");
  if (!rule.path_prefix().starts_with('/')) {
    return Bad("certificate.path_prefix", "does not begin with /");
  }
  if (rule.names().empty()) {
    return Bad("certificate.names", "is empty; write the names that the certificate bears");
  }
  return absl::OkStatus();
}

// An event by GET is the fields of its query.
absl::Status CheckBodyFormat(const Recipe& recipe) {
  if (!recipe.events_by_get() || MayHaveFields(recipe)) return absl::OkStatus();
  return Bad("events_by_get",
             "takes queries, which are forms; write body_format: form, or by_content_type where "
             "a POST may hold something else");
}

// `{body: false}` reads like its opposite.
bool IsFalse(const MessagePart& part) {
  return (part.has_body() && !part.body()) || (part.has_timestamp() && !part.timestamp()) ||
         (part.has_method() && !part.method()) || (part.has_url() && !part.url()) ||
         (part.has_url_decoded() && !part.url_decoded()) || (part.has_secret() && !part.secret()) ||
         (part.has_body_crc32() && !part.body_crc32());
}

absl::Status CheckMessage(const Recipe& recipe, bool has_public_url) {
  if (recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_TWILIO && !has_public_url) {
    return Bad("algorithms[0]", "needs the source's public_url, as the provider was given it");
  }
  if (!Signs(recipe.algorithms(0).kind()) && !IsDetachedToken(recipe)) return absl::OkStatus();
  bool covers_body = false;
  bool covers_secret = false;
  bool covers_timestamp = false;
  const auto& timestamp = recipe.timestamp();
  for (int i = 0; i < recipe.message_size(); ++i) {
    const MessagePart& part = recipe.message(i);
    const std::string field = StrCat("message[", i, "]");
    covers_body |= CoversBody(part);
    covers_secret |= part.part_case() == MessagePart::kSecret;
    covers_timestamp |=
        part.part_case() == MessagePart::kTimestamp ||
        (part.has_header() && part.header() == timestamp.header()) ||
        (part.has_form_field() && part.form_field() == timestamp.form_field()) ||
        (part.has_query() && part.query() == timestamp.query()) ||
        (part.has_json_pointer() && part.json_pointer() == timestamp.json_pointer());
    if (part.part_case() == MessagePart::PART_NOT_SET) return Bad(field, "is empty");
    if ((part.has_form_field() && part.form_field().empty()) ||
        (part.has_query() && part.query().empty())) {
      return Bad(field, "is empty; write the name");
    }
    if (part.has_fields() && part.fields().order() == config::v1::FIELDS_ORDER_LISTED &&
        part.fields().names().empty()) {
      return Bad(field + ".fields.names", "is empty; write which fields, in their order");
    }
    if (IsFalse(part)) return Bad(field, "is false; write true, or leave the part out");
    if (part.part_case() == MessagePart::kTimestamp && !recipe.has_timestamp()) {
      return Bad(field, "needs recipe.timestamp");
    }
    if ((part.has_url() || part.has_url_decoded()) && !has_public_url) {
      return Bad(field, "needs the source's public_url, as the provider was given it");
    }
  }
  const bool is_digest = recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_DIGEST;
  if (is_digest != covers_secret) {
    return Bad("message", is_digest
                              ? "must contain {secret: true}: a hash of known bytes proves nothing"
                              : "contains the secret, which is for kind digest");
  }
  if (!covers_body && !recipe.body_not_signed()) {
    return Bad("message", "must contain {body: true}: the body is what is trusted");
  }
  covers_timestamp |= covers_body && (timestamp.has_json_pointer() || timestamp.has_form_field());
  if (recipe.has_timestamp() && !covers_timestamp) {
    return Bad("message", "must contain {timestamp: true}: an unsigned time proves nothing");
  }
  return absl::OkStatus();
}

}  // namespace

bool Signs(config::v1::AlgorithmKind kind) {
  return kind == config::v1::ALGORITHM_KIND_HMAC || kind == config::v1::ALGORITHM_KIND_DIGEST ||
         kind == config::v1::ALGORITHM_KIND_ED25519 ||
         kind == config::v1::ALGORITHM_KIND_ECDSA_P256 ||
         kind == config::v1::ALGORITHM_KIND_RSA_PKCS1;
}

bool CoversBody(const MessagePart& part) {
  return part.body() ||
         (part.has_fields() && part.fields().from() != config::v1::FIELDS_FROM_QUERY &&
          part.fields().order() != config::v1::FIELDS_ORDER_LISTED);
}

bool KeysAreFetched(const Recipe& recipe) {
  return recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_AWS_SNS ||
         (recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_RSA_PKCS1 &&
          recipe.has_certificate()) ||
         (recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_JWT &&
          recipe.jwt().has_key_set());
}

bool AsksWithSecret(const Recipe& recipe) {
  return recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_JWT &&
         recipe.jwt().key_set().body().find("{secret}") != std::string::npos;
}

bool IsDetachedToken(const Recipe& recipe) {
  return recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_JWT && recipe.jwt().detached();
}

absl::Status CheckRecipe(const Recipe& recipe, bool has_public_url) {
  if (absl::Status status = CheckAlgorithms(recipe); !status.ok()) return status;
  if (absl::Status status = CheckAllIsRead(recipe); !status.ok()) return status;
  if (absl::Status status = CheckSignature(recipe); !status.ok()) return status;
  if (absl::Status status = CheckTimestamp(recipe); !status.ok()) return status;
  if (absl::Status status = CheckCertificate(recipe); !status.ok()) return status;
  if (absl::Status status = CheckHandshakes(recipe, has_public_url); !status.ok()) return status;
  if (absl::Status status = CheckBodyFormat(recipe); !status.ok()) return status;
  if (recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_JWT) {
    if (absl::Status status = CheckJwtRule(recipe, has_public_url); !status.ok()) return status;
  }
  const auto& fixed = recipe.responses().body().fixed();
  if (recipe.responses().body().has_fixed() && fixed.content_type().empty()) {
    return Bad("responses.body.fixed.content_type", "is missing; write for example text/plain");
  }
  return CheckMessage(recipe, has_public_url);
}

std::string SignedUrl(const std::string& public_url, std::string_view query) {
  if (query.empty()) return public_url;
  return StrCat(std::string_view(public_url).substr(0, public_url.find('?')), "?", query);
}

FoundHeader FindRecipeHeader(const WebhookRequest& request, std::string_view names) {
  while (true) {
    const size_t end = names.find('|');
    const std::string_view name = names.substr(0, end);
    if (const HeaderLine* const line = request.FindHeader(name); line != nullptr) {
      return {.line = line, .repeated = request.CountHeader(name) > 1};
    }
    if (end == std::string_view::npos) return {};
    names.remove_prefix(end + 1);
  }
}

}  // namespace hookbridge
