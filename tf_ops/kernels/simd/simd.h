// Hot loops, compiled once per instruction set and chosen when first used.
//
// Coordinates come as three arrays (x, y, z) padded with NaN to a multiple of
// kBlock; comparisons with NaN are false, so padding never matches.
#ifndef GSPN_TF_KERNELS_SIMD_SIMD_H_
#define GSPN_TF_KERNELS_SIMD_SIMD_H_

#include <cstdint>

namespace gspn {

constexpr int64_t kBlock = 64;

struct Simd {
  // nearest[i] = min(nearest[i], squared distance of point i to p), n a
  // multiple of kBlock. Returns the first index of the largest value above 0,
  // or 0.
  int32_t (*relax)(const float* x, const float* y, const float* z,
                   float* nearest, int64_t n, const float* p);

  // d[kBlock] = squared distances to p; returns how many are <= limit.
  int32_t (*within)(const float* x, const float* y, const float* z,
                    const float* p, float limit, float* d);

  // inside[kBlock] = lo <= point <= hi; returns how many.
  int32_t (*inside)(const float* x, const float* y, const float* z,
                    const float* lo, const float* hi, int32_t* inside);

  // For kBlock queries (x, y, z): nearest of n points [n, 3]; d and index are
  // the running result.
  void (*nearest)(const float* x, const float* y, const float* z,
                  const float* points, int64_t n, float* d, int32_t* index);

  // The same for the three nearest; d and index are [3, kBlock].
  void (*three_nearest)(const float* x, const float* y, const float* z,
                        const float* points, int64_t n, float* d,
                        int32_t* index);

  // How many of kBlock boxes (7 arrays of kBlock values: lo, hi, volume)
  // overlap the box [7] by more than the threshold.
  int32_t (*overlaps)(const float* boxes, const float* box, float threshold);
};

// The widest set this processor has; GSPN_ISA=base|v3|v4 caps it.
const Simd& BestSimd();

extern const Simd kSimd_base, kSimd_v3, kSimd_v4;

}  // namespace gspn

#endif  // GSPN_TF_KERNELS_SIMD_SIMD_H_
