#include "server/convert/internal/json_skim.h"

#include "server/base/json_tape.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include <charconv>
#include <optional>
#include <utility>

namespace hookbridge {
namespace {

constexpr JsonLimits kScalar{.depth_max = 0, .elements_max = 1};

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool EndsBareWord(char c) {
  return IsBlank(c) || std::string_view(",:\"[]{}").find(c) != std::string_view::npos;
}

// The index that a JSON Pointer's token names.
std::optional<size_t> IndexOf(std::string_view token) {
  size_t index = 0;
  const auto read = std::from_chars(token.data(), token.data() + token.size(), index);
  if (read.ec != std::errc() || read.ptr != token.data() + token.size()) return std::nullopt;
  if (token.size() > 1 && token.front() == '0') return std::nullopt;
  return index;
}

}  // namespace

// Goes over a text by brackets, quotes and commas, without minding what is between them.
class JsonSkimmer {
 public:
  using Place = WantedPlaces::Place;

  explicit JsonSkimmer(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {
    if (text.starts_with(kByteOrderMark)) at_ += kByteOrderMark.size();
  }

  static std::string Sound(std::string_view text, const WantedPlaces& wanted) {
    std::string sound;
    if (!JsonSkimmer(text).Take(wanted.root_, sound)) return "null";
    return sound;
  }

  // Appends what is wanted of the value here, and goes behind it; false: nothing is.
  bool Take(const Place& place, std::string& out) {
    SkipBlanks();
    if (!place.below.empty() && Is('{')) return TakeObject(place, out);
    if (!place.below.empty() && Is('[')) return TakeArray(place, out);
    const std::string_view value = SkipValue();
    if (broken_ || !place.is_wanted || !IsScalar(value)) return false;
    out += value;
    return true;
  }

  // The value at the end of the path; nullopt when it is not there, or is there twice.
  std::optional<std::string_view> Seek(const std::vector<std::string>& tokens, size_t depth) {
    SkipBlanks();
    if (depth == tokens.size()) return SkipValue();
    std::optional<std::string_view> found;
    int count = 0;
    if (!Is('{')) {
      SkipValue();
      return std::nullopt;
    }
    ForEachMember([&](const std::optional<std::string>& key, std::string_view) {
      if (key != tokens[depth]) {
        SkipValue();
        return;
      }
      found = Seek(tokens, depth + 1);
      ++count;
    });
    return count == 1 ? found : std::nullopt;
  }

  // Elements of the array that this text is.
  std::vector<std::string_view> Elements(size_t count_max) {
    std::vector<std::string_view> elements;
    bool fits = Is('[');
    if (fits) {
      ForEachElement([&](size_t) {
        const std::string_view element = SkipValue();
        fits &= element.starts_with('{') && elements.size() < count_max;
        if (fits) elements.push_back(element);
      });
    }
    return fits && !broken_ ? elements : std::vector<std::string_view>();
  }

  bool IsAtEnd() {
    SkipBlanks();
    return !broken_ && at_ == end_;
  }

 private:
  bool Is(char c) const { return at_ != end_ && *at_ == c; }
  bool Skip(char c) {
    if (!Is(c)) return false;
    ++at_;
    return true;
  }
  void SkipBlanks() {
    while (at_ != end_ && IsBlank(*at_)) ++at_;
  }

  void SkipString() {
    for (++at_; at_ != end_ && *at_ != '"'; ++at_) {
      if (*at_ == '\\' && ++at_ == end_) break;
    }
    if (!Skip('"')) broken_ = true;
  }

  // Behind the bracket that closes the one here.
  void SkipContainer() {
    std::vector<bool> objects;
    do {
      const char c = *at_;
      if (c == '"') {
        SkipString();
        continue;
      }
      if (c == '{' || c == '[') objects.push_back(c == '{');
      if (c == '}' || c == ']') {
        broken_ |= objects.back() != (c == '}');
        objects.pop_back();
      }
      ++at_;
    } while (!objects.empty() && at_ != end_ && !broken_);
    broken_ |= !objects.empty();
  }

  std::string_view SkipValue() {
    const char* const start = at_;
    if (Is('{') || Is('[')) {
      SkipContainer();
    } else if (Is('"')) {
      SkipString();
    } else {
      while (at_ != end_ && !EndsBareWord(*at_)) ++at_;
      broken_ |= at_ == start;
    }
    return {start, static_cast<size_t>(at_ - start)};
  }

  bool IsScalar(std::string_view value) {
    // The mark belongs before a whole text alone.
    return !value.starts_with(kByteOrderMark) && tape_.Parse(value, kScalar).ok();
  }

  // The text of a key; nullopt when it is not sound, and so none that is wanted.
  std::optional<std::string> KeyOf(std::string_view lexeme) {
    if (!IsScalar(lexeme)) return std::nullopt;
    return std::string(tape_.Text(tape_.nodes().front()));
  }

  // Calls `visit` before each value of the object here, which it goes behind.
  template <typename Visit>
  void ForEachMember(const Visit& visit) {
    ++at_;
    SkipBlanks();
    if (Skip('}')) return;
    do {
      SkipBlanks();
      if (!Is('"')) break;
      const std::string_view lexeme = SkipValue();
      SkipBlanks();
      if (broken_ || !Skip(':')) break;
      SkipBlanks();
      visit(KeyOf(lexeme), lexeme);
      SkipBlanks();
    } while (!broken_ && Skip(','));
    broken_ = broken_ || !Skip('}');
  }

  template <typename Visit>
  void ForEachElement(const Visit& visit) {
    ++at_;
    SkipBlanks();
    if (Skip(']')) return;
    size_t index = 0;
    do {
      SkipBlanks();
      visit(index++);
      SkipBlanks();
    } while (!broken_ && Skip(','));
    broken_ = broken_ || !Skip(']');
  }

  bool TakeObject(const Place& place, std::string& out) {
    // Of a key that is there twice neither value is the one that is meant.
    std::map<const Place*, std::optional<std::string>> members;
    ForEachMember([&](const std::optional<std::string>& key, std::string_view lexeme) {
      const auto below = key ? place.below.find(*key) : place.below.end();
      if (below == place.below.end()) {
        SkipValue();
        return;
      }
      std::string value = StrCat(lexeme, ":");
      const bool taken = Take(below->second, value);
      const bool first = members.emplace(&below->second, std::nullopt).second;
      members[&below->second] =
          first && taken ? std::optional<std::string>(std::move(value)) : std::nullopt;
    });
    const char* separator = "{";
    for (const auto& [member, value] : members) {
      if (!value) continue;
      StrAppend(&out, separator, *value);
      separator = ",";
    }
    out += *separator == '{' ? "{}" : "}";
    return true;
  }

  bool TakeArray(const Place& place, std::string& out) {
    std::map<size_t, const Place*> wanted;
    for (const auto& [token, below] : place.below) {
      const auto index = IndexOf(token);
      if (index && *index < limits::kJsonElementsMax) wanted.emplace(*index, &below);
    }
    out += '[';
    ForEachElement([&](size_t index) {
      if (wanted.empty() || index > wanted.rbegin()->first) {
        SkipValue();
        return;
      }
      if (index > 0) out += ',';
      const auto it = wanted.find(index);
      if (it != wanted.end() && Take(*it->second, out)) return;
      if (it == wanted.end()) SkipValue();
      out += "null";
    });
    out += ']';
    return true;
  }

  const char* at_;
  const char* const end_;
  bool broken_ = false;  // from here on brackets and quotes tell nothing
  JsonTape tape_;        // of one scalar
};

void WantedPlaces::Want(const JsonPointer& pointer) {
  if (pointer.tokens().size() > limits::kJsonDepthMaxHard) return;
  Place* place = &root_;
  for (const std::string& token : pointer.tokens()) place = &place->below[token];
  place->is_wanted = true;
}

std::string SoundJson(std::string_view text, const WantedPlaces& wanted) {
  return JsonSkimmer::Sound(text, wanted);
}

std::vector<std::string_view> SkimElements(std::string_view text, const JsonPointer& array,
                                           size_t count_max) {
  JsonSkimmer skimmer(text);
  const auto found = skimmer.Seek(array.tokens(), 0);
  if (!found || !skimmer.IsAtEnd()) return {};
  return JsonSkimmer(*found).Elements(count_max);
}

}  // namespace hookbridge
