#pragma once

#include "server/delivery/rich_error.h"

#include "absl/status/status.h"
#include <grpcpp/support/status.h>

namespace hookbridge {

// The one table from our errors to gRPC's: the code, and google.rpc.Status with its details in
// `grpc-status-details-bin`. OK for an error that is ok().
grpc::Status ToGrpcStatus(const RichError& error);

// A journal's status as a client gets it: kNotFound EVENT_NOT_FOUND, kDataLoss EVENTS_LOST,
// everything else UNAVAILABLE STORE_UNAVAILABLE. Its text is not passed on.
RichError FromJournal(const absl::Status& status);

// RESOURCE_EXHAUSTED TOO_MANY_CALLS: too many wait for the journal.
RichError TooManyCalls();

// UNIMPLEMENTED, reason NOT_IMPLEMENTED.
RichError NotImplemented(std::string what);

}  // namespace hookbridge
