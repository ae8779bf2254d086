#include "COpenSSL.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/random.h>
#else
#include <openssl/rand.h>
#endif

int32_t copenssl_entropy(uint8_t *out, size_t count) {
#if defined(__linux__)
  size_t done = 0;
  while (done < count) {
    const ssize_t got = getrandom(out + done, count - done, 0);
    if (got > 0) {
      done += (size_t)got;
    } else if (got == 0 || errno != EINTR) {
      const int reason = got == 0 ? EIO : errno;
      OPENSSL_cleanse(out, count);
      return reason > 0 ? reason : EIO;
    }
  }
  return 0;
#else
  if (count > INT32_MAX || RAND_priv_bytes(out, (int)count) != 1) {
    OPENSSL_cleanse(out, count);
    return EIO;
  }
  return 0;
#endif
}

void copenssl_wipe(void *bytes, size_t count) { OPENSSL_cleanse(bytes, count); }

int64_t copenssl_process_id(void) { return (int64_t)getpid(); }
