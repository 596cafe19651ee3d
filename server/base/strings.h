#pragma once

#include "absl/strings/str_cat.h"

#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>

// StrCat over std::string_view. The distribution's absl::string_view is a type of its own, which
// absl::StrCat takes in its place.
namespace hookbridge {

// Appends texts (of either library), characters and numbers.
template <typename... Parts>
void StrAppend(std::string* out, const Parts&... parts) {
  const auto append = [out](const auto& part) {
    using Part = std::decay_t<decltype(part)>;
    if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
      out->append(std::string_view(part));
    } else if constexpr (std::is_same_v<Part, char>) {
      out->push_back(part);
    } else {
      const absl::AlphaNum text(part);
      out->append(text.data(), text.size());
    }
  };
  (append(parts), ...);
}

template <typename... Parts>
[[nodiscard]] std::string StrCat(const Parts&... parts) {
  std::string text;
  StrAppend(&text, parts...);
  return text;
}

// The texts with `separator` between them.
template <typename Texts>
[[nodiscard]] std::string StrJoin(const Texts& texts, std::string_view separator) {
  std::string joined;
  for (const auto& text : texts) {
    if (&text != &*std::begin(texts)) joined += separator;
    joined += text;
  }
  return joined;
}

// `absl::string_view` as the standard's.
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace hookbridge
