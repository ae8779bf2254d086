#include "COpenSSL.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

struct copenssl_keystream {
  EVP_CIPHER_CTX *context;
};

copenssl_keystream *copenssl_keystream_create(const uint8_t *key, const uint8_t *counter) {
  copenssl_keystream *stream = OPENSSL_zalloc(sizeof *stream);
  if (stream == NULL) return NULL;
  stream->context = EVP_CIPHER_CTX_new();
  if (stream->context == NULL || EVP_EncryptInit_ex(stream->context, EVP_aes_128_ctr(), NULL, key, counter) != 1) {
    copenssl_keystream_free(stream);
    return NULL;
  }
  return stream;
}

int32_t copenssl_keystream_fill(copenssl_keystream *stream, uint8_t *out, size_t count) {
  // libcrypto counts in int.
  enum { LARGEST_PIECE = 1 << 30 };
  // The keystream is the encryption of zeros.
  memset(out, 0, count);
  size_t done = 0;
  while (done < count) {
    const int piece = count - done > LARGEST_PIECE ? LARGEST_PIECE : (int)(count - done);
    int written = 0;
    if (EVP_EncryptUpdate(stream->context, out + done, &written, out + done, piece) != 1 || written != piece) {
      OPENSSL_cleanse(out, count);
      return 0;
    }
    done += (size_t)piece;
  }
  return 1;
}

void copenssl_keystream_free(copenssl_keystream *stream) {
  if (stream == NULL) return;
  // Freeing a cipher context cleanses its key schedule.
  EVP_CIPHER_CTX_free(stream->context);
  OPENSSL_clear_free(stream, sizeof *stream);
}
