#pragma once

#include "hookbridge/config/v1/recipe.pb.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// One entry of a signature header. The views point into the header value.
struct SignatureEntry {
  std::string_view label;  // empty for BARE, PREFIX and ENTRIES
  std::string_view text;
};

// Reads one header value by the recipe's syntax; nullopt when it does not have that shape, or has
// more than limits::kSignaturesMax entries. Entries with unknown labels are returned too. Pure.
std::optional<std::vector<SignatureEntry>> ParseSignatures(
    const config::v1::SignatureLocation& location, std::string_view value);

// The signature's bytes; nullopt when the text is not in that encoding.
std::optional<std::string> DecodeSignature(config::v1::SignatureEncoding encoding,
                                           std::string_view text);

}  // namespace hookbridge
