#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Texts of bytes, as strict as signatures need: one text for one value, nothing skipped. All pure.
namespace hookbridge {

// Lower-case digits.
std::string HexEncode(std::string_view bytes);

// Either case; nullopt for an odd length or another character.
std::optional<std::string> HexDecode(std::string_view text);

enum class Base64Padding { kRequired, kOptional };

// RFC 4648 section 4, with padding.
std::string Base64Encode(std::string_view bytes);

// RFC 4648 section 4, canonical: nullopt for blanks, line ends, characters of the URL alphabet,
// wrong or missing padding and trailing bits that are not zero. With kOptional the padding may be
// absent, but not in part.
std::optional<std::string> Base64Decode(std::string_view text,
                                        Base64Padding padding = Base64Padding::kRequired);

// As Base64Decode with kOptional, and of either alphabet, but not of both at once: how people hand
// keys on.
std::optional<std::string> Base64DecodeKey(std::string_view text);

// RFC 4648 section 5 without padding; decoding is as strict as above.
std::string Base64UrlEncode(std::string_view bytes);
std::optional<std::string> Base64UrlDecode(std::string_view text);

// Bytes of the longest prefix that is valid UTF-8 (RFC 3629: no surrogates, no overlong forms).
size_t ValidUtf8PrefixBytes(std::string_view text);

inline bool IsValidUtf8(std::string_view text) { return ValidUtf8PrefixBytes(text) == text.size(); }

}  // namespace hookbridge
