#pragma once

#include "server/base/config.h"
#include "server/ingress/server.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_handler.h"
#include "tests/support/raw_client.h"

#include "gtest/gtest.h"

#include <memory>
#include <string>

namespace hookbridge {

// A server on a free port with small limits.
class IngressFixture : public testing::Test {
 protected:
  IngressFixture() {
    config::v1::Config defaults;
    ApplyDefaults(&defaults);
    config_ = defaults.ingress();
    config_.set_listen("127.0.0.1:0");
  }

  void Start() {
    auto server = IngressServer::Start(config_, handler_, clock_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string Post(const std::string& body, const std::string& fields = "") {
    return "POST /hooks/po HTTP/1.1\r\nHost: test\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string Chunked(const std::string& chunks, const std::string& fields = "") {
    return "POST /hooks/po HTTP/1.1\r\nHost: test\r\n" + fields +
           "Transfer-Encoding: chunked\r\n\r\n" + chunks;
  }
  // The answer to these bytes on a connection of their own.
  RawClient::Answer Exchange(const std::string& bytes) {
    RawClient client(server_->address());
    client.Send(bytes);
    return client.Read();
  }

  config::v1::Ingress config_;
  FakeHandler handler_;
  FakeClock clock_;
  std::unique_ptr<IngressServer> server_;
};

}  // namespace hookbridge
