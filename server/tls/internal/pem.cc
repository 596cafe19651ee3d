#include "server/tls/internal/pem.h"

#include <openssl/pem.h>

namespace hookbridge::internal {
namespace {

// OpenSSL asks a terminal for a passphrase unless it is given one: here there is none.
int NoPassphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Bio BioOf(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

std::string LastError() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

Chain ReadChain(const std::string& pem) {
  Chain chain;
  const Bio bio = BioOf(pem);
  ERR_clear_error();
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    chain.certificates.emplace_back(next);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  std::string error = LastError();
  if (!at_end) chain.error = std::move(error);
  return chain;
}

PrivateKey ReadKey(const std::string& pem) {
  PrivateKey read;
  const Bio bio = BioOf(pem);
  ERR_clear_error();
  read.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, &read.has_passphrase));
  std::string error = LastError();
  if (read.key == nullptr) read.error = std::move(error);
  return read;
}

}  // namespace hookbridge::internal
