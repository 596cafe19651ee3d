#pragma once

#include "server/ingress/request.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hookbridge {

// Builds the request that a session would have made of these header lines and this body.
class RequestBuilder {
 public:
  RequestBuilder& Header(std::string_view name, std::string_view value) {
    lines_.emplace_back(std::string(name), std::string(value));
    return *this;
  }
  RequestBuilder& Body(std::string_view body) {
    body_ = body;
    return *this;
  }
  RequestBuilder& Token(std::string_view token) {
    token_ = token;
    return *this;
  }
  RequestBuilder& Method(std::string_view method) {
    method_ = method;
    return *this;
  }
  RequestBuilder& Query(std::string_view query) {
    query_ = query;
    return *this;
  }

  WebhookRequest Build() const {
    WebhookRequest request;
    request.method = method_;
    request.source = "test";
    request.token = token_;
    request.path = token_.empty() ? "/hooks/test" : "/hooks/test/" + token_;
    request.query = query_;
    request.body = body_;
    request.request_id = "0123456789abcdef";
    request.receive_time = absl::FromUnixSeconds(1'700'000'000);
    std::vector<std::pair<size_t, size_t>> sizes;
    for (const auto& [name, value] : lines_) {
      request.header_block.insert(request.header_block.end(), name.begin(), name.end());
      request.header_block.insert(request.header_block.end(), value.begin(), value.end());
    }
    const char* at = request.header_block.data();
    for (const auto& [name, value] : lines_) {
      request.headers.push_back(
          {.name = {at, name.size()}, .value = {at + name.size(), value.size()}});
      at += name.size() + value.size();
    }
    return request;
  }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
  std::string body_;
  std::string token_;
  std::string query_;
  std::string method_ = "POST";
};

}  // namespace hookbridge
