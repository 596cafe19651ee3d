#pragma once

#include "server/base/clock.h"
#include "server/delivery/event_log.h"
#include "server/delivery/stream_hub.h"

#include "absl/time/time.h"
#include <grpcpp/impl/codegen/service_type.h>

#include <memory>
#include <string>

namespace hookbridge {

struct DeliveryServiceOptions {
  std::string server_instance;
  absl::Duration stream_max_age;
};

// hookbridge.v1.DeliveryService. Subscribe hands each stream to the hub and writes raw slices that
// share the events' bytes; stubs and reflection see the typed method. All references outlive it.
std::unique_ptr<grpc::Service> MakeDeliveryService(DeliveryServiceOptions options,
                                                   const EventLog& log, StreamHub& hub,
                                                   const Clock& clock);

}  // namespace hookbridge
