#pragma once

#include "server/delivery/event_log.h"
#include "server/rpc/source_catalog.h"
#include "server/rpc/worker.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <memory>

namespace hookbridge {

// hookbridge.admin.v1.AdminService; the calls about durable subscriptions answer UNIMPLEMENTED. All
// references outlive it.
std::unique_ptr<grpc::Service> MakeAdminService(const SourceCatalog& catalog, const EventLog& log,
                                                Worker& worker);

}  // namespace hookbridge
