#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

// PEM texts as OpenSSL's objects.
namespace hookbridge::internal {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

// What OpenSSL says of its last failure; its queue of errors is empty then.
std::string LastError();

// All certificates of a text, up to its end or to the first that cannot be read.
struct Chain {
  std::vector<Certificate> certificates;
  std::string error;  // empty: the text was read to its end
};
Chain ReadChain(const std::string& pem);

struct PrivateKey {
  Key key;
  bool has_passphrase = false;  // then it is not read
  std::string error;
};
PrivateKey ReadKey(const std::string& pem);

}  // namespace hookbridge::internal
