#pragma once

#include "server/rpc/source_catalog.h"
#include "server/rpc/worker.h"

#include "hookbridge/admin/v1/admin_service.pb.h"

#include <grpcpp/support/server_callback.h>

namespace hookbridge {

// One AdminService.LearnKey call; it deletes itself. All references outlive it.
grpc::ServerWriteReactor<admin::v1::LearnKeyResponse>* MakeLearnKey(
    grpc::CallbackServerContext& context, const SourceCatalog& catalog, Worker& worker,
    const admin::v1::LearnKeyRequest& request);

}  // namespace hookbridge
