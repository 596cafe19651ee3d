#pragma once

#include "server/base/json_pointer.h"
#include "server/ingress/request.h"
#include "server/verify/internal/body_values.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/request_fields.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Source.values.
using ConfigValues = std::map<std::string, std::string, std::less<>>;

// The signed bytes: parts that view the request, the recipe, and what is made here.
struct SignedMessage {
  std::vector<std::string_view> parts;
  std::vector<size_t> secrets;  // parts that each key fills in
  std::deque<std::string> made;
};

// What of a request is read while it is decided on. One at a time on a thread.
struct RequestReader {
  RequestReader(const WebhookRequest& of, const config::v1::Recipe& recipe)
      : request(of), fields(of, recipe), values(of, &fields) {}
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  const WebhookRequest& request;
  RequestFields fields;
  BodyValues values;
};

// Recipe.message made ready. Immutable.
class MessageRule {
 public:
  // kInvalidArgument for a JSON Pointer that is none and a value that is not configured.
  static absl::StatusOr<MessageRule> Create(const config::v1::Recipe& recipe,
                                            std::string public_url, ConfigValues values);

  // Fills `message`; a refusal when the request lacks a part. `timestamp` is its text as sent.
  std::optional<Decision> Build(RequestReader& reader, std::string_view timestamp,
                                SignedMessage& message) const;

 private:
  using Part = config::v1::MessagePart;

  std::optional<Decision> AddHeader(const WebhookRequest& request, const std::string& name,
                                    SignedMessage& message) const;
  static std::optional<Decision> AddField(const FoundField& found, std::string_view kind,
                                          const std::string& name, bool lower_case,
                                          SignedMessage& message);
  static std::optional<Decision> AddFields(RequestFields& fields,
                                           const config::v1::FieldsPart& rule,
                                           SignedMessage& message);

  std::vector<Part> parts_;
  std::vector<JsonPointer> pointers_;  // in the order of the json_pointer parts
  std::string public_url_;
  ConfigValues values_;
  bool signs_inflated_ = false;
};

}  // namespace hookbridge
