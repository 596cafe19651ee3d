#include "server/quarantine/internal/record.h"

#include <fstream>

namespace hookbridge::internal {

admin::v1::QuarantinedRequest ToRecord(const WebhookRequest& request, Reason reason,
                                       std::string_view detail) {
  admin::v1::QuarantinedRequest record;
  admin::v1::Rejection& rejection = *record.mutable_rejection();
  rejection.set_source(request.source);
  rejection.set_reason(std::string(ReasonName(reason)));
  rejection.set_detail(std::string(detail));
  const int64_t ms = absl::ToUnixMillis(request.receive_time);
  rejection.mutable_time()->set_seconds(ms / 1000);
  rejection.mutable_time()->set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
  rejection.set_body_bytes(request.body.size());
  rejection.set_remote_address(request.remote_address);
  rejection.set_request_id(request.request_id);
  v1::RawRequest& raw = *record.mutable_request();
  raw.set_method(request.method);
  raw.set_path(request.path);
  raw.set_query(request.query);
  raw.set_body(request.body);
  for (const HeaderLine& line : request.headers) {
    rejection.add_header_names(std::string(line.name));
    v1::Header& header = *raw.add_headers();
    header.set_name(std::string(line.name));
    header.set_value(std::string(line.value));
  }
  return record;
}

WebhookRequest FromRecord(const admin::v1::QuarantinedRequest& record) {
  WebhookRequest request;
  const v1::RawRequest& raw = record.request();
  request.method = raw.method();
  request.path = raw.path();
  request.query = raw.query();
  request.body = raw.body();
  request.source = record.rejection().source();
  // /hooks/{source}/{token}
  const size_t token = request.path.find('/', 7);
  if (token != std::string::npos) request.token = request.path.substr(token + 1);
  request.remote_address = record.rejection().remote_address();
  request.request_id = record.rejection().request_id();
  request.receive_time = absl::FromUnixSeconds(record.rejection().time().seconds()) +
                         absl::Nanoseconds(record.rejection().time().nanos());
  for (const v1::Header& header : raw.headers()) {
    request.header_block.insert(request.header_block.end(), header.name().begin(),
                                header.name().end());
    request.header_block.insert(request.header_block.end(), header.value().begin(),
                                header.value().end());
  }
  const char* at = request.header_block.data();
  for (const v1::Header& header : raw.headers()) {
    request.headers.push_back({.name = {at, header.name().size()},
                               .value = {at + header.name().size(), header.value().size()}});
    at += header.name().size() + header.value().size();
  }
  return request;
}

bool ReadRecord(const std::string& path, admin::v1::QuarantinedRequest& record) {
  std::ifstream file(path, std::ios::binary);
  return file && record.ParseFromIstream(&file);
}

RejectedRequest ToRejected(const admin::v1::Rejection& rejection) {
  RejectedRequest rejected;
  for (size_t i = 0; i < kReasonCount; ++i) {
    if (ReasonName(static_cast<Reason>(i)) == rejection.reason()) {
      rejected.reason = static_cast<Reason>(i);
    }
  }
  rejected.source = rejection.source();
  rejected.detail = rejection.detail();
  rejected.time = absl::FromUnixSeconds(rejection.time().seconds()) +
                  absl::Nanoseconds(rejection.time().nanos());
  rejected.body_bytes = rejection.body_bytes();
  rejected.header_names = {rejection.header_names().begin(), rejection.header_names().end()};
  rejected.remote_address = rejection.remote_address();
  rejected.request_id = rejection.request_id();
  return rejected;
}

}  // namespace hookbridge::internal
