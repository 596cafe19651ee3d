#include "server/base/limits.h"
#include "tests/support/rpc_fixture.h"

#include "hookbridge/admin/v1/admin_service.grpc.pb.h"

#include "gmock/gmock.h"
#include "grpc/health/v1/health.pb.h"
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/support/client_callback.h>

namespace hookbridge {
namespace {

using testing::ElementsAre;

class RpcAdminTest : public RpcFixture {
 protected:
  RpcAdminTest() : stub_(admin::v1::AdminService::NewStub(channel_)) {}

  grpc::Status List(const admin::v1::ListEventsRequest& request,
                    admin::v1::ListEventsResponse* response) {
    grpc::ClientContext context;
    response->Clear();
    return stub_->ListEvents(&context, request, response);
  }
  // All pages.
  std::vector<std::string> Types(admin::v1::ListEventsRequest request) {
    std::vector<std::string> types;
    admin::v1::ListEventsResponse response;
    do {
      EXPECT_TRUE(List(request, &response).ok());
      for (const auto& event : response.events()) types.push_back(event.type());
      request.set_page_token(response.next_page_token());
    } while (!response.next_page_token().empty());
    return types;
  }

  admin::v1::JournalState Journal() {
    grpc::ClientContext context;
    admin::v1::GetJournalResponse response;
    EXPECT_TRUE(stub_->GetJournal(&context, {}, &response).ok());
    return response.journal();
  }

  std::unique_ptr<admin::v1::AdminService::Stub> stub_;
};

TEST_F(RpcAdminTest, ListsSourcesPageByPage) {
  stats_[0].CountAccepted(clock_.Now());
  stats_[0].CountRejected(Reason::kTimestampStale);
  unattributed_.CountRejected(Reason::kUnknownSource);
  admin::v1::ListSourcesRequest request;
  request.set_page_size(1);
  admin::v1::ListSourcesResponse response;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub_->ListSources(&context, request, &response).ok());
  }
  ASSERT_EQ(response.sources_size(), 1);
  EXPECT_EQ(response.sources(0).name(), "a");
  EXPECT_EQ(response.sources(0).accepted_total(), 1u);
  EXPECT_EQ(response.sources(0).rejected_by_reason().at("timestamp_stale"), 1u);
  ASSERT_EQ(response.sources(0).keys_size(), 1);
  EXPECT_EQ(response.sources(0).keys(0).id(), "k1");
  EXPECT_EQ(response.sources(0).keys(0).matched_total(), 3u);
  EXPECT_EQ(response.sources(0).keys(0).last_match_time().seconds(), 7);
  EXPECT_FALSE(response.sources(0).keys(0).has_not_before());
  EXPECT_EQ(response.sources(0).keys(0).not_after().seconds(), 9);
  EXPECT_EQ(response.unattributed_rejections().at("unknown_source"), 1u);
  request.set_page_token(response.next_page_token());
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->ListSources(&context, request, &response).ok());
  EXPECT_EQ(response.sources(0).name(), "b");
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(RpcAdminTest, GetsOneEventInEachView) {
  Append({.type = "a"});
  Append({.type = "b", .body_bytes = 2'000});
  const std::string id = (*log_.Read(1, 1, SIZE_MAX, false))[0]->id.ToString();
  const auto get = [&](v1::PayloadView view) {
    admin::v1::GetEventRequest request;
    request.set_id(id);
    request.set_view(view);
    admin::v1::GetEventResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(stub_->GetEvent(&context, request, &response).ok());
    return response;
  };
  const auto full = get(v1::PAYLOAD_VIEW_UNSPECIFIED);
  EXPECT_EQ(full.event().type(), "b");
  EXPECT_EQ(full.event().raw().body().size(), 2'000u);
  EXPECT_EQ(full.event().text().size(), 2'000u);
  EXPECT_EQ(OpenCursor(full.cursor())->position, 2u);
  EXPECT_FALSE(get(v1::PAYLOAD_VIEW_METADATA).event().has_raw());
}

TEST_F(RpcAdminTest, UnknownAndMalformedIdsAreToldApart) {
  const auto get = [&](const std::string& id) {
    admin::v1::GetEventRequest request;
    request.set_id(id);
    admin::v1::GetEventResponse response;
    grpc::ClientContext context;
    return stub_->GetEvent(&context, request, &response);
  };
  Append({});
  const auto missing = get("018bcfe5-6800-7000-8000-000000000000");
  EXPECT_EQ(missing.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(InfoOf(missing).reason(), "EVENT_NOT_FOUND");
  EXPECT_EQ(get("nonsense").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(get("018bcfe5-6800-4000-8000-000000000000").error_code(),
            grpc::StatusCode::INVALID_ARGUMENT)
      << "version 4";
}

TEST_F(RpcAdminTest, ReadsABodyInChunks) {
  Append({.body_bytes = 2'500'000});
  admin::v1::ReadEventBodyRequest request;
  request.set_id((*log_.Read(0, 1, SIZE_MAX, false))[0]->id.ToString());
  grpc::ClientContext context;
  const auto reader = stub_->ReadEventBody(&context, request);
  admin::v1::ReadEventBodyResponse response;
  std::string body;
  int chunks = 0;
  while (reader->Read(&response)) {
    EXPECT_LE(response.chunk().size(), limits::kBodyChunkBytesMax);
    body += response.chunk();
    ++chunks;
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(body, std::string(2'500'000, 'b'));
  EXPECT_EQ(chunks, 3);
}

TEST_F(RpcAdminTest, ListsEventsBothWaysWithFiltersAndTimes) {
  const absl::Time begin = clock_.Now();
  AppendTypes({"a", "b", "c", "d", "e"});
  admin::v1::ListEventsRequest request;
  request.set_page_size(2);
  EXPECT_THAT(Types(request), ElementsAre("a", "b", "c", "d", "e"));
  request.set_newest_first(true);
  EXPECT_THAT(Types(request), ElementsAre("e", "d", "c", "b", "a"));
  request.mutable_start_time()->set_seconds(absl::ToUnixSeconds(begin) + 1);
  request.mutable_end_time()->set_seconds(absl::ToUnixSeconds(begin) + 4);
  EXPECT_THAT(Types(request), ElementsAre("d", "c", "b"));
  request.set_newest_first(false);
  EXPECT_THAT(Types(request), ElementsAre("b", "c", "d"));
  request.mutable_filter()->add_any_of()->add_types("c");
  EXPECT_THAT(Types(request), ElementsAre("c"));
}

TEST_F(RpcAdminTest, PageSizesAtTheirLimitAndOneMore) {
  admin::v1::ListEventsRequest request;
  admin::v1::ListEventsResponse response;
  request.set_page_size(limits::kPageSizeMax);
  EXPECT_TRUE(List(request, &response).ok());
  request.set_page_size(limits::kPageSizeMax + 1);
  EXPECT_EQ(List(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_page_size(-1);
  EXPECT_EQ(List(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_page_size(0);
  request.set_page_token("nonsense");
  EXPECT_EQ(List(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RpcAdminTest, ListsRejectionsNewestFirst) {
  rejections_.Add({.reason = Reason::kTimestampStale,
                   .source = "a",
                   .detail = "301 s old",
                   .time = clock_.Now(),
                   .body_bytes = 7,
                   .header_names = {"X-A", "x-a"},
                   .remote_address = "192.0.2.1",
                   .request_id = "r1"});
  rejections_.Add({.reason = Reason::kTimeout,
                   .source = "b",
                   .detail = {},
                   .time = clock_.Now(),
                   .body_bytes = 0,
                   .header_names = {},
                   .remote_address = {},
                   .request_id = {}});
  const auto list = [&](const std::string& source, int page_size = 0) {
    admin::v1::ListRejectionsRequest request;
    request.set_source(source);
    request.set_page_size(page_size);
    admin::v1::ListRejectionsResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(stub_->ListRejections(&context, request, &response).ok());
    return response;
  };
  EXPECT_EQ(list("").rejections_size(), 2);
  EXPECT_EQ(list("", 1).rejections(0).reason(), "timeout");
  const admin::v1::Rejection stale = list("a").rejections(0);
  EXPECT_EQ(stale.detail(), "301 s old");
  EXPECT_EQ(stale.header_names_size(), 2);
  EXPECT_EQ(stale.body_bytes(), 7u);
}

TEST_F(RpcAdminTest, TheJournalShowsWhatIsLostAndAListPassesIt) {
  AppendTypes({"a", "b", "c", "d"});
  log_.DropCacheForTest();
  store_->DamageForTest(2, 3);
  EXPECT_THAT(Types({}), ElementsAre("a", "d"));
  admin::v1::ListEventsRequest newest;
  newest.set_newest_first(true);
  EXPECT_THAT(Types(newest), ElementsAre("d", "a"));
  const admin::v1::JournalState state = Journal();
  EXPECT_EQ(state.journal_id().size(), 32u);
  EXPECT_EQ(state.first_sequence(), 1u);
  EXPECT_EQ(state.last_sequence(), 4u);
  EXPECT_TRUE(state.has_first_time());
  EXPECT_TRUE(state.writable());
  ASSERT_EQ(state.lost_size(), 1);
  EXPECT_EQ(state.lost(0).first_sequence(), 2u);
  EXPECT_EQ(state.lost(0).last_sequence(), 3u);
  EXPECT_FALSE(state.has_retention_hold());
}

// The clock jumps; the operator sees what is held, and his word for more than that is refused.
TEST_F(RpcAdminTest, HeldEventsGoOnAnOperatorsWord) {
  AppendTypes({"a", "b"});
  ASSERT_TRUE(journal_->WriteState({}).ok());
  clock_.Step(absl::Hours(31 * 24));
  while (!Journal().has_retention_hold()) {
    clock_.Advance(absl::Seconds(1));
    ASSERT_TRUE(journal_->WriteState({}).ok());
  }
  EXPECT_EQ(Journal().first_sequence(), 1u);
  EXPECT_EQ(Journal().retention_hold().up_to_sequence(), 2u);
  EXPECT_EQ(Journal().retention_hold().events(), 2u);
  const auto release = [&](uint64_t up_to) {
    grpc::ClientContext context;
    admin::v1::ReleaseRetentionRequest request;
    admin::v1::ReleaseRetentionResponse response;
    request.set_up_to_sequence(up_to);
    return stub_->ReleaseRetention(&context, request, &response);
  };
  const grpc::Status refused = release(3);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(InfoOf(refused).reason(), "RETENTION_NOT_HELD");
  EXPECT_TRUE(release(2).ok());
  EXPECT_EQ(Journal().first_sequence(), 3u);
  EXPECT_FALSE(Journal().has_retention_hold());
}

TEST_F(RpcAdminTest, HealthFollowsServing) {
  const grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check",
                                         grpc::internal::RpcMethod::NORMAL_RPC);
  const auto check = [&](const std::string& service) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    grpc::health::v1::HealthCheckResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(
        grpc::internal::BlockingUnaryCall(channel_.get(), method, &context, request, &response)
            .ok());
    return response.status();
  };
  EXPECT_EQ(check(""), grpc::health::v1::HealthCheckResponse::SERVING);
  EXPECT_EQ(check("hookbridge.v1.DeliveryService"), grpc::health::v1::HealthCheckResponse::SERVING);
  server_->SetServing(false);
  EXPECT_EQ(check("hookbridge.v1.DeliveryService"),
            grpc::health::v1::HealthCheckResponse::NOT_SERVING);
}

}  // namespace
}  // namespace hookbridge
