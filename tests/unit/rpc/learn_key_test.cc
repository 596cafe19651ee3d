#include "server/base/limits.h"
#include "server/base/strings.h"
#include "tests/support/rpc_fixture.h"

#include "hookbridge/admin/v1/admin_service.grpc.pb.h"

#include "gtest/gtest.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace hookbridge {
namespace {

using admin::v1::LearnKeyResponse;

class RpcLearnKeyTest : public RpcFixture {
 protected:
  RpcLearnKeyTest() : stub_(admin::v1::AdminService::NewStub(channel_)) {
    catalog_.key_offers = &offers_;
    catalog_.learns_key = [](std::string_view source) { return source == "a"; };
    catalog_.keep_key = [this](std::string_view source,
                               std::string_view secret) -> absl::StatusOr<std::string> {
      if (!keeps_) return absl::UnavailableError("the disk is full");
      EXPECT_EQ(source, "a");
      kept_ = secret;
      return "/keys/a";
    };
  }
  ~RpcLearnKeyTest() override { offers_.Close(); }

  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<LearnKeyResponse>> reader;
  };
  std::unique_ptr<Call> Begin(const std::string& source,
                              std::chrono::seconds wait = std::chrono::seconds(60)) {
    auto call = std::make_unique<Call>();
    if (wait.count() > 0) {
      call->context.set_deadline(std::chrono::system_clock::now() + wait);
    }
    admin::v1::LearnKeyRequest request;
    request.set_source(source);
    call->reader = stub_->LearnKey(&call->context, request);
    return call;
  }
  std::unique_ptr<Call> Waiting() {
    auto call = Begin("a");
    LearnKeyResponse first;
    EXPECT_TRUE(call->reader->Read(&first) && first.has_awaiting());
    return call;
  }
  // The reason of a call that ends without a key.
  std::string EndOf(Call& call) {
    LearnKeyResponse response;
    while (call.reader->Read(&response)) EXPECT_FALSE(response.has_learned());
    return InfoOf(call.reader->Finish()).reason();
  }
  // What the provider is told.
  absl::Status Hand(const std::string& secret) {
    auto told = std::make_shared<std::promise<absl::Status>>();
    OfferedKey key{.secret = secret,
                   .answer = [told](const absl::Status& status) { told->set_value(status); }};
    if (!offers_.Offer("a", std::move(key))) return absl::NotFoundError("nobody waits");
    return told->get_future().get();
  }

  std::unique_ptr<admin::v1::AdminService::Stub> stub_;
  KeyOffers offers_;
  std::atomic<bool> keeps_{true};
  std::string kept_;
};

TEST_F(RpcLearnKeyTest, TheKeyIsShownOnce) {
  const auto call = Waiting();
  EXPECT_TRUE(Hand("s3cret").ok());
  EXPECT_EQ(kept_, "s3cret");
  LearnKeyResponse learned;
  ASSERT_TRUE(call->reader->Read(&learned));
  EXPECT_EQ(learned.learned().secret(), "s3cret");
  EXPECT_EQ(learned.learned().file(), "/keys/a");
  EXPECT_FALSE(call->reader->Read(&learned));
  EXPECT_TRUE(call->reader->Finish().ok());
  EXPECT_TRUE(absl::IsNotFound(Hand("next"))) << "the wait is over";
}

TEST_F(RpcLearnKeyTest, CallsThatCannotWaitAreRefused) {
  EXPECT_EQ(EndOf(*Begin("a", std::chrono::seconds(0))), "DEADLINE_MISSING");
  const auto longest = std::chrono::seconds(absl::ToInt64Seconds(limits::kLearnKeyWaitMax));
  EXPECT_EQ(EndOf(*Begin("a", longest + longest / 10)), "DEADLINE_MISSING");
  const auto most = Begin("a", longest);
  LearnKeyResponse first;
  EXPECT_TRUE(most->reader->Read(&first) && first.has_awaiting());
  EXPECT_EQ(EndOf(*Begin("a")), "KEY_AWAITED");
  EXPECT_EQ(EndOf(*Begin("nobody")), "SOURCE_NOT_FOUND");
  EXPECT_EQ(EndOf(*Begin("b")), "KEY_NOT_LEARNABLE");
  most->context.TryCancel();
  EXPECT_EQ(most->reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

// The wait ends with the call; how long that takes is the connection's.
TEST_F(RpcLearnKeyTest, ACancelledCallWaitsNoMore) {
  const auto call = Waiting();
  call->context.TryCancel();
  EXPECT_EQ(call->reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  LearnKeyResponse first;
  auto next = Begin("a");
  while (!next->reader->Read(&first)) {
    EXPECT_EQ(InfoOf(next->reader->Finish()).reason(), "KEY_AWAITED");
    next = Begin("a");
  }
  EXPECT_TRUE(first.has_awaiting());
}

TEST_F(RpcLearnKeyTest, WhatIsNotKeptIsTheErrorOfBoth) {
  keeps_ = false;
  const auto call = Waiting();
  EXPECT_TRUE(absl::IsUnavailable(Hand("s3cret")));
  EXPECT_EQ(EndOf(*call), "KEY_NOT_KEPT");
  keeps_ = true;
  const auto again = Waiting();
  EXPECT_TRUE(Hand("s3cret").ok());
}

TEST_F(RpcLearnKeyTest, StoppingEndsTheWait) {
  const auto call = Waiting();
  offers_.Close();
  EXPECT_EQ(EndOf(*call), "DRAINING");
  EXPECT_EQ(EndOf(*Begin("a")), "DRAINING");
}

// Whatever comes first, the provider is answered once and the call ends once.
TEST_F(RpcLearnKeyTest, CancellingAtTheMomentOfTheKey) {
  for (int round = 0; round < 50; ++round) {
    auto call = Begin("a");
    LearnKeyResponse first;
    while (!call->reader->Read(&first)) {  // the last round's call has not ended there yet
      EXPECT_EQ(InfoOf(call->reader->Finish()).reason(), "KEY_AWAITED");
      call = Begin("a");
    }
    std::thread cancels([&] { call->context.TryCancel(); });
    const absl::Status told = Hand(StrCat("key-", round));
    cancels.join();
    EXPECT_TRUE(told.ok() || absl::IsNotFound(told) || absl::IsCancelled(told)) << told;
    while (call->reader->Read(&first)) {
    }
    call->reader->Finish();
  }
}

}  // namespace
}  // namespace hookbridge
