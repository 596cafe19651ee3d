#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace hookbridge::hookctl {

using HeaderField = std::pair<std::string, std::string>;

// A webhook before it is signed.
struct Unsigned {
  std::string body;
  std::vector<HeaderField> headers;  // may hold headers that the recipe signs
  std::string method = "POST";
  std::string public_url;
  std::string query;
  std::string event_id;      // for the recipe's id header, when `headers` has none
  absl::Time time;           // of the signature
  std::string key_id = "1";  // where a header names the key
  std::map<std::string, std::string, std::less<>> values = {};  // what the recipe names as config
};

// The URL that the provider calls and signs: public_url as it was given; `query` is its query where
// public_url has none.
std::string ProviderUrl(const Unsigned& webhook);

// What makes it authentic.
struct Signed {
  std::string body;                  // as given, with the signature in it where the scheme says so
  std::vector<HeaderField> headers;  // those given, then those that the recipe needs
  std::string query;                 // as given, with the signature in it where the scheme says so
  std::string url_token;             // last path segment, for kind URL_TOKEN
};

// Signs as the provider would: the recipe read in the other direction. Where the signature or
// token is in the body, the body holds the text `{signature}` in its place. The secret is in its
// configured text form and belongs to the first algorithm whose key_prefix it carries, else to the
// first. Ed25519, ECDSA and RSA take the private key as PEM. kInvalidArgument: a secret that does
// not decode, a signed header or value that nothing gives, a message part that is not known here,
// or a scheme whose private key only the provider can have.
absl::StatusOr<Signed> Sign(const config::v1::Recipe& recipe, const std::string& secret,
                            const Unsigned& webhook);

}  // namespace hookbridge::hookctl
