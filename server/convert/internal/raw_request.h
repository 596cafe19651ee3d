#pragma once

#include "server/ingress/request.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Makes the raw run (field 30 of Event) of a source's requests: what is needed to verify them
// again, and never a credential. Immutable.
class RawRequestWriter {
 public:
  RawRequestWriter(const config::v1::Recipe& recipe, std::string public_url,
                   std::string secret_header = {});

  // The body is the last field; `item`: the part of it that the parsed form is made of.
  std::string Write(const WebhookRequest& request,
                    std::optional<std::string_view> item = std::nullopt) const;

  // Of one element of a split batch, without the body; BodyRun follows it in one of them.
  std::string WriteItem(const WebhookRequest& request, std::string_view item, size_t index,
                        size_t count) const;
  static std::string BodyRun(const WebhookRequest& request);

 private:
  std::string Fields(const WebhookRequest& request) const;
  bool Keeps(std::string_view header) const;

  std::vector<std::string> names_;     // lower case
  std::vector<std::string> prefixes_;  // lower case
  std::vector<std::string> never_;     // lower case
  std::string public_url_;
  bool signs_url_ = false;
};

// What a parsed form is made of.
struct ParsedBytes {
  std::string_view bytes;  // of the run
  std::optional<std::string> inflated = {};
  std::string_view content_type = {};

  std::string_view text() const { return inflated ? *inflated : bytes; }
};

// The item, or the body without its content coding; empty when the run is none. Views the run.
ParsedBytes ParsedBytesOfRawRun(std::string_view raw_run);

}  // namespace hookbridge
