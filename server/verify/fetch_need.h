#pragma once

#include "server/ingress/request.h"

#include <string>

// What verification needs from outside. It asks for nothing itself: whoever calls it does, and
// comes back.
namespace hookbridge {

enum class FetchPurpose {
  kCertificate,   // of the signature's key
  kKeySet,        // the signature's key, or a set that holds it
  kResource,      // what the webhook is about, where it holds an id alone
  kConfirmation,  // of a subscription; only the status counts
};

// A URL on the provider's own host, checked.
struct FetchNeed {
  FetchPurpose purpose = FetchPurpose::kCertificate;
  std::string url;
  std::string host;         // the one host that may be asked
  std::string bearer = {};  // a secret for that host
  std::string body = {};    // asked by POST with this JSON, which may hold a secret; empty: by GET
};

// The request comes along, to be verified again with the answer.
struct NeedsFetch {
  FetchNeed need;
  WebhookRequest request;
};

struct FetchAnswer {
  std::string error = {};  // why there is none
  int status = 0;
  std::string body = {};

  bool Is2xx() const { return error.empty() && status >= 200 && status < 300; }
};

}  // namespace hookbridge
