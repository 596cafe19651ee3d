#pragma once

#include "client/hookctl/signer.h"

#include <string_view>
#include <vector>

namespace hookbridge::hookctl {

// A sample with places to fill in: `{uuid}`, `{hex}`, `{number}`, `{iso}`, `{millis}`, `{unix}` and
// `{ms}`; `{signature}` is left to the signer.
struct SampleTemplate {
  std::string_view preset;
  std::string_view id;  // of the event, for providers that send it in a header
  std::vector<HeaderField> headers;
  std::string_view body;
  std::string_view query = {};  // of providers that sign it
};

// Gateways, billing, banks.
std::vector<SampleTemplate> PaymentSamples();

// What developers work with.
std::vector<SampleTemplate> DeveloperSamples();

// Chat, mail, telephony.
std::vector<SampleTemplate> MessagingSamples();

// Shops, documents, people, and formats that many providers send.
std::vector<SampleTemplate> BusinessSamples();

// Providers that sign tokens.
std::vector<SampleTemplate> TokenSamples();

// Providers that check the endpoint before they send.
std::vector<SampleTemplate> CheckingSamples();

}  // namespace hookbridge::hookctl
