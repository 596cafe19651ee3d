#pragma once

#include "server/base/reason.h"
#include "server/base/rejection_log.h"
#include "server/ingress/request.h"

#include "hookbridge/admin/v1/admin_service.pb.h"

#include <string>
#include <string_view>

// A quarantined request as what its file holds. Pure but for ReadRecord.
namespace hookbridge::internal {

admin::v1::QuarantinedRequest ToRecord(const WebhookRequest& request, Reason reason,
                                       std::string_view detail);

WebhookRequest FromRecord(const admin::v1::QuarantinedRequest& record);

RejectedRequest ToRejected(const admin::v1::Rejection& rejection);

// False: there is no such file, or it is damaged. Blocks on the disk.
bool ReadRecord(const std::string& path, admin::v1::QuarantinedRequest& record);

}  // namespace hookbridge::internal
