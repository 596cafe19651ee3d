#include "server/verify/internal/signature_syntax.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"

namespace hookbridge {
namespace {

using config::v1::SignatureLocation;

std::string_view SeparatorsOr(const std::string& configured, std::string_view standard) {
  return configured.empty() ? standard : std::string_view(configured);
}

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// What stands between separators; nullopt for nothing, and for more than may be there.
std::optional<std::vector<std::string_view>> SplitEntries(std::string_view value,
                                                          std::string_view separators) {
  std::vector<std::string_view> entries;
  while (!value.empty()) {
    const size_t end = value.find_first_of(separators);
    const std::string_view entry = TrimBlanks(value.substr(0, end));
    value = end == std::string_view::npos ? std::string_view() : value.substr(end + 1);
    if (entry.empty()) continue;
    if (entries.size() == limits::kSignaturesMax) return std::nullopt;
    entries.push_back(entry);
  }
  if (entries.empty()) return std::nullopt;
  return entries;
}

// With `inherits` an entry without a label has that of the one before.
std::optional<std::vector<SignatureEntry>> ParseLabelled(std::string_view value,
                                                         std::string_view separators,
                                                         std::string_view after_label,
                                                         bool inherits) {
  const auto parts = SplitEntries(value, separators);
  if (!parts) return std::nullopt;
  std::vector<SignatureEntry> entries;
  for (const std::string_view entry : *parts) {
    const size_t label_end = entry.find(after_label);
    if (label_end == 0) return std::nullopt;
    if (label_end == std::string_view::npos) {
      if (!inherits || entries.empty()) return std::nullopt;
      entries.push_back({.label = entries.back().label, .text = entry});
      continue;
    }
    entries.push_back({.label = entry.substr(0, label_end), .text = entry.substr(label_end + 1)});
  }
  return entries;
}

std::optional<std::vector<SignatureEntry>> ParseUnlabelled(std::string_view value,
                                                           std::string_view separators) {
  const auto parts = SplitEntries(value, separators);
  if (!parts) return std::nullopt;
  std::vector<SignatureEntry> entries;
  for (const std::string_view entry : *parts) entries.push_back({.label = {}, .text = entry});
  return entries;
}

}  // namespace

std::optional<std::vector<SignatureEntry>> ParseSignatures(const SignatureLocation& location,
                                                           std::string_view value) {
  switch (location.syntax()) {
    case config::v1::SIGNATURE_SYNTAX_PREFIX:
      if (value.starts_with(location.prefix())) {
        value.remove_prefix(location.prefix().size());
      } else if (!location.prefix_optional()) {
        return std::nullopt;
      }
      return std::vector<SignatureEntry>{{.label = {}, .text = value}};
    case config::v1::SIGNATURE_SYNTAX_LIST:
      return ParseLabelled(value, SeparatorsOr(location.entry_separator(), " "),
                           SeparatorsOr(location.label_separator(), ","), /*inherits=*/false);
    case config::v1::SIGNATURE_SYNTAX_KEY_VALUE:
      return ParseLabelled(value, SeparatorsOr(location.entry_separator(), ","),
                           SeparatorsOr(location.label_separator(), "="), /*inherits=*/true);
    case config::v1::SIGNATURE_SYNTAX_ENTRIES:
      return ParseUnlabelled(value, SeparatorsOr(location.entry_separator(), ","));
    default:
      return std::vector<SignatureEntry>{{.label = {}, .text = value}};
  }
}

std::optional<std::string> DecodeSignature(config::v1::SignatureEncoding encoding,
                                           std::string_view text) {
  if (text.empty()) return std::nullopt;
  switch (encoding) {
    case config::v1::SIGNATURE_ENCODING_BASE64:
      return Base64Decode(text);
    case config::v1::SIGNATURE_ENCODING_BASE64URL:
      if (text.size() % 4 == 0 && text.ends_with('=')) {
        text.remove_suffix(text.ends_with("==") ? 2 : 1);
      }
      return Base64UrlDecode(text);
    default:
      return HexDecode(text);
  }
}

}  // namespace hookbridge
