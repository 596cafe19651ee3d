#pragma once

#include "server/convert/converter.h"
#include "server/verify/verifier.h"

#include "hookbridge/config/v1/config.pb.h"

#include <string>
#include <variant>

// What becomes of a request on whose authenticity there is a verdict. One decision for the requests
// that senders wait for and for those that an operator takes out of the quarantine.
namespace hookbridge {

struct SourceRuntime;

// The request is authentic and has no parsed form, and its source refuses those.
struct RefuseMalformed {
  VerifiedWebhook webhook;
  std::string detail;
};

// The request asks to confirm a subscription, and the source does that by itself.
struct ConfirmSubscription {
  VerifiedWebhook webhook;
  FetchNeed need;
};

// The request checks the endpoint and is no event.
struct AnswerCheck {
  VerifiedWebhook webhook;
  HandshakeAnswer answer;
};

// The request is one event, or several.
struct StoreEvents {
  VerifiedWebhook webhook;
  ConvertedWebhook converted;
};

// A Rejection: it is not authentic. NeedsFetch: nobody knows yet.
using NextStep = std::variant<Rejection, NeedsFetch, RefuseMalformed, ConfirmSubscription,
                              AnswerCheck, StoreEvents>;

// Decides on the verdict of `verifier`, which is the source's; `now` tells which key answers a
// handshake. Threads: any. Never blocks.
NextStep DecideNextStep(Verdict verdict, const Verifier& verifier, const SourceRuntime& source,
                        absl::Time now);

}  // namespace hookbridge
