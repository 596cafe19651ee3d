#include "server/convert/internal/raw_request.h"

#include "server/base/encoding.h"
#include "server/base/limits.h"
#include "server/base/strings.h"
#include "server/base/wire.h"
#include "server/body/content_coding.h"

#include <algorithm>
#include <array>

namespace hookbridge {
namespace {

using config::v1::MessagePart;
using config::v1::Recipe;

constexpr uint32_t kRawField = 30;  // of Event; below: of RawRequest
constexpr uint32_t kBody = 1;
constexpr uint32_t kHeaders = 2;
constexpr uint32_t kMethod = 3;
constexpr uint32_t kPath = 4;
constexpr uint32_t kQuery = 5;
constexpr uint32_t kPublicUrl = 6;
constexpr uint32_t kContentType = 7;
constexpr uint32_t kRequestId = 8;
constexpr uint32_t kItemIndex = 9;
constexpr uint32_t kItemCount = 10;
constexpr uint32_t kItem = 11;

// A query parameter whose name holds one of these may carry a secret.
constexpr std::array<std::string_view, 7> kSecretWords = {"token", "key",  "secret",    "sig",
                                                          "pass",  "auth", "credential"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

void AddNames(std::string_view names, std::vector<std::string>& to) {
  while (true) {
    const size_t end = names.find('|');
    to.push_back(Lower(names.substr(0, end)));
    if (end == std::string_view::npos) return;
    names.remove_prefix(end + 1);
  }
}

std::string WithoutSecrets(std::string_view query) {
  std::string clean;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = Lower(pair.substr(0, equals));
    const bool secret =
        std::any_of(kSecretWords.begin(), kSecretWords.end(),
                    [&](std::string_view word) { return name.find(word) != std::string::npos; });
    if (!clean.empty()) clean.push_back('&');
    if (secret && equals < pair.size()) {
      StrAppend(&clean, pair.substr(0, equals), "=***");
    } else {
      clean.append(pair);
    }
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return clean;
}

// Protobuf strings are UTF-8.
std::string_view AsText(std::string_view bytes) {
  return bytes.substr(0, ValidUtf8PrefixBytes(bytes));
}

void AppendText(std::string& out, uint32_t field, std::string_view text) {
  if (!text.empty()) AppendBytesField(out, field, AsText(text));
}

// The raw run of these fields and, last, `bytes`.
std::string Run(std::string_view fields, uint32_t field, std::string_view bytes) {
  const size_t last = 1 + VarintBytes(bytes.size()) + bytes.size();
  std::string run;
  run.reserve(fields.size() + last + 12);
  AppendTag(run, kRawField, WireType::kBytes);
  AppendVarint(run, fields.size() + last);
  run += fields;
  AppendBytesField(run, field, bytes);
  return run;
}

HeaderLine ReadHeader(std::string_view message) {
  HeaderLine line;
  WireReader reader(message);
  while (reader.Next()) (reader.field() == 1 ? line.name : line.value) = reader.bytes();
  return line;
}

// A signed token that is good for any body, so that whoever has it could send one.
bool IsBearerToken(const Recipe& recipe) {
  return recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_JWT && recipe.body_not_signed();
}

}  // namespace

RawRequestWriter::RawRequestWriter(const Recipe& recipe, std::string public_url,
                                   std::string secret_header)
    : names_({"content-type", "content-encoding", "user-agent"}),
      never_({"authorization", "proxy-authorization", "cookie"}),
      public_url_(std::move(public_url)) {
  if (!secret_header.empty()) never_.push_back(Lower(secret_header));
  signs_url_ = recipe.algorithms_size() > 0 &&
               recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_TWILIO;
  // Its own header, where the recipe names none.
  if (signs_url_) names_.emplace_back("x-twilio-signature");
  const bool is_token = recipe.algorithms_size() > 0 &&
                        (recipe.algorithms(0).kind() == config::v1::ALGORITHM_KIND_STATIC_TOKEN ||
                         IsBearerToken(recipe));
  for (const std::string& header : recipe.signature().headers()) {
    if (header.ends_with('*')) {
      prefixes_.push_back(Lower(std::string_view(header).substr(0, header.size() - 1)));
    } else {
      AddNames(header, is_token ? never_ : names_);
    }
  }
  // A token in the query was taken out of it.
  if (!recipe.signature().query().empty() || !recipe.jwt().url_hash_claim().empty() ||
      recipe.timestamp().has_query())
    signs_url_ = true;
  if (recipe.timestamp().has_header()) AddNames(recipe.timestamp().header(), names_);
  if (!recipe.key_id_header().empty()) AddNames(recipe.key_id_header(), names_);
  for (const MessagePart& part : recipe.message()) {
    if (part.part_case() == MessagePart::kHeader) AddNames(part.header(), names_);
    if (part.has_url() || part.has_url_decoded() || part.has_query() ||
        part.fields().from() == config::v1::FIELDS_FROM_QUERY) {
      signs_url_ = true;
    }
  }
  if (const size_t query = public_url_.find('?'); query != std::string::npos && !signs_url_) {
    public_url_ = public_url_.substr(0, query + 1) +
                  WithoutSecrets(std::string_view(public_url_).substr(query + 1));
  }
  for (const std::string& pattern : recipe.keep_headers()) {
    if (pattern.ends_with('*')) {
      prefixes_.push_back(Lower(std::string_view(pattern).substr(0, pattern.size() - 1)));
    } else {
      names_.push_back(Lower(pattern));
    }
  }
}

bool RawRequestWriter::Keeps(std::string_view header) const {
  const auto is_header = [&](const std::string& name) { return SameHeaderName(name, header); };
  if (std::any_of(never_.begin(), never_.end(), is_header)) return false;
  if (std::any_of(names_.begin(), names_.end(), is_header)) return true;
  return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& prefix) {
    return SameHeaderName(prefix, header.substr(0, prefix.size()));
  });
}

std::string RawRequestWriter::Fields(const WebhookRequest& request) const {
  std::string fields;
  fields.reserve(512);
  std::string header;
  for (const HeaderLine& line : request.headers) {
    if (!Keeps(line.name)) continue;
    header.clear();
    AppendBytesField(header, 1, line.name);
    AppendBytesField(header, 2, line.value);
    AppendBytesField(fields, kHeaders, header);
  }
  AppendText(fields, kMethod, request.method);
  AppendText(fields, kPath,
             request.token.empty() ? request.path : StrCat("/hooks/", request.source, "/***"));
  AppendText(fields, kQuery, signs_url_ ? request.query : WithoutSecrets(request.query));
  AppendText(fields, kPublicUrl, public_url_);
  if (const HeaderLine* const type = request.FindHeader("Content-Type")) {
    AppendText(fields, kContentType, type->value);
  }
  AppendText(fields, kRequestId, request.request_id);
  return fields;
}

std::string RawRequestWriter::Write(const WebhookRequest& request,
                                    std::optional<std::string_view> item) const {
  std::string fields = Fields(request);
  AppendVarintField(fields, kItemCount, 1);
  if (item) AppendBytesField(fields, kItem, *item);
  return Run(fields, kBody, request.body);
}

std::string RawRequestWriter::WriteItem(const WebhookRequest& request, std::string_view item,
                                        size_t index, size_t count) const {
  std::string fields = Fields(request);
  if (index > 0) AppendVarintField(fields, kItemIndex, index);
  AppendVarintField(fields, kItemCount, count);
  return Run(fields, kItem, item);
}

std::string RawRequestWriter::BodyRun(const WebhookRequest& request) {
  return Run("", kBody, request.body);
}

ParsedBytes ParsedBytesOfRawRun(std::string_view raw_run) {
  ParsedBytes parsed{.bytes = {}};
  bool is_item = false;
  std::vector<HeaderLine> headers;
  WireReader outer(raw_run);
  while (outer.Next()) {
    if (outer.field() != kRawField) continue;
    WireReader inner(outer.bytes());
    while (inner.Next()) {
      if (inner.field() == kContentType) parsed.content_type = inner.bytes();
      if (inner.field() == kHeaders) headers.push_back(ReadHeader(inner.bytes()));
      if (inner.field() != kItem && (inner.field() != kBody || is_item)) continue;
      parsed.bytes = inner.bytes();
      is_item = inner.field() == kItem;
    }
  }
  const auto coding = FindContentCoding(headers).value_or(ContentCoding::kNone);
  if (is_item || coding == ContentCoding::kNone || parsed.bytes.empty()) return parsed;
  // It was within the source's bounds when it came, which are no larger.
  parsed.inflated = Inflate(coding, parsed.bytes, limits::kBodyBytesMaxHard).value_or("");
  return parsed;
}

}  // namespace hookbridge
