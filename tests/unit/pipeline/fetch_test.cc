// Webhooks that need something fetched, through the whole pipeline and a real server in place of
// the providers' hosts.
#include "server/base/config.h"
#include "server/base/encoding.h"
#include "server/base/strings.h"
#include "server/fetch/fetcher.h"
#include "server/journal/memory/memory_store.h"
#include "server/journal/queued_journal.h"
#include "server/pipeline.h"
#include "server/sources.h"
#include "tests/support/fake_clock.h"
#include "tests/support/signed_samples.h"
#include "tests/support/test_jwt.h"
#include "tests/support/tls_server.h"

#include "hookbridge/v1/event.pb.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <future>

namespace hookbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kConfig[] = R"(
sources:
  - name: sns
    preset: aws_sns
    topic_arns: ["arn:aws:sns:us-east-1:123456789012:orders"]
    confirm_subscriptions: true
  - name: sns-by-hand
    preset: aws_sns
    topic_arns: ["arn:aws:sns:us-east-1:123456789012:orders"]
  - name: paypal
    preset: paypal
    values: {webhook_id: WID}
  - name: mollie
    preset: mollie_classic
    keys: [{secret: "inline:live_key"}]
  - name: plaid
    preset: plaid
    values: {client_id: "c1"}
    keys: [{secret: "inline:api_secret"}]
  - name: fusionauth
    preset: fusionauth
    values: {host: keys.provider.example}
  - name: braintree
    preset: braintree
    keys: [{secret: "inline:integration_public_key|integration_private_key"}]
)";

constexpr const char* kHosts[] = {kSnsHost, kPaypalHost, "api.mollie.com", "production.plaid.com",
                                  "keys.provider.example"};

class InlineLane final : public Lane {
 public:
  size_t index() const override { return 0; }
  void Post(absl::AnyInvocable<void()> work) override { work(); }
};

class NoSink final : public LogSink {
 public:
  void Write(std::string_view) override {}
};

// The authority of everything here: of the server by the machine's clock, of signatures by the
// test's.
class PipelineFetchTest : public testing::Test {
 protected:
  PipelineFetchTest() : log_(LogLevel::kError, sink_, clock_) {
    QueuedJournalOptions options;
    options.queue = {.events_max = 100, .bytes_max = 1 << 20};
    options.max_age = absl::Hours(24);
    journal_ = std::make_unique<QueuedJournal>(options, std::make_unique<MemoryStore>(JournalId{1}),
                                               clock_, nullptr);
    FetcherOptions fetch;
    fetch.extra_authorities_pem = authority_.pem();
    for (const char* const host : kHosts) {
      fetch.addresses[host] = server_.address();
    }
    fetcher_ = *Fetcher::Start(fetch);
    config::v1::Config config;
    EXPECT_TRUE(LoadConfig(kConfig, &config).empty());
    SourceMap sources;
    const auto problems = BuildSources(config, &sources, authority_.pem());
    EXPECT_TRUE(problems.empty()) << FormatProblems("config", problems);
    pipeline_ = std::make_unique<Pipeline>(
        PipelineOptions{.sources = std::move(sources),
                        .body_budget = {.bytes_max = 10'000, .owner_bytes_max = 10'000},
                        .lanes = 1,
                        .log_requests = false,
                        .fetcher = fetcher_.get()},
        *journal_, clock_, log_);
  }
  ~PipelineFetchTest() override {
    fetcher_->Stop();
    journal_->Close();
  }

  static CertificateSpec Spec(std::vector<std::string> names) {
    const absl::Time from = absl::FromUnixSeconds(1'600'000'000);
    return {.names = std::move(names),
            .not_before = from,
            .not_after = from + absl::Hours(24 * 365 * 20)};
  }

  Served Answer(const std::string& head) {
    MutexLock lock(mutex_);
    for (const auto& [begin, served] : answers_) {
      if (head.starts_with("GET " + begin) || head.starts_with("POST " + begin)) return served;
    }
    return Respond(404, "");
  }
  void On(const std::string& path, Served served) {
    MutexLock lock(mutex_);
    answers_[path] = std::move(served);
  }

  HttpResponse Send(const std::string& source, const RequestBuilder& builder) {
    WebhookRequest request = builder.Build();
    request.source = source;
    request.request_id = StrCat("request-", ++requests_);
    std::promise<HttpResponse> answer;
    pipeline_->Handle(std::move(request), lane_,
                      [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  std::vector<v1::Event> Events() {
    std::vector<v1::Event> events;
    const auto read = journal_->Read(0, 100, SIZE_MAX);
    for (const auto& stored : *read) {
      const EventRuns& runs = stored->runs;
      events.emplace_back();
      EXPECT_TRUE(events.back().ParseFromString(runs.envelope + runs.data + runs.raw));
    }
    return events;
  }
  uint64_t Rejected(const std::string& source, Reason reason) {
    return pipeline_->sources().at(source)->stats.rejected(reason);
  }
  SnsSample Sns(const std::string& type = "Notification") {
    return SnsSample(clock_.Now(), type).Sign(sns_);
  }

  const TestCertificate authority_{[] {
    CertificateSpec spec = Spec({});
    spec.authority = true;
    return spec;
  }()};
  const TestCertificate sns_{Spec({"sns.amazonaws.com"}), &authority_};
  const TestCertificate paypal_{Spec({"messageverificationcerts.sandbox.paypal.com"}), &authority_};
  int requests_ = 0;
  Mutex mutex_;
  std::map<std::string, Served> answers_ ABSL_GUARDED_BY(mutex_);
  TlsServer server_{TestCertificate(Spec({kHosts, kHosts + std::size(kHosts)}), &authority_),
                    [this](const std::string& head) { return Answer(head); }};
  FakeClock clock_;
  NoSink sink_;
  Logger log_;
  InlineLane lane_;
  std::unique_ptr<QueuedJournal> journal_;
  std::unique_ptr<Fetcher> fetcher_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineFetchTest, AnSnsMessageIsStoredAndItsCertificateAskedForOnce) {
  On("/SimpleNotificationService", Respond(200, sns_.pem()));
  EXPECT_EQ(Send("sns", Sns().Request()).status, 200);
  EXPECT_EQ(Send("sns", Sns().Request()).status, 200) << "the same message again";
  EXPECT_EQ(Send("sns", Sns().Set("Message", "forged").Request()).status, 401);
  const SnsSample other = SnsSample(clock_.Now()).Set("MessageId", "m-2").Sign(sns_);
  EXPECT_EQ(Send("sns", other.Request()).status, 200);
  EXPECT_THAT(server_.requests(), SizeIs(1));
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].dedup_key(), "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324");
  EXPECT_EQ(events[0].type(), "Notification");
  EXPECT_EQ(events[0].attributes().at("topic_arn"), kTopic);
  EXPECT_EQ(events[0].raw().body(), Sns().Body());
}

TEST_F(PipelineFetchTest, WhatCannotBeFetchedNowIsToBeSentAgain) {
  On("/SimpleNotificationService", Respond(503, ""));
  const HttpResponse refused = Send("sns", Sns().Request());
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.headers, testing::Contains(testing::Key("Retry-After")));
  EXPECT_EQ(Rejected("sns", Reason::kCertificateUnavailable), 1u);
  On("/SimpleNotificationService", Respond(200, sns_.pem()));
  EXPECT_EQ(Send("sns", Sns().Request()).status, 503) << "not asked again at once";
  EXPECT_THAT(server_.requests(), SizeIs(1));
  clock_.Advance(limits::kCertificateFailureMaxAge);
  EXPECT_EQ(Send("sns", Sns().Request()).status, 200);
  EXPECT_THAT(Events(), SizeIs(1));
}

TEST_F(PipelineFetchTest, AnUntrustedCertificateIsRefusedForGood) {
  const TestCertificate stranger(Spec({"sns.amazonaws.com"}));
  On("/SimpleNotificationService", Respond(200, stranger.pem()));
  EXPECT_EQ(Send("sns", SnsSample(clock_.Now()).Sign(stranger).Request()).status, 401);
  EXPECT_EQ(Rejected("sns", Reason::kCertificateUntrusted), 1u);
  EXPECT_EQ(Send("sns-by-hand",
                 Sns().Set("SigningCertURL", StrCat("https://", kSnsHost, "/no.pem")).Request())
                .status,
            401)
      << "SNS knows no such certificate";
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(PipelineFetchTest, RedirectsOfCertificatesAreNotFollowed) {
  On("/SimpleNotificationService",
     Respond(302, "", StrCat("Location: https://", kPaypalHost, "/v1/\r\n")));
  EXPECT_EQ(Send("sns", Sns().Request()).status, 503);
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_F(PipelineFetchTest, ForgedUrlsAndTopicsReachNobody) {
  for (const char* const url :
       {"https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
        "https://x@sns.us-east-1.amazonaws.com/a.pem", "https://SNS.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com./a.pem"}) {
    EXPECT_EQ(Send("sns", Sns().Set("SigningCertURL", url).Request()).status, 401) << url;
  }
  EXPECT_EQ(Rejected("sns", Reason::kUrlNotAllowed), 4u);
  const SnsSample foreign = SnsSample(clock_.Now())
                                .Set("TopicArn", "arn:aws:sns:us-east-1:210987654321:orders")
                                .Sign(sns_);
  EXPECT_EQ(Send("sns", foreign.Request()).status, 401);
  EXPECT_EQ(Rejected("sns", Reason::kTopicNotAllowed), 1u);
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(PipelineFetchTest, ASubscriptionIsConfirmedAndIsNoEvent) {
  On("/SimpleNotificationService", Respond(200, sns_.pem()));
  On("/?Action=ConfirmSubscription", Respond(500, ""));
  EXPECT_EQ(Send("sns", Sns("SubscriptionConfirmation").Request()).status, 503);
  EXPECT_EQ(Rejected("sns", Reason::kConfirmationFailed), 1u);
  On("/?Action=ConfirmSubscription", Respond(200, "<ConfirmSubscriptionResponse/>"));
  EXPECT_EQ(Send("sns", Sns("SubscriptionConfirmation").Request()).status, 200);
  EXPECT_THAT(Events(), IsEmpty());
  EXPECT_THAT(server_.requests().back(), HasSubstr(StrCat("TopicArn=", kTopic)));
  EXPECT_THAT(server_.requests(), SizeIs(3));

  // Unverified: nothing is confirmed.
  EXPECT_EQ(Send("sns", Sns("SubscriptionConfirmation").Set("Token", "x").Request()).status, 401);
  EXPECT_THAT(server_.requests(), SizeIs(3));
  // A source that does not want it has an event, and so has the farewell.
  EXPECT_EQ(Send("sns-by-hand", Sns("SubscriptionConfirmation").Request()).status, 200);
  EXPECT_EQ(Send("sns", Sns("UnsubscribeConfirmation").Request()).status, 200);
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].type(), "SubscriptionConfirmation");
  EXPECT_EQ(events[1].type(), "UnsubscribeConfirmation");
}

// The key is asked for by its id, once.
TEST_F(PipelineFetchTest, APlaidKeyIsAskedForWithTheSecret) {
  constexpr auto kEs256 = config::v1::JWT_ALGORITHM_ES256;
  const ProviderKey key(KeyType::kP256);
  const std::string body = R"({"webhook_type":"ITEM","webhook_code":"ERROR","item_id":"i1"})";
  const auto request = [&](const ProviderKey& by, const std::string& kid) {
    const std::string claims = StrCat(R"({"iat":)", absl::ToUnixSeconds(clock_.Now()),
                                      R"(,"request_body_sha256":")", Sha256Hex(body), "\"}");
    return RequestBuilder()
        .Header("Plaid-Verification",
                MakeToken(StrCat(R"({"alg":"ES256","kid":")", kid, "\"}"), claims, by, kEs256))
        .Body(body);
  };
  On("/webhook_verification_key/get",
     Respond(200, StrCat(R"({"key":)", key.Jwk("kid-1", R"(,"expired_at":null)"), "}")));
  EXPECT_EQ(Send("plaid", request(key, "kid-1")).status, 200);
  EXPECT_EQ(Send("plaid", request(key, "kid-1")).status, 200);
  EXPECT_EQ(Send("plaid", request(ProviderKey(KeyType::kP256), "kid-1")).status, 401);
  ASSERT_THAT(server_.requests(), SizeIs(1));
  EXPECT_THAT(server_.requests().front(),
              testing::StartsWith("POST /webhook_verification_key/get HTTP/1.1\r\n"));
  EXPECT_THAT(
      server_.requests().front(),
      testing::EndsWith(R"({"client_id": "c1", "secret": "api_secret", "key_id": "kid-1"})"));
  On("/webhook_verification_key/get", Respond(400, "{}"));
  EXPECT_EQ(Send("plaid", request(key, "forged")).status, 401);
  EXPECT_EQ(Send("plaid", request(key, "forged")).status, 401);
  EXPECT_THAT(server_.requests(), SizeIs(2));
  EXPECT_EQ(Rejected("plaid", Reason::kUnknownKeyId), 2u);
  EXPECT_EQ(Events().front().type(), "ITEM.ERROR");
}

// The set is fetched when a token needs it, and what forged ids make the bridge ask is bounded.
TEST_F(PipelineFetchTest, AFusionauthKeySetIsFetched) {
  constexpr auto kRs256 = config::v1::JWT_ALGORITHM_RS256;
  const ProviderKey key(KeyType::kRsa2048);
  const std::string body = R"({"event":{"id":"e1","type":"user.create"}})";
  const auto request = [&](const std::string& kid) {
    const std::string hash = Base64Encode(*HexDecode(Sha256Hex(body)));
    return RequestBuilder()
        .Header("X-FusionAuth-Signature-JWT",
                MakeToken(StrCat(R"({"alg":"RS256","kid":")", kid, "\"}"),
                          StrCat(R"({"request_body_sha256":")", hash, "\"}"), key, kRs256))
        .Body(body);
  };
  EXPECT_EQ(Send("fusionauth", request("a")).status, 503) << "404 is no set";
  EXPECT_EQ(Rejected("fusionauth", Reason::kKeySetUnavailable), 1u);
  clock_.Advance(limits::kKeySetFailureMaxAge);
  On("/.well-known/jwks.json", Respond(200, StrCat(R"({"keys":[)", key.Jwk("a"), "]}")));
  EXPECT_EQ(Send("fusionauth", request("a")).status, 200);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Send("fusionauth", request(StrCat("x", i))).status, 401);
  EXPECT_THAT(server_.requests(), SizeIs(2));
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].dedup_key(), "e1");
}

TEST_F(PipelineFetchTest, APaypalMessageIsStoredByItsSignedId) {
  On("/v1/notifications/certs/CERT-1", Respond(200, paypal_.pem()));
  const PaypalSample good = PaypalSample(clock_.Now()).Sign(paypal_, "WID");
  EXPECT_EQ(Send("paypal", good.Request()).status, 200);
  EXPECT_EQ(Send("paypal", PaypalSample(good).Body("{}").Request()).status, 401);
  EXPECT_EQ(Send("paypal", PaypalSample(clock_.Now()).Sign(paypal_, "other").Request()).status,
            401);
  EXPECT_THAT(server_.requests(), SizeIs(1));
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].dedup_key(), "dfb3be50-fd74-11e4-8bf3-77339302725b");
  EXPECT_EQ(events[0].type(), "PAYMENT.SALE.COMPLETED");
  EXPECT_EQ(events[0].attributes().at("event_id"), "WH-1");
}

TEST_F(PipelineFetchTest, AMolliePaymentIsTheEvent) {
  const std::string open = R"({"resource":"payment","id":"tr_1","mode":"test","status":"open"})";
  const std::string paid = R"({"resource":"payment","id":"tr_1","mode":"test","status":"paid"})";
  On("/v2/payments/tr_1 ", Respond(200, open));
  const RequestBuilder call =
      RequestBuilder().Header("Content-Type", "application/x-www-form-urlencoded").Body("id=tr_1");
  EXPECT_EQ(Send("mollie", call).status, 200);
  EXPECT_EQ(Send("mollie", call).status, 200) << "the same state: who knows what was between";
  On("/v2/payments/tr_1 ", Respond(200, paid));
  EXPECT_EQ(Send("mollie", call).status, 200);
  for (const std::string& head : server_.requests()) {
    EXPECT_THAT(head, HasSubstr("Authorization: Bearer live_key\r\n"));
    EXPECT_THAT(head, HasSubstr("Host: api.mollie.com\r\n"));
  }
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].type(), "open");
  EXPECT_EQ(events[1].type(), "open");
  EXPECT_EQ(events[2].type(), "paid");
  EXPECT_EQ(events[2].subject(), "tr_1");
  EXPECT_TRUE(events[2].test_mode());
  EXPECT_EQ(events[2].attributes().at("payment_id"), "tr_1");
  EXPECT_EQ(events[2].raw().body(), paid);
  EXPECT_TRUE(events[2].has_json());

  EXPECT_EQ(Send("mollie", RequestBuilder().Body("id=tr_2")).status, 401);
  EXPECT_EQ(Rejected("mollie", Reason::kResourceUnknown), 1u);
  On("/v2/payments/tr_3 ", Respond(401, ""));
  EXPECT_EQ(Send("mollie", RequestBuilder().Body("id=tr_3")).status, 503);
  EXPECT_EQ(Rejected("mollie", Reason::kResourceUnavailable), 1u);
  const auto rejected = pipeline_->rejections().Newest(1, "mollie", "");
  EXPECT_THAT(rejected.front().detail, HasSubstr("is the key right"));
  EXPECT_THAT(rejected.front().detail, Not(HasSubstr("live_key")));
  const size_t asked = server_.requests().size();
  EXPECT_EQ(Send("mollie", RequestBuilder().Body("id=../x")).status, 401);
  EXPECT_THAT(server_.requests(), SizeIs(asked));
}

// Signed by Python's hmac and hashlib, key SHA-1 of the private key, over the payload with its
// last line feed.
TEST_F(PipelineFetchTest, ABraintreeFormIsStoredWithItsKind) {
  const std::string form =
      "bt_signature=integration_public_key%7Ce823110490183f92bedb1b07a3656a1700bc58a1"
      "&bt_payload="
      "PD94bWwgdmVyc2lvbj0iMS4wIiBlbmNvZGluZz0iVVRGLTgiPz4KPG5vdGlmaWNhdGlvbj4KICA8%0Ad"
      "GltZXN0YW1wIHR5cGU9ImRhdGV0aW1lIj4yMDIzLTExLTE0VDIyOjEzOjIwWjwvdGltZXN0YW1w%0APg"
      "ogIDxraW5kPnN1YnNjcmlwdGlvbl93ZW50X3Bhc3RfZHVlPC9raW5kPgogIDxzdWJqZWN0Pgog%0AICA"
      "gPHN1YnNjcmlwdGlvbj4KICAgICAgPGlkPnN1Yi0xPC9pZD4KICAgICAgPGtpbmQ%2Bbm90IHRo%0AaX"
      "Mgb25lPC9raW5kPgogICAgPC9zdWJzY3JpcHRpb24%2BCiAgPC9zdWJqZWN0Pgo8L25vdGlmaWNh%0Ad"
      "Glvbj4K%0A";
  EXPECT_EQ(Send("braintree", RequestBuilder().Body(form)).status, 200);
  const auto events = Events();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].type(), "subscription_went_past_due");
  EXPECT_EQ(events[0].event_time().seconds(), 1'700'000'000);
  EXPECT_EQ(events[0].raw().body(), form);
  EXPECT_THAT(server_.requests(), IsEmpty());

  const Admission admission =
      pipeline_->Admit({.method = "GET",
                        .source = "braintree",
                        .token = {},
                        .query = "bt_challenge=20f9f8ed05f77439fe955c977e4c8a53",
                        .content_length = 0});
  EXPECT_EQ(admission.response->body,
            "integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4");
}

TEST_F(PipelineFetchTest, AStoppedFetcherAnswersAll) {
  On("/SimpleNotificationService", Served{.bytes = {}, .hang = true});
  std::promise<HttpResponse> answer;
  WebhookRequest request = Sns().Request().Build();
  request.source = "sns";
  pipeline_->Handle(std::move(request), lane_,
                    [&](HttpResponse response) { answer.set_value(std::move(response)); });
  server_.WaitForRequests(1);
  fetcher_->Stop();
  EXPECT_EQ(answer.get_future().get().status, 503);
  EXPECT_EQ(Send("mollie", RequestBuilder().Body("id=tr_1")).status, 503);
}

}  // namespace
}  // namespace hookbridge
