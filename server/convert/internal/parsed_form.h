#pragma once

#include "server/base/event.h"
#include "server/base/json_tape.h"
#include "server/body/fields.h"
#include "server/convert/converter.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

// The parsed form: fields 20 to 24 of Event. Pure.
namespace hookbridge {

// Of a body in this format, which is one that FormatOf gives.
ParsedForm FormOf(config::v1::BodyFormat format);

// The data run of a body. For kJson `tape` already holds it, for kForm and kMultipart `fields`.
// Errors are the event's conversion_error: `parsed_size`, `inexact_numbers`, `text_utf8`,
// `form_utf8`.
absl::StatusOr<std::string> MakeDataRun(ParsedForm form, std::string_view body,
                                        const JsonTape& tape, const std::vector<BodyField>& fields,
                                        const ConvertLimits& limits);

// Of a form body that ReadFields refuses, the first field of each of these names that is sound.
void SkimForm(std::string_view body, const std::set<std::string>& names,
              std::vector<BodyField>& fields);

}  // namespace hookbridge
