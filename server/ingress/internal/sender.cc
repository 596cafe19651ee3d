#include "server/ingress/internal/sender.h"

#include "server/ingress/internal/field_syntax.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

namespace hookbridge {
namespace {

constexpr std::string_view kForwardedFor = "X-Forwarded-For";

void AddName(const ASN1_STRING* text, std::vector<std::string>& names) {
  unsigned char* utf8 = nullptr;
  const int bytes = ASN1_STRING_to_UTF8(&utf8, text);
  if (bytes > 0)
    names.emplace_back(reinterpret_cast<const char*>(utf8), static_cast<size_t>(bytes));
  if (bytes >= 0) OPENSSL_free(utf8);
}

}  // namespace

std::string_view SenderAddress(const std::vector<Network>& trusted_proxies, std::string_view peer,
                               std::span<const HeaderLine> headers) {
  std::string_view sender = peer;
  if (!AnyContains(trusted_proxies, sender)) return sender;
  for (size_t left = headers.size(); left > 0; --left) {
    const HeaderLine& line = headers[left - 1];
    if (!SameHeaderName(line.name, kForwardedFor)) continue;
    std::string_view rest = line.value;
    while (!rest.empty()) {
      const size_t comma = rest.rfind(',');
      const size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
      const std::string_view address = TrimBlanks(rest.substr(begin));
      rest = rest.substr(0, comma == std::string_view::npos ? 0 : comma);
      if (!ParseIpAddress(address)) return sender;
      sender = address;
      if (!AnyContains(trusted_proxies, sender)) return sender;
    }
  }
  return sender;
}

std::vector<std::string> ClientNames(SSL* connection) {
  std::vector<std::string> names;
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      SSL_get1_peer_certificate(connection), X509_free);
  if (certificate == nullptr || SSL_get_verify_result(connection) != X509_V_OK) return names;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> alternatives(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) AddName(name->d.dNSName, names);
  }
  const X509_NAME* const subject = X509_get_subject_name(certificate.get());
  for (int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) {
    AddName(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), names);
  }
  return names;
}

}  // namespace hookbridge
