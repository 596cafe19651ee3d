#pragma once

#include "server/base/https_url.h"
#include "server/fetch/fetcher.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace hookbridge {

// One GET or POST from name look-up to the answer's last byte. Created by Fetcher; keeps itself
// alive until it has called `done`, once. Strand-bound: the fetcher's thread.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Job {
    HttpsUrl url;
    std::string bearer;
    std::string body;
    Time deadline;
  };

  // `options` and `tls` outlive it.
  Exchange(boost::asio::io_context& context, boost::asio::ssl::context& tls,
           const FetcherOptions& options, Job job, FetchDone done);

  void Start();
  // Ends it with this status.
  void Finish(absl::StatusOr<FetchResult> result);

 private:
  using Tcp = boost::asio::ip::tcp;
  using Error = boost::system::error_code;

  void Arm(std::string_view phase, absl::Duration timeout);
  // Whether there is something left to do; ends it on an error.
  bool Goes(const Error& error);
  void Resolve();
  void Connect(const Tcp::resolver::results_type& endpoints);
  void Handshake();
  void Write();
  void Read();
  void Answer();

  const FetcherOptions& options_;
  const Job job_;
  FetchDone done_;
  Tcp::resolver resolver_;
  boost::asio::ssl::stream<Tcp::socket> stream_;
  boost::asio::steady_timer timer_;
  std::string_view phase_;
  boost::beast::http::request<boost::beast::http::string_body> request_;
  boost::beast::http::response_parser<boost::beast::http::string_body> parser_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace hookbridge
