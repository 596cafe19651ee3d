#pragma once

#include "server/base/json_pointer.h"
#include "server/verify/internal/decision.h"
#include "server/verify/internal/signature_syntax.h"
#include "server/verify/internal/signed_message.h"

#include "hookbridge/config/v1/recipe.pb.h"

#include "absl/status/statusor.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookbridge {

// Signatures that are about one time.
struct SignatureGroup {
  std::optional<std::string_view> time;  // of its timestamp entry
  std::vector<SignatureEntry> entries;
};

// Collects the signatures of a request from all the places that its recipe names. Immutable.
class SignaturePlaces {
 public:
  // kInvalidArgument for a JSON Pointer that is none.
  static absl::StatusOr<SignaturePlaces> Create(const config::v1::Recipe& recipe);

  // Adds at least one group, at most limits::kSignatureGroupsMax with limits::kSignaturesMax
  // entries in all; or a refusal. Of several headers one that has not the recipe's syntax is passed
  // over when another has.
  std::optional<Decision> Collect(RequestReader& reader, std::vector<SignatureGroup>& groups) const;

 private:
  std::optional<Decision> FromHeaders(const WebhookRequest& request,
                                      std::vector<SignatureGroup>& groups) const;
  // All lines that a name of the recipe stands for.
  std::optional<Decision> FromName(const WebhookRequest& request, const std::string& name,
                                   std::vector<SignatureGroup>& groups) const;
  std::optional<Decision> Parse(std::string_view where, std::string_view value,
                                std::vector<SignatureGroup>& groups) const;
  // Puts parsed entries into groups; false when they do not follow each other as groups do.
  bool Group(const std::vector<SignatureEntry>& entries, std::vector<SignatureGroup>& groups) const;

  config::v1::SignatureLocation location_;
  std::string time_label_;
  bool time_is_first_ = false;
  std::optional<JsonPointer> pointer_;
};

}  // namespace hookbridge
