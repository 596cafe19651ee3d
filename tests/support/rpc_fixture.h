#pragma once

#include "server/base/config.h"
#include "server/delivery/stream_hub.h"
#include "server/rpc/server.h"
#include "tests/support/delivery_fixture.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

namespace hookbridge {

// The gRPC port over a journal in memory.
class RpcFixture : public DeliveryFixture {
 protected:
  // `configure` may change the port's configuration before it starts.
  explicit RpcFixture(const std::function<void(config::v1::Grpc&)>& configure = {})
      : hub_(4, log_, clock_) {
    catalog_.sources = {{.name = "a", .preset = "stripe", .stats = &stats_[0]},
                        {.name = "b", .preset = "", .stats = &stats_[1]}};
    catalog_.sources[0].keys = [] {
      return std::vector<SourceCatalog::Key>{{.id = "k1",
                                              .matched = 3,
                                              .last_match = absl::FromUnixSeconds(7),
                                              .not_before = absl::InfinitePast(),
                                              .not_after = absl::FromUnixSeconds(9)}};
    };
    catalog_.sources[1].keys = [] { return std::vector<SourceCatalog::Key>(); };
    catalog_.unattributed = &unattributed_;
    catalog_.rejections = &rejections_;
    catalog_.release_retention = [this](uint64_t up_to) {
      return journal_->ReleaseRetention(up_to);
    };
    config::v1::Config config;
    ApplyDefaults(&config);
    config.mutable_grpc()->set_listen("127.0.0.1:0");
    if (configure) configure(*config.mutable_grpc());
    auto server =
        RpcServer::Start({.grpc = config.grpc(), .stream_max_age = absl::Hours(1), .log = &logger_},
                         catalog_, log_, hub_, clock_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  }
  ~RpcFixture() override {
    hub_.Drain(absl::Seconds(5));
    server_->Shutdown(absl::Seconds(5));
    hub_.Stop();
  }

  // To the port by a connection of its own, with a library that reads no further than its program.
  std::shared_ptr<grpc::Channel> OwnChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
    return grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(),
                                     arguments);
  }

  static google::rpc::ErrorInfo InfoOf(const grpc::Status& status) {
    google::rpc::Status details;
    google::rpc::ErrorInfo info;
    EXPECT_TRUE(details.ParseFromString(status.error_details()));
    EXPECT_EQ(details.code(), status.error_code());
    for (const auto& detail : details.details()) detail.UnpackTo(&info);
    return info;
  }

  Logger logger_{LogLevel::kError};
  SourceStats stats_[2];
  SourceStats unattributed_;
  RejectionLog rejections_;
  SourceCatalog catalog_;
  StreamHub hub_;
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace hookbridge
