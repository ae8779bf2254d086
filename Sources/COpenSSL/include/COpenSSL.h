/// What Epsilon uses of OpenSSL's libcrypto and of the operating system's entropy, without their headers.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <stddef.h>
#include <stdint.h>

#define COPENSSL_KEY_BYTES 16
#define COPENSSL_COUNTER_BYTES 16
#define COPENSSL_SHA256_BYTES 32

/// An AES-128-CTR keystream (NIST SP 800-38A, section 6.5). Not to be used by two threads at once.
typedef struct copenssl_keystream copenssl_keystream;

/// A keystream that starts at the counter block `counter`, or NULL when libcrypto refuses.
copenssl_keystream *copenssl_keystream_create(const uint8_t *key, const uint8_t *counter);

/// Writes the next `count` bytes of the keystream. 1 on success; on failure 0, and `out` is all zero.
int32_t copenssl_keystream_fill(copenssl_keystream *stream, uint8_t *out, size_t count);

/// Wipes the key and frees the stream. NULL is ignored.
void copenssl_keystream_free(copenssl_keystream *stream);

/// Fills `out` from the operating system's generator. 0 on success, else a positive errno value.
int32_t copenssl_entropy(uint8_t *out, size_t count);

/// SHA-256 (FIPS 180-4) of `count` bytes into 32 bytes at `out`. 1 on success, else 0.
int32_t copenssl_sha256(const uint8_t *bytes, size_t count, uint8_t *out);

/// Overwrites memory with zeros; never optimised away.
void copenssl_wipe(void *bytes, size_t count);

/// The id of this process, by which a fork is noticed.
int64_t copenssl_process_id(void);

#endif
