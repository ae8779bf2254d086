#include "CZlib.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static czlib_output ended(int32_t status, uint8_t *bytes, size_t count, size_t consumed) {
  if (status != CZLIB_DONE && status != CZLIB_LIMIT) {
    free(bytes);
    bytes = NULL;
    count = 0;
  }
  return (czlib_output){status, bytes, count, consumed};
}

static uInt piece(size_t count) { return count > (1u << 30) ? (1u << 30) : (uInt)count; }

czlib_output czlib_gunzip(const uint8_t *input, size_t count, size_t limit) {
  if (limit > SIZE_MAX / 2) limit = SIZE_MAX / 2;
  // One byte of room beyond the limit shows whether the output is longer.
  const size_t most = limit + 1;
  size_t capacity = most < 65536 ? most : 65536;
  uint8_t *bytes = malloc(capacity);
  if (bytes == NULL) return ended(CZLIB_NO_MEMORY, NULL, 0, 0);

  z_stream stream = {0};
  // 15 bits of window, 16 for the gzip format alone.
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return ended(CZLIB_NO_MEMORY, bytes, 0, 0);

  size_t read = 0, written = 0;
  int32_t status = CZLIB_DONE;
  for (;;) {
    if (written == capacity) {
      if (capacity == most) {
        status = CZLIB_LIMIT;
        written = limit;
        break;
      }
      const size_t larger = capacity > most / 2 ? most : capacity * 2;
      uint8_t *moved = realloc(bytes, larger);
      if (moved == NULL) {
        status = CZLIB_NO_MEMORY;
        break;
      }
      bytes = moved;
      capacity = larger;
    }
    const uInt available = piece(count - read), room = piece(capacity - written);
    stream.next_in = (Bytef *)(input + read);
    stream.avail_in = available;
    stream.next_out = bytes + written;
    stream.avail_out = room;
    const int code = inflate(&stream, Z_NO_FLUSH);
    read += available - stream.avail_in;
    written += room - stream.avail_out;

    if (code == Z_STREAM_END) {
      size_t next = read;
      while (next < count && input[next] == 0) next++;
      if (next == count) break;
      if (next != read || input[read] != 0x1f || (count - read > 1 && input[read + 1] != 0x8b)) {
        status = CZLIB_TRAILING;
        break;
      }
      if (inflateReset(&stream) != Z_OK) {
        status = CZLIB_CORRUPT;
        break;
      }
    } else if (code == Z_MEM_ERROR) {
      status = CZLIB_NO_MEMORY;
      break;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      status = CZLIB_CORRUPT;
      break;
    } else if (read == count && stream.avail_out != 0) {
      // There was room for more output and no input left to make it from.
      status = CZLIB_TRUNCATED;
      break;
    }
  }
  inflateEnd(&stream);
  // The byte of room beyond the limit may have been filled just before the end.
  if (status == CZLIB_DONE && written > limit) {
    status = CZLIB_LIMIT;
    written = limit;
  }
  return ended(status, bytes, written, read);
}

void czlib_free(uint8_t *bytes) { free(bytes); }
