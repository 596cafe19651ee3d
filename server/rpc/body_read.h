#pragma once

#include "server/delivery/event_log.h"
#include "server/rpc/body_places.h"
#include "server/rpc/worker.h"

#include "hookbridge/admin/v1/admin_service.pb.h"

#include <grpcpp/support/server_callback.h>

namespace hookbridge {

// The call ReadEventBody: holds one chunk of the body, and finds the event again for the next, when
// the client has taken it. RESOURCE_EXHAUSTED TOO_MANY_STREAMS when all places are taken;
// NOT_FOUND EVENT_NOT_FOUND also when the event expires meanwhile. Deletes itself. All references
// outlive it.
grpc::ServerWriteReactor<admin::v1::ReadEventBodyResponse>* MakeBodyRead(
    grpc::CallbackServerContext& context, const EventLog& log, Worker& worker, BodyPlaces& places,
    const admin::v1::ReadEventBodyRequest& request);

}  // namespace hookbridge
