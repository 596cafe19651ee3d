#pragma once

#include "client/hookctl/signer.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <string>

// What the schemes that are no recipe sign, and signatures by a private key.
namespace hookbridge::hookctl {

// Adds the recipe's signature header, or X-Twilio-Signature: base64 HMAC-SHA1 over the provider's
// URL and sorted form fields. kInvalidArgument: no public_url, or a body that is not a form.
absl::Status SignTwilio(const config::v1::Recipe& recipe, const std::string& token,
                        const Unsigned& webhook, Signed* result);

// Puts the HMAC of the first item of notificationItems in the place of `{signature}` in the body.
// kInvalidArgument: a key that is not hexadecimal, a body without item or mark.
absl::Status SignAdyenItem(const std::string& hex_key, Signed* result);

// Signature of `message` by a private key in PEM, of the algorithm's kind: Ed25519 raw, ECDSA P-256
// with SHA-256 in DER, RSA PKCS #1 v1.5 with the algorithm's hash. kInvalidArgument: no such key.
absl::StatusOr<std::string> SignWithPem(const config::v1::Algorithm& algorithm,
                                        const std::string& pem, const std::string& message);

}  // namespace hookbridge::hookctl
