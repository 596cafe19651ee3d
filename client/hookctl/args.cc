#include "client/hookctl/args.h"

#include "server/base/strings.h"

#include "absl/strings/numbers.h"

#include <algorithm>
#include <cmath>

namespace hookbridge::hookctl {
namespace {

const Flag* Find(std::span<const Flag> flags, std::string_view name) {
  const auto found = std::ranges::find(flags, name, &Flag::name);
  return found == flags.end() ? nullptr : &*found;
}

absl::Status UnknownFlag(std::string_view name, std::span<const Flag> flags) {
  std::vector<std::string_view> names;
  for (const Flag& flag : flags) names.push_back(flag.name);
  const std::string_view near = Closest(name, names);
  return absl::InvalidArgumentError(
      near.empty() ? StrCat("unknown flag --", name)
                   : StrCat("unknown flag --", name, "; did you mean --", near, "?"));
}

}  // namespace

absl::StatusOr<Args> Args::Parse(std::span<const std::string_view> words,
                                 std::span<const Flag> flags) {
  Args args;
  bool flags_ended = false;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (!flags_ended && word == "--") {
      flags_ended = true;
      continue;
    }
    if (flags_ended || !word.starts_with("--")) {
      args.words_.emplace_back(word);
      continue;
    }
    word.remove_prefix(2);
    const size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const Flag* const flag = Find(flags, name);
    if (flag == nullptr) return UnknownFlag(name, flags);
    const bool has_value = equals != std::string_view::npos;
    std::string_view value = has_value ? word.substr(equals + 1) : std::string_view();
    if (flag->value.empty() && has_value) {
      return absl::InvalidArgumentError(StrCat("--", name, " takes no value"));
    }
    if (!flag->value.empty() && !has_value) {
      if (i + 1 == words.size()) {
        return absl::InvalidArgumentError(StrCat("--", name, " needs ", flag->value));
      }
      value = words[++i];
    }
    std::vector<std::string>& values = args.values_[std::string(name)];
    if (!values.empty() && !flag->repeated) {
      return absl::InvalidArgumentError(StrCat("--", name, " was given twice"));
    }
    values.emplace_back(value);
  }
  return args;
}

std::string Args::Get(std::string_view name, std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise) : found->second.front();
}

std::vector<std::string> Args::All(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<uint64_t> Args::Count(std::string_view name, uint64_t otherwise) const {
  if (!Has(name)) return otherwise;
  uint64_t count = 0;
  if (absl::SimpleAtoi(Get(name), &count) && count > 0) return count;
  return absl::InvalidArgumentError(StrCat("--", name, " needs a whole number from 1"));
}

absl::StatusOr<double> Args::Rate(std::string_view name, double otherwise) const {
  if (!Has(name)) return otherwise;
  double rate = 0;
  if (absl::SimpleAtod(Get(name), &rate) && std::isfinite(rate) && rate > 0) return rate;
  return absl::InvalidArgumentError(StrCat("--", name, " needs a number above 0"));
}

absl::Status Args::ExpectWords(std::span<const std::string_view> names) const {
  if (words_.size() < names.size()) {
    return absl::InvalidArgumentError(StrCat(names[words_.size()], " is missing"));
  }
  if (words_.size() > names.size()) {
    return absl::InvalidArgumentError(StrCat("unexpected word '", words_[names.size()], "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Time> ParseTime(std::string_view text, absl::Time now) {
  const std::string copy(text);
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, copy, &time, &error)) return time;
  uint32_t seconds = 0;
  if (absl::SimpleAtoi(copy, &seconds)) return absl::FromUnixSeconds(seconds);
  uint32_t days = 0;
  if (copy.ends_with('d') && absl::SimpleAtoi(copy.substr(0, copy.size() - 1), &days)) {
    return now - absl::Hours(24) * days;
  }
  absl::Duration ago;
  if (absl::ParseDuration(copy, &ago) && ago >= absl::ZeroDuration()) return now - ago;
  return absl::InvalidArgumentError(
      StrCat("'", text, "' is no time; write 2026-01-31T12:00:00Z, 1769860800, or an age as 15m"));
}

std::string_view Closest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t best_shared = 1;
  for (const std::string_view candidate : candidates) {
    const auto ends = std::ranges::mismatch(word, candidate);
    const auto shared = static_cast<size_t>(ends.in1 - word.begin());
    if (shared <= best_shared) continue;
    best = candidate;
    best_shared = shared;
  }
  return best;
}

}  // namespace hookbridge::hookctl
