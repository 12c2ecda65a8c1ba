// What neither NumPy nor TensorFlow computes as the recording's TensorFlow 1.15
// did.
#include <immintrin.h>
#include <string.h>

// The processor's estimates of 1 / sqrt(x), n of them, n a multiple of 8.
void estimate(const float* x, float* y, long n) {
  for (long i = 0; i < n; i += 8)
    _mm256_storeu_ps(y + i, _mm256_rsqrt_ps(_mm256_loadu_ps(x + i)));
}

// product [rows, columns] of a [rows, depth] and b [depth, columns]: terms are added
// in order, each multiplied and added at once.
void product_in_order(const float* a, const float* b, float* product, long rows,
                      long depth, long columns) {
  memset(product, 0, rows * columns * sizeof(float));
  for (long i = 0; i < rows; ++i)
    for (long k = 0; k < depth; ++k) {
      const float factor = a[i * depth + k];
      const float* terms = b + k * columns;
      float* total = product + i * columns;
      for (long j = 0; j < columns; ++j)
        total[j] = __builtin_fmaf(factor, terms[j], total[j]);
    }
}

// product [rows, columns] of a [rows, depth] and b [depth, columns]: sums of 16
// terms, added up. A term is rounded before it is added.
void product_by_16(const float* a, const float* b, float* product, long rows,
                   long depth, long columns) {
  enum { WIDTH = 512 };
  float sums[WIDTH];
  memset(product, 0, rows * columns * sizeof(float));
  for (long i = 0; i < rows; ++i)
    for (long first = 0; first < columns; first += WIDTH) {
      const long width = columns - first < WIDTH ? columns - first : WIDTH;
      float* total = product + i * columns + first;
      for (long k = 0; k < depth; k += 16) {
        const long end = depth - k < 16 ? depth : k + 16;
        memset(sums, 0, sizeof(sums));
        for (long l = k; l < end; ++l) {
          const float* terms = b + l * columns + first;
          for (long j = 0; j < width; ++j)
            sums[j] += a[i * depth + l] * terms[j];
        }
        for (long j = 0; j < width; ++j) total[j] += sums[j];
      }
    }
}
