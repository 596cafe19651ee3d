#include "server/verify/presets.h"
#include "tests/support/recipes.h"

#include "gtest/gtest.h"

#include <string>

namespace hookbridge {
namespace {

// Webhooks with signatures that the providers publish, in their documents or the tests of their
// SDKs, beside those of vectors_test.

// developer.box.com, guides: verify signatures; the keys are those of box/box-node-sdk's test.
TEST(PublishedTest, Box) {
  const std::string body =
      R"({"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED",)"
      R"("source":{"id":"1234567890","type":"file","name":"Test.txt"}})";
  const auto request = [&](const std::string& sent) {
    return RequestBuilder()
        .Header("box-delivery-id", "f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f")
        .Header("box-delivery-timestamp", "2020-01-01T00:00:00-07:00")
        .Header("box-signature-algorithm", "HmacSHA256")
        .Header("box-signature-primary", "6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI=")
        .Header("box-signature-secondary", "v+1CD1Jdo3muIcbpv5lxxgPglOqMfsNHPV899xWYydo=")
        .Header("box-signature-version", "1")
        .Body(sent);
  };
  const absl::Time sent = absl::FromUnixSeconds(1'577'862'000);
  for (const char* const key : {"SamplePrimaryKey", "SampleSecondaryKey"}) {
    const auto verifier = VerifierOf(*LoadPreset("box"), {key});
    ASSERT_TRUE(verifier.ok()) << verifier.status();
    EXPECT_EQ(VerdictOf(**verifier, request(body), sent + absl::Minutes(10)), "ok:k1") << key;
    EXPECT_EQ(VerdictOf(**verifier, request(body), sent + absl::Minutes(11)), "timestamp_stale");
    EXPECT_EQ(VerdictOf(**verifier, request(body + "\n"), sent), "signature_mismatch");
  }
  const auto other = VerifierOf(*LoadPreset("box"), {"SampleKey"});
  EXPECT_EQ(VerdictOf(**other, request(body), sent), "signature_mismatch");
}

// hellosign/dropbox-sign-node, examples/EventCallbackExample.ts; a field `json` of the body.
TEST(PublishedTest, DropboxSign) {
  const auto request = [](const std::string& type) {
    return RequestBuilder()
        .Header("Content-Type", "multipart/form-data; boundary=limit")
        .Body(
            "--limit\r\nContent-Disposition: form-data; "
            "name=\"json\"\r\n\r\n{\"event\":{\"event_type\":\"" +
            type +
            "\",\"event_time\":\"1669926463\",\"event_hash\":"
            "\"ff8b03439122f9160500c3fb855bdee5a9ccba5fff27d3b258745d8f3074832f\"}}"
            "\r\n--limit--\r\n");
  };
  const auto verifier =
      VerifierOf(*LoadPreset("dropbox_sign"),
                 {"324e3b0840f065eb51f3fd63231d0d33daa35d4ed10d27718839e81737065782"});
  ASSERT_TRUE(verifier.ok()) << verifier.status();
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  EXPECT_EQ(VerdictOf(**verifier, request("account_confirmed"), now), "ok:k1");
  EXPECT_EQ(VerdictOf(**verifier, request("file_error"), now), "signature_mismatch");
}

}  // namespace
}  // namespace hookbridge
