/// Decompression of gzip files in memory, without zlib's header.
#ifndef CZLIB_H
#define CZLIB_H

#include <stddef.h>
#include <stdint.h>

/// The whole input was decompressed and its checksums hold.
#define CZLIB_DONE 0
/// There is more output than the limit; the first `limit` bytes are given.
#define CZLIB_LIMIT 1
/// The input ends in the middle of a member.
#define CZLIB_TRUNCATED 2
/// The input is not gzip, or a checksum or length does not hold.
#define CZLIB_CORRUPT 3
/// A member is followed by bytes that are neither another member nor zero padding.
#define CZLIB_TRAILING 4
/// Memory ran out.
#define CZLIB_NO_MEMORY 5

typedef struct {
  /// One of the codes above.
  int32_t status;
  /// Decompressed bytes, to be given to `czlib_free`; NULL unless the status is CZLIB_DONE or CZLIB_LIMIT.
  uint8_t *bytes;
  /// Number of decompressed bytes.
  size_t count;
  /// Number of input bytes read: where the trouble is, if there is any.
  size_t consumed;
} czlib_output;

/// Decompresses gzip data of one or several members. Memory stays below twice the actual output, and below
/// `limit` + 1 bytes, whatever the input claims.
czlib_output czlib_gunzip(const uint8_t *input, size_t count, size_t limit);

/// Frees decompressed bytes. NULL is ignored.
void czlib_free(uint8_t *bytes);

#endif
