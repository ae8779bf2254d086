#include "COpenSSL.h"

#include <openssl/evp.h>

int32_t copenssl_sha256(const uint8_t *bytes, size_t count, uint8_t *out) {
  static const uint8_t nothing = 0;
  unsigned int written = 0;
  return EVP_Digest(bytes == NULL ? &nothing : bytes, count, out, &written, EVP_sha256(), NULL) == 1 &&
                 written == COPENSSL_SHA256_BYTES
             ? 1
             : 0;
}
