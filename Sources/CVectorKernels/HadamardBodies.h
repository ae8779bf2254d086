// The bodies of the Walsh–Hadamard transform: a part of CodingBodies.h, which includes it after `signed_scale`.

// Elements of the transform that stay in the first and in the second cache; the fastest of many choices for 2^21 elements,
// which then pass through memory twice.
enum { PIECE = 1 << 12, BLOCK = 1 << 18 };

typedef float f32x16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i32x16 __attribute__((vector_size(64), aligned(4)));

// The four stages within 16 neighbours. The sign is applied by the product with ±1; it is exact, so fusing it with the sum
// changes no bit.
CVK_INLINE void within_16(f32x16 *x) {
#pragma STDC FP_CONTRACT ON
  const f32x16 alternate1 = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
  const f32x16 alternate2 = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
  const f32x16 alternate4 = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};
  const f32x16 alternate8 = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
  f32x16 v = *x;
  v = __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14) + v * alternate1;
  v = __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13) + v * alternate2;
  v = __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11) + v * alternate4;
  v = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7) + v * alternate8;
  *x = v;
}

// Stages that are done at once in registers, and the vectors that they are between. The bits do not depend on it.
#if defined(CVK_REGISTERS_32)
enum { MOST_STAGES = 4 };
#else
enum { MOST_STAGES = 3 };
#endif
enum { RADIX = 1 << MOST_STAGES, REGISTER_BLOCK = 16 * RADIX };

// `stages` stages, at most MOST_STAGES, between 2^stages vectors.
CVK_INLINE void butterflies(f32x16 *v, int stages) {
  const int rows = 1 << stages;
#pragma clang loop unroll(full)
  for (int h = 1; h < rows; h *= 2)
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i += 2 * h)
#pragma clang loop unroll(full)
      for (int k = i; k < i + h; k++) {
        const f32x16 a = v[k], b = v[k + h];
        v[k] = a + b;
        v[k + h] = a - b;
      }
}

// A matrix of rows that begin `stride` elements apart.
struct rows {
  float *start;
  size_t stride;
};

// `stages` stages between rows `distance` apart, of `width` columns, 1...16.
CVK_INLINE void transform_vectors(const float *from, size_t from_distance, float *to, size_t to_distance, size_t width, int stages) {
  f32x16 v[RADIX] = {0};
#pragma clang loop unroll(full)
  for (int k = 0; k < 1 << stages; k++) memcpy(v + k, from + (size_t)k * from_distance, width * sizeof *from);
  butterflies(v, stages);
#pragma clang loop unroll(full)
  for (int k = 0; k < 1 << stages; k++) memcpy(to + (size_t)k * to_distance, v + k, width * sizeof *to);
}

// `stages` stages over rows that are `distance` rows apart and multiples of it, from one matrix to another or itself.
CVK_INLINE void transform_step(const struct rows *from, const struct rows *to, size_t rows, size_t columns, size_t distance,
                               int stages) {
  const size_t from_distance = distance * from->stride, to_distance = distance * to->stride;
  // Rows lie powers of two apart and so share few places of the first cache: vectors across two lines would need twice as many. The
  // columns before the first line and as many at the end as that leaves go by themselves.
  const size_t before = ((uintptr_t)-(uintptr_t)from->start & 63) / sizeof(float);
  for (size_t i = 0; i < rows; i += distance << stages)
    for (size_t row = i; row < i + distance; row++) {
      const float *x = from->start + row * from->stride;
      float *y = to->start + row * to->stride;
      size_t column = before;
      if (before > 0) transform_vectors(x, from_distance, y, to_distance, before, stages);
      for (; columns - column >= 16; column += 16)
        transform_vectors(x + column, from_distance, y + column, to_distance, 16, stages);
      if (column < columns) transform_vectors(x + column, from_distance, y + column, to_distance, columns - column, stages);
    }
}

// The transform of every column, three stages at a time or the last four where that many fit, in `from` but for the last step, which
// writes to `to`. rows is a power of two, columns a multiple of 16. Of one row nothing is written.
static void transform_columns(const struct rows *from, const struct rows *to, size_t rows, size_t columns) {
  for (size_t distance = 1; distance < rows;) {
    const size_t left = rows / distance;
    if (left == 16 && MOST_STAGES == 4) {
      transform_step(from, to, rows, columns, distance, MOST_STAGES);
      return;
    }
    if (left >= 8) {
      transform_step(from, left == 8 ? to : from, rows, columns, distance, 3);
      distance *= 8;
    } else if (left == 4) {
      transform_step(from, to, rows, columns, distance, 2);
      return;
    } else {
      transform_step(from, to, rows, columns, distance, 1);
      return;
    }
  }
}

// Fewer elements than a piece.
static void transform_short(float *x, size_t count) {
  if (count >= 16) {
    for (size_t i = 0; i < count; i += 16) within_16((f32x16 *)(x + i));
    const struct rows all = {x, 16};
    transform_columns(&all, &all, count / 16, 16);
    return;
  }
  for (size_t h = 1; h < count; h *= 2)
    for (size_t i = 0; i < count; i += 2 * h)
      for (size_t j = i; j < i + h; j++) {
        const float a = x[j], b = x[j + h];
        x[j] = a + b;
        x[j + h] = a - b;
      }
}

// scale · x, negated where the bit of the sixteen is set.
CVK_INLINE void signed_scale_16(f32x16 *x, float scale, const uint8_t *signs) {
  const i32x16 bit = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  const i32x16 all = (i32x16){} + (int32_t)((uint32_t)signs[0] | (uint32_t)signs[1] << 8);
  const i32x16 negated = (all & bit) == bit;
  *x = (f32x16)((i32x16)(*x * scale) ^ (negated & INT32_MIN));
}

// The stages within a piece from one place to another or the same, of `scale` times the elements with `signs` where there are signs.
// `largest` becomes as great as the bits of the magnitude of each of these products: as integers they are ordered like magnitudes,
// with every NaN above infinity.
static void transform_piece(const float *x, float scale, const uint8_t *signs, float *out, i32x16 *largest) {
  // In the buffer no vector lies across two cache lines.
  _Alignas(64) float buffer[PIECE];
  for (size_t i = 0; i < PIECE; i += REGISTER_BLOCK) {
    f32x16 v[RADIX];
    memcpy(v, x + i, sizeof v);
    if (signs != 0) {
#pragma clang loop unroll(full)
      for (int k = 0; k < RADIX; k++) signed_scale_16(v + k, scale, signs + i / 8 + 2 * k);
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < RADIX; k++) {
      *largest = __builtin_elementwise_max(*largest, (i32x16)v[k] & INT32_MAX);
      within_16(v + k);
    }
    butterflies(v, MOST_STAGES);
    memcpy(buffer + i, v, sizeof v);
  }
  const struct rows inside = {buffer, REGISTER_BLOCK}, target = {out, REGISTER_BLOCK};
  transform_columns(&inside, &target, PIECE / REGISTER_BLOCK, REGISTER_BLOCK);
}

// The float of the given bits; all NaN are the same.
static float magnitude(int32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value != value ? __builtin_nanf("") : value;
}

// The same for the piece at `start` of a vector of `count` elements followed by zeros.
static void transform_piece_of(
    const float *x, size_t count, size_t start, float scale, const uint8_t *signs, float *out, i32x16 *largest) {
  if (start >= count) {
    memset(out + start, 0, PIECE * sizeof *out);
  } else if (count - start >= PIECE) {
    transform_piece(x + start, scale, signs == 0 ? 0 : signs + start / 8, out + start, largest);
  } else {
    memmove(out + start, x + start, (count - start) * sizeof *out);
    memset(out + count, 0, (start + PIECE - count) * sizeof *out);
    transform_piece(out + start, scale, signs == 0 ? 0 : signs + start / 8, out + start, largest);
  }
}

static float walsh_hadamard(const float *x, size_t count, float scale, const uint8_t *signs, float *out, int32_t log2_count) {
  const size_t padded = (size_t)1 << log2_count;
  if (padded < PIECE) {
    if (signs != 0) {
      signed_scale(x, count, scale, signs, out);
    } else {
      memmove(out, x, count * sizeof *out);
    }
    memset(out + count, 0, (padded - count) * sizeof *out);
    int32_t most = 0;
    for (size_t i = 0; i < count; i++) {
      int32_t bits;
      memcpy(&bits, out + i, sizeof bits);
      most = (bits & INT32_MAX) > most ? bits & INT32_MAX : most;
    }
    transform_short(out, padded);
    return magnitude(most);
  }
  i32x16 largest = {0};
  const size_t block = padded < BLOCK ? padded : BLOCK;
  // First all stages within blocks of the second-level cache, each begun in pieces of the first level: seven or eight stages of
  // neighbours in registers, then the rest. Then the distances beyond a block.
  for (size_t start = 0; start < padded; start += block) {
    for (size_t piece = start; piece < start + block; piece += PIECE) transform_piece_of(x, count, piece, scale, signs, out, &largest);
    const struct rows parts = {out + start, PIECE};
    transform_columns(&parts, &parts, block / PIECE, PIECE);
  }
  const struct rows blocks = {out, block};
  transform_columns(&blocks, &blocks, padded / block, block);
  int32_t most = 0;
  for (int lane = 0; lane < 16; lane++) most = largest[lane] > most ? largest[lane] : most;
  return magnitude(most);
}
