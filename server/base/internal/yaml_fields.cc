#include "server/base/internal/yaml_fields.h"

#include "server/base/encoding.h"
#include "server/base/internal/nearest.h"
#include "server/base/internal/yaml_scalar.h"
#include "server/base/limits.h"
#include "server/base/strings.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace hookbridge::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::string_view kDurationType = "google.protobuf.Duration";
constexpr std::string_view kSecretType = "hookbridge.config.v1.Secret";
constexpr std::string_view kSecretFix =
    "write `env:NAME`, `file:/path` or, for development, `inline:text`";
constexpr size_t kEchoBytesMax = 64;

// The text for a message, cut so that a mistake does not fill the screen.
std::string Echo(std::string_view text) {
  if (text.size() <= kEchoBytesMax) return StrCat("`", text, "`");
  const std::string_view cut = text.substr(0, kEchoBytesMax);
  return StrCat("`", cut.substr(0, ValidUtf8PrefixBytes(cut)), "…`");
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool IsByteSize(const FieldDescriptor& field) {
  return field.name().find("bytes") != std::string::npos;
}

// Calls the setter for a single field or the adder for a repeated one.
template <typename T>
void Put(Message& message, const FieldDescriptor& field, T value,
         void (Reflection::*set)(Message*, const FieldDescriptor*, T) const,
         void (Reflection::*add)(Message*, const FieldDescriptor*, T) const) {
  const Reflection& reflection = *message.GetReflection();
  (reflection.*(field.is_repeated() ? add : set))(&message, &field, std::move(value));
}

ValueProblem NotANumber(const YamlNode& node) {
  if (node.quoted) return {StrCat(Echo(node.text), " is a text"), "remove the quotes"};
  return {StrCat(Echo(node.text), " is not a whole number"), "write digits only"};
}

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <typename T>
ValueProblem OutOfRange(const YamlNode& node) {
  return {StrCat(Echo(node.text), " is out of range"),
          StrCat("write ", std::numeric_limits<T>::min(), " to ", std::numeric_limits<T>::max())};
}

template <typename T>
std::optional<ValueProblem> ReadUnsigned(const YamlNode& node, const FieldDescriptor& field,
                                         T& value) {
  std::optional<uint64_t> number;
  if (IsByteSize(field)) {
    if (!node.quoted) number = ParseByteSize(node.text);
    if (!number.has_value() && !node.quoted && IsLargeByteSize(node.text)) {
      return ValueProblem{StrCat(Echo(node.text), " is out of range"), "write a smaller size"};
    }
    if (!number.has_value()) {
      return ValueProblem{StrCat(Echo(node.text), " is not a size"),
                          node.quoted ? "remove the quotes" : ByteSizeHint(node.text)};
    }
  } else {
    if (!node.quoted) number = ParseUnsigned(node.text);
    if (!number.has_value() && !node.quoted && IsDigits(node.text) && node.text[0] != '0') {
      return OutOfRange<T>(node);
    }
    if (!number.has_value()) return NotANumber(node);
  }
  if (*number > std::numeric_limits<T>::max()) return OutOfRange<T>(node);
  value = static_cast<T>(*number);
  return std::nullopt;
}

template <typename T>
std::optional<ValueProblem> ReadSigned(const YamlNode& node, T& value) {
  const auto number = node.quoted ? std::nullopt : ParseSigned(node.text);
  if (!number.has_value()) return NotANumber(node);
  if (*number > std::numeric_limits<T>::max() || *number < std::numeric_limits<T>::min()) {
    return OutOfRange<T>(node);
  }
  value = static_cast<T>(*number);
  return std::nullopt;
}

std::optional<ValueProblem> ReadDouble(const YamlNode& node, double& value) {
  if (!node.quoted && absl::SimpleAtod(node.text, &value) && std::isfinite(value)) {
    return std::nullopt;
  }
  return ValueProblem{StrCat(Echo(node.text), " is not a number"), "write for example 0.5"};
}

std::optional<ValueProblem> ReadBool(const YamlNode& node, bool& value) {
  value = node.text == "true";
  if (!node.quoted && (value || node.text == "false")) return std::nullopt;
  return ValueProblem{StrCat(Echo(node.text), " is not a boolean"),
                      "write true or false, without quotes"};
}

// `ON_MALFORMED_` for OnMalformed.
std::string EnumPrefix(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return prefix + "_";
}

// The values by their names in YAML; the unspecified one, number 0, cannot be written.
std::vector<std::pair<std::string, int>> EnumNames(const EnumDescriptor& type) {
  const std::string prefix = EnumPrefix(type);
  std::vector<std::pair<std::string, int>> names;
  for (int i = 0; i < type.value_count(); ++i) {
    const auto& value = *type.value(i);
    if (value.number() == 0) continue;
    std::string_view name = value.name();
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    names.emplace_back(absl::AsciiStrToLower(std::string(name)), value.number());
  }
  return names;
}

std::optional<ValueProblem> ReadEnum(const YamlNode& node, const EnumDescriptor& type, int& value) {
  const auto names = EnumNames(type);
  std::vector<std::string_view> words;
  for (const auto& [name, number] : names) {
    if (name == node.text) {
      value = number;
      return std::nullopt;
    }
    words.push_back(name);
  }
  const std::string_view nearest = Nearest(node.text, words);
  return ValueProblem{StrCat(Echo(node.text), " is not one of the values"),
                      nearest.empty() ? StrCat("write one of ", StrJoin(words, ", "))
                                      : StrCat("did you mean `", nearest, "`?")};
}

// Reads with `read` and puts what it gives.
template <typename T, typename Read>
std::optional<ValueProblem> ReadAndPut(Message& message, const FieldDescriptor& field, Read read,
                                       void (Reflection::*set)(Message*, const FieldDescriptor*, T)
                                           const,
                                       void (Reflection::*add)(Message*, const FieldDescriptor*, T)
                                           const) {
  T value{};
  std::optional<ValueProblem> problem = read(value);
  if (!problem.has_value()) Put<T>(message, field, std::move(value), set, add);
  return problem;
}

std::optional<ValueProblem> ReadString(const YamlNode& node, const FieldDescriptor& field,
                                       std::string& value) {
  if (field.type() == FieldDescriptor::TYPE_STRING && !IsValidUtf8(node.text)) {
    return ValueProblem{"the text is not UTF-8", "write characters, not bytes"};
  }
  value = node.text;
  return std::nullopt;
}

void SetDuration(Message& message, const SecondsAndNanos& value) {
  const Reflection& reflection = *message.GetReflection();
  const Descriptor& type = *message.GetDescriptor();
  reflection.SetInt64(&message, type.FindFieldByName("seconds"), value.seconds);
  reflection.SetInt32(&message, type.FindFieldByName("nanos"), value.nanos);
}

// Never echoes the text: a secret may have been written without its prefix.
std::optional<ValueProblem> SetSecret(const YamlNode& node, Message& message) {
  static constexpr std::array<std::string_view, 3> kKinds = {"env", "file", "inline"};
  const std::string_view text = node.text;
  for (const std::string_view kind : kKinds) {
    if (!text.starts_with(StrCat(kind, ":"))) continue;
    const std::string_view value = text.substr(kind.size() + 1);
    if (value.empty()) {
      return ValueProblem{StrCat("nothing stands after `", kind, ":`"),
                          "write `env:NAME` or `file:/path`"};
    }
    if (kind != "inline" && std::any_of(value.begin(), value.end(), IsControl)) {
      return ValueProblem{StrCat("a control character stands after `", kind, ":`"),
                          "write `env:NAME` or `file:/path`"};
    }
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(std::string(kind));
    message.GetReflection()->SetString(&message, field, std::string(value));
    return std::nullopt;
  }
  return ValueProblem{"the value does not say where the secret is", std::string(kSecretFix)};
}

}  // namespace

std::optional<ValueProblem> SetScalar(const YamlNode& node, const FieldDescriptor& field,
                                      Message& message) {
  using R = Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return ReadAndPut<uint32_t>(
          message, field, [&](uint32_t& v) { return ReadUnsigned(node, field, v); }, &R::SetUInt32,
          &R::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return ReadAndPut<uint64_t>(
          message, field, [&](uint64_t& v) { return ReadUnsigned(node, field, v); }, &R::SetUInt64,
          &R::AddUInt64);
    case FieldDescriptor::CPPTYPE_INT32:
      return ReadAndPut<int32_t>(
          message, field, [&](int32_t& v) { return ReadSigned(node, v); }, &R::SetInt32,
          &R::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return ReadAndPut<int64_t>(
          message, field, [&](int64_t& v) { return ReadSigned(node, v); }, &R::SetInt64,
          &R::AddInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return ReadAndPut<double>(
          message, field, [&](double& v) { return ReadDouble(node, v); }, &R::SetDouble,
          &R::AddDouble);
    case FieldDescriptor::CPPTYPE_BOOL:
      return ReadAndPut<bool>(
          message, field, [&](bool& v) { return ReadBool(node, v); }, &R::SetBool, &R::AddBool);
    case FieldDescriptor::CPPTYPE_ENUM:
      return ReadAndPut<int>(
          message, field, [&](int& v) { return ReadEnum(node, *field.enum_type(), v); },
          &R::SetEnumValue, &R::AddEnumValue);
    case FieldDescriptor::CPPTYPE_STRING:
      return ReadAndPut<std::string>(
          message, field, [&](std::string& v) { return ReadString(node, field, v); }, &R::SetString,
          &R::AddString);
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return ValueProblem{"this field cannot be written in YAML", "remove it"};
}

bool IsTextMessage(const Descriptor& type) {
  return type.full_name() == kDurationType || type.full_name() == kSecretType;
}

std::string_view TextMessageFix(const Descriptor& type) {
  return type.full_name() == kSecretType ? kSecretFix : "write one text, for example `30s`";
}

std::optional<ValueProblem> SetTextMessage(const YamlNode& node, Message& message) {
  if (message.GetDescriptor()->full_name() == kSecretType) return SetSecret(node, message);
  const auto value = ParseDurationText(node.text);
  if (!value.has_value()) {
    if (IsLongDuration(node.text)) {
      return ValueProblem{
          StrCat(Echo(node.text), " is too long"),
          StrCat("write at most ", absl::ToInt64Hours(limits::kConfigDurationMax) / 24,
                 "d, or remove it for the default")};
    }
    return ValueProblem{StrCat(Echo(node.text), " is not a duration"), DurationHint(node.text)};
  }
  SetDuration(message, *value);
  return std::nullopt;
}

}  // namespace hookbridge::internal
