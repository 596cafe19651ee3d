#pragma once

#include "server/delivery/event_log.h"
#include "server/delivery/rich_error.h"
#include "server/rpc/source_catalog.h"

#include "hookbridge/admin/v1/admin_service.pb.h"

#include <cstdint>
#include <string>

// What AdminService answers, apart from gRPC. Each fills `response` or returns the error. Threads:
// thread-safe. ListSources and ListRejections never block; the others read the disk.
namespace hookbridge {

RichError ListSources(const SourceCatalog& catalog, const admin::v1::ListSourcesRequest& request,
                      admin::v1::ListSourcesResponse* response);

RichError ListRejections(const SourceCatalog& catalog,
                         const admin::v1::ListRejectionsRequest& request,
                         admin::v1::ListRejectionsResponse* response);

RichError ListQuarantine(const SourceCatalog& catalog,
                         const admin::v1::ListQuarantineRequest& request,
                         admin::v1::ListQuarantineResponse* response);

RichError ReverifyQuarantined(const SourceCatalog& catalog,
                              const admin::v1::ReverifyQuarantinedRequest& request,
                              admin::v1::ReverifyQuarantinedResponse* response);

RichError GetJournal(const EventLog& log, admin::v1::GetJournalResponse* response);

RichError ReleaseRetention(const SourceCatalog& catalog,
                           const admin::v1::ReleaseRetentionRequest& request,
                           admin::v1::ReleaseRetentionResponse* response);

RichError GetEvent(const EventLog& log, const admin::v1::GetEventRequest& request,
                   admin::v1::GetEventResponse* response);

RichError ListEvents(const EventLog& log, const admin::v1::ListEventsRequest& request,
                     admin::v1::ListEventsResponse* response);

// A part of the exact body of the event with this id, for ReadEventBody: from the byte `offset`, at
// most limits::kBodyChunkBytesMax. `offset` beyond the body is an error, at its end is not.
RichError ReadBodyChunk(const EventLog& log, const std::string& id, uint64_t offset,
                        admin::v1::ReadEventBodyResponse* response);

}  // namespace hookbridge
