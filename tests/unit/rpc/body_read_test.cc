#include "server/base/limits.h"
#include "tests/support/rpc_fixture.h"

#include "hookbridge/admin/v1/admin_service.grpc.pb.h"

#include "gmock/gmock.h"

namespace hookbridge {
namespace {

class BodyReadTest : public RpcFixture {
 protected:
  struct Call {
    grpc::ClientContext context;
    admin::v1::ReadEventBodyResponse response;
    std::unique_ptr<grpc::ClientReader<admin::v1::ReadEventBodyResponse>> reader;
  };

  BodyReadTest() {
    Append({.body_bytes = 3'500'000});
    id_ = (*log_.Read(0, 1, SIZE_MAX, false))[0]->id.ToString();
  }

  // A call that has read its first chunk.
  std::unique_ptr<Call> Begin(uint64_t offset = 0) {
    admin::v1::ReadEventBodyRequest request;
    request.set_id(id_);
    request.set_offset_bytes(offset);
    auto call = std::make_unique<Call>();
    call->reader = stub_->ReadEventBody(&call->context, request);
    call->reader->Read(&call->response);
    return call;
  }

  const std::unique_ptr<admin::v1::AdminService::Stub> stub_ =
      admin::v1::AdminService::NewStub(OwnChannel());
  std::string id_;
};

// What the client has not asked for yet is not held: here it is gone meanwhile.
TEST_F(BodyReadTest, TheNextChunkIsFoundAgain) {
  const auto call = Begin();
  EXPECT_EQ(call->response.chunk().size(), limits::kBodyChunkBytesMax);
  AppendTypes({"newer"});
  ASSERT_TRUE(journal_->Trim(1).ok());
  size_t chunks = 1;
  while (call->reader->Read(&call->response)) ++chunks;
  EXPECT_LT(chunks, 4u);
  const grpc::Status status = call->reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(InfoOf(status).reason(), "EVENT_NOT_FOUND");
}

TEST_F(BodyReadTest, OffsetsAtTheEndAndOneMore) {
  const auto last = Begin(3'499'999);
  EXPECT_EQ(last->response.chunk(), "b");
  EXPECT_EQ(last->response.total_bytes(), 3'500'000u);
  EXPECT_FALSE(last->reader->Read(&last->response));
  EXPECT_TRUE(last->reader->Finish().ok());
  const auto end = Begin(3'500'000);
  EXPECT_EQ(end->response.chunk(), "");
  EXPECT_EQ(end->response.total_bytes(), 3'500'000u);
  const auto beyond = Begin(3'500'001);
  EXPECT_EQ(beyond->reader->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(BodyReadTest, ReadsAtTheLimitAndOneMore) {
  std::vector<std::unique_ptr<Call>> calls;
  for (size_t i = 0; i < limits::kBodyReadsMax; ++i) {
    calls.push_back(Begin());
    ASSERT_EQ(calls.back()->response.chunk().size(), limits::kBodyChunkBytesMax);
  }
  const grpc::Status status = Begin()->reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(InfoOf(status).reason(), "TOO_MANY_STREAMS");
  while (calls[0]->reader->Read(&calls[0]->response)) {
  }
  EXPECT_TRUE(calls[0]->reader->Finish().ok());
  // The place is free once the server knows of the end.
  while (Begin()->response.chunk().empty()) std::this_thread::yield();
  for (const auto& call : calls) call->context.TryCancel();
}

}  // namespace
}  // namespace hookbridge
