#pragma once

#include "server/ingress/request.h"

#include "hookbridge/config/v1/recipe.pb.h"

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

  // The body is the last field.
  std::string Write(const WebhookRequest& request) const;

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

// What the parsed form is made of: the element of a split batch, or the body; empty when the run
// is not one.
std::string_view ParsedBytesOfRawRun(std::string_view raw_run);

}  // namespace hookbridge
