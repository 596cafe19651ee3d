#include "server/convert/converter.h"

#include "server/base/config.h"
#include "server/base/crc32c.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/base/wire.h"
#include "server/body/fields.h"
#include "server/body/format.h"
#include "server/convert/internal/dedup_key.h"
#include "server/convert/internal/envelope.h"
#include "server/convert/internal/extract.h"
#include "server/convert/internal/json_skim.h"
#include "server/convert/internal/parsed_form.h"
#include "server/convert/internal/raw_request.h"
#include "server/convert/internal/split.h"

#include <optional>
#include <utility>

namespace hookbridge {
namespace {

void AppendTimestamp(std::string& out, uint32_t field, absl::Time time) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  const int64_t nanos = absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds));
  std::string message;
  if (seconds != 0) AppendVarintField(message, 1, static_cast<uint64_t>(seconds));
  if (nanos != 0) AppendVarintField(message, 2, static_cast<uint64_t>(nanos));
  AppendBytesField(out, field, message);
}

void AppendText(std::string& out, uint32_t field, std::string_view text) {
  if (!text.empty()) AppendBytesField(out, field, text);
}

// W3C Trace Context, section 3.2: version 00.
bool IsTraceParent(std::string_view text) {
  if (text.size() != 55 || !text.starts_with("00-") || text[35] != '-' || text[52] != '-')
    return false;
  for (size_t i = 3; i < text.size(); ++i) {
    const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (!hex && i != 35 && i != 52) return false;
  }
  return true;
}

// What is read of one body. The tapes hold the body and an item, or what of them is sound.
struct Scratch {
  JsonTape tape;
  JsonTape item;
  std::string sound;
  std::string sound_item;
  std::vector<BodyField> fields;
  XmlValues xml;
  bool has_json = false;  // tape

  // Bodies do not stay; the memory of tapes does.
  void Clear() {
    fields.clear();
    xml.clear();
    has_json = false;
  }
};

// A body that was read into the scratch.
struct BodyText {
  ParsedForm form = ParsedForm::kJson;
  std::string_view text;  // what the parsed form is made of
  bool in_field = false;  // that is in a field of a form
  absl::Status status;    // conversion_error
};

constexpr JsonLimits kSoundLimits{.depth_max = limits::kJsonDepthMaxHard + 1,
                                  .elements_max = limits::kJsonElementsMax};

// One a thread, so that a webhook allocates no tape.
Scratch& ThreadScratch() {
  static thread_local Scratch scratch;
  scratch.Clear();
  return scratch;
}

// The parsed form, or why there is none.
void SetData(ParsedForm form, absl::StatusOr<std::string> run, ConvertedEvent& event) {
  if (run.ok()) {
    event.runs.data = *std::move(run);
    event.runs.parsed_form = form;
  } else {
    event.conversion_error = std::string(run.status().message());
  }
}

JsonLimits JsonLimitsOf(const ConvertLimits& limits) {
  return {.depth_max = limits.json_depth_max, .elements_max = limits.json_elements_max};
}

}  // namespace

struct Converter::State {
  ConverterOptions options;
  Extractor extractor;
  RawRequestWriter raw_writer;
  std::optional<JsonPointer> split = {};
  bool one_per_body = false;  // equal bodies without an id are one event

  JsonLimits json_limits() const { return JsonLimitsOf(options.limits); }

  // Reads the body into the scratch, or what of it is sound.
  BodyText ReadBody(const WebhookRequest& request, Scratch& scratch) const;

  // The text's tape; where there is none, that of its sound values, and why.
  absl::Status ReadJson(std::string_view text, const WantedPlaces& wanted, JsonTape& tape,
                        std::string& sound, bool& has_json) const {
    const absl::Status status = tape.Parse(text, json_limits());
    has_json = status.ok();
    if (has_json) return status;
    sound = SoundJson(text, wanted);
    has_json = tape.Parse(sound, kSoundLimits).ok();
    return status;
  }

  ConvertedEvent Whole(const WebhookRequest& request, const BodyText& body,
                       const Scratch& scratch) const;
  ConvertedEvent Item(const WebhookRequest& request, std::string_view item, size_t index,
                      size_t count, Scratch& scratch) const;
  // Fills what follows from the body or item `bytes`, the values found in it, and its place.
  void Finish(const WebhookRequest& request, const Extracted& extracted, std::string_view bytes,
              std::string_view place, ConvertedEvent& event) const;

  std::string Envelope(const WebhookRequest& request, const Extracted& extracted,
                       const ConvertedEvent& event) const;
};

std::string Converter::State::Envelope(const WebhookRequest& request, const Extracted& extracted,
                                       const ConvertedEvent& event) const {
  std::string out;
  out.reserve(512);
  AppendText(out, kSourceField, options.source);
  AppendText(out, 3, extracted.type);
  AppendText(out, 4, extracted.subject);
  AppendText(out, 5, extracted.ordering_key);
  AppendText(out, kDedupKeyField, event.dedup_key);
  if (extracted.time) AppendTimestamp(out, 7, *extracted.time);
  AppendTimestamp(out, 8, request.receive_time);
  for (const auto& [name, value] : extracted.attributes) AppendAttribute(out, name, value);
  const HeaderLine* const trace = request.FindHeader("traceparent");
  if (trace != nullptr && IsTraceParent(trace->value))
    AppendAttribute(out, "traceparent", trace->value);
  if (const HeaderLine* const type = request.FindHeader("Content-Type")) {
    AppendText(out, 12, type->value.substr(0, ValidUtf8PrefixBytes(type->value)));
  }
  if (extracted.test_mode) AppendVarintField(out, 15, 1);
  AppendText(out, 16, event.conversion_error);
  return out;
}

Converter::Converter(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Converter::~Converter() = default;

absl::StatusOr<std::unique_ptr<Converter>> Converter::Create(ConverterOptions options) {
  auto extractor = Extractor::Create(options.recipe.event());
  if (!extractor.ok()) return extractor.status();
  auto split = SplitPointer(options.recipe, *extractor);
  if (!split.ok()) return split.status();
  RawRequestWriter raw_writer(options.recipe, options.public_url, options.secret_header);
  const bool one_per_body = ToDuration(options.recipe.same_body_window()) > absl::ZeroDuration();
  auto state = std::make_unique<State>(State{.options = std::move(options),
                                             .extractor = *std::move(extractor),
                                             .raw_writer = std::move(raw_writer),
                                             .split = *std::move(split),
                                             .one_per_body = one_per_body});
  return std::unique_ptr<Converter>(new Converter(std::move(state)));
}

ConvertedWebhook Converter::Convert(const VerifiedWebhook& webhook) const {
  const State& state = *state_;
  const WebhookRequest& request = webhook.request();
  Scratch& scratch = ThreadScratch();
  const BodyText body = state.ReadBody(request, scratch);
  ConvertedWebhook converted;
  if (state.split && body.form == ParsedForm::kJson && !body.text.empty()) {
    const std::vector<std::string_view> items =
        body.status.ok() ? SplitItems(scratch.tape, *state.split)
                         : SkimElements(body.text, *state.split, limits::kSplitItemsMax);
    converted.events.reserve(items.size());
    for (const std::string_view item : items) {
      converted.events.push_back(
          state.Item(request, item, converted.events.size(), items.size(), scratch));
    }
    if (!items.empty()) converted.body_run = RawRequestWriter::BodyRun(request);
  }
  if (converted.events.empty()) converted.events.push_back(state.Whole(request, body, scratch));
  scratch.Clear();
  return converted;
}

BodyText Converter::State::ReadBody(const WebhookRequest& request, Scratch& scratch) const {
  const HeaderLine* const line = request.FindHeader("Content-Type");
  const std::string_view type = line == nullptr ? std::string_view() : line->value;
  const auto format = FormatOf(options.recipe, request.method, type);
  BodyText body{.form = FormOf(format), .text = request.content(), .status = {}};
  if (body.text.empty()) return body;
  if (body.form == ParsedForm::kForm || body.form == ParsedForm::kMultipart) {
    body.status = ReadFields(format, body.text, type, scratch.fields);
    if (!body.status.ok()) {
      if (body.form == ParsedForm::kForm)
        SkimForm(body.text, extractor.wanted_of_form(), scratch.fields);
      return body;
    }
    const BodyField* const field = FindOnly(scratch.fields, options.recipe.json_field());
    if (field == nullptr || options.recipe.json_field().empty()) return body;
    body = {.form = ParsedForm::kJson, .text = field->value, .in_field = true, .status = {}};
  }
  if (format == config::v1::BODY_FORMAT_XML) {
    body.status = extractor.ReadXmlBody(body.text, scratch.xml);
  } else if (body.form == ParsedForm::kJson) {
    body.status =
        ReadJson(body.text, extractor.wanted(), scratch.tape, scratch.sound, scratch.has_json);
  }
  return body;
}

ConvertedEvent Converter::State::Whole(const WebhookRequest& request, const BodyText& body,
                                       const Scratch& scratch) const {
  ConvertedEvent event;
  const JsonTape* const json = scratch.has_json ? &scratch.tape : nullptr;
  // One event that comes outside of a list, where the list would be the whole body.
  const bool is_item = split && split->tokens().empty();
  const Extracted extracted =
      extractor.Extract({.request = request,
                         .json = json,
                         .item = is_item ? json : nullptr,
                         .form = scratch.fields.empty() ? nullptr : &scratch.fields,
                         .xml = &scratch.xml});
  if (!body.status.ok()) {
    event.conversion_error = std::string(ToStd(body.status.message()));
  } else if (!body.text.empty()) {
    SetData(body.form,
            MakeDataRun(body.form, body.text, scratch.tape, scratch.fields, options.limits), event);
  }
  event.runs.raw =
      raw_writer.Write(request, body.in_field ? std::optional(body.text) : std::nullopt);
  Finish(request, extracted, body.text, "", event);
  return event;
}

ConvertedEvent Converter::State::Item(const WebhookRequest& request, std::string_view item,
                                      size_t index, size_t count, Scratch& scratch) const {
  ConvertedEvent event;
  bool has_item = false;
  const absl::Status read =
      ReadJson(item, extractor.wanted_of_item(), scratch.item, scratch.sound_item, has_item);
  const Extracted extracted =
      extractor.Extract({.request = request,
                         .json = scratch.has_json ? &scratch.tape : nullptr,
                         .item = has_item ? &scratch.item : nullptr,
                         .form = scratch.fields.empty() ? nullptr : &scratch.fields});
  if (read.ok()) {
    constexpr ParsedForm kForm = ParsedForm::kJson;
    SetData(kForm, MakeDataRun(kForm, item, scratch.item, {}, options.limits), event);
  } else {
    event.conversion_error = std::string(read.message());
  }
  event.runs.raw = raw_writer.WriteItem(request, item, index, count);
  Finish(request, extracted, item, StrCat("#", index), event);
  return event;
}

void Converter::State::Finish(const WebhookRequest& request, const Extracted& extracted,
                              std::string_view bytes, std::string_view place,
                              ConvertedEvent& event) const {
  event.by_body = extracted.id.empty() && one_per_body;
  event.dedup_key =
      DedupKeyOf(extracted, {.body = request.content(),
                             .place = place,
                             .request_id = one_per_body ? std::string_view() : request.request_id});
  event.dedup_hash = DedupHashOf(options.source, event.dedup_key);
  event.body_crc = Crc32c(0, bytes);
  event.type = extracted.type;
  event.runs.envelope = Envelope(request, extracted, event);
}

std::string RemakeDataRun(const EventRuns& runs, const ConvertLimits& limits) {
  if (runs.parsed_form == ParsedForm::kNone) return "";
  const ParsedBytes parsed = ParsedBytesOfRawRun(runs.raw);
  const std::string_view text = parsed.text();
  const ParsedForm form = runs.parsed_form;
  Scratch& scratch = ThreadScratch();
  absl::Status read;
  if (form == ParsedForm::kForm)
    read = ReadFields(config::v1::BODY_FORMAT_FORM, text, "", scratch.fields);
  if (form == ParsedForm::kMultipart) {
    read = ReadFields(config::v1::BODY_FORMAT_MULTIPART, text, parsed.content_type, scratch.fields);
  }
  if (form == ParsedForm::kJson) read = scratch.tape.Parse(text, JsonLimitsOf(limits));
  if (!read.ok()) return "";
  auto run = MakeDataRun(form, text, scratch.tape, scratch.fields, limits);
  scratch.Clear();
  return run.ok() ? *std::move(run) : "";
}

}  // namespace hookbridge
