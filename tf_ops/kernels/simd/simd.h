// Hot loops, compiled once per instruction set and chosen when first used.
//
// A block is kBlock points or boxes as arrays: x[kBlock], y[kBlock], z[kBlock],
// of points, or of the lower and of the upper corners of boxes. Empty places
// hold NaN; comparisons with NaN are false, so they never match. Bit i of a
// mask stands for place i.
#ifndef GSPN_TF_KERNELS_SIMD_SIMD_H_
#define GSPN_TF_KERNELS_SIMD_SIMD_H_

#include <cstdint>

namespace gspn {

constexpr int64_t kBlock = 64;
constexpr int64_t kQueries = 16;   // answered together by `offer`
constexpr int kCurveCells = 1024;  // along each axis
constexpr uint32_t kNowhere = UINT32_MAX;

struct Simd {
  // nearest[i] = min(nearest[i], squared distance of point i to p). Returns the
  // place of the largest of them, among equals that of the smallest index.
  int32_t (*relax)(const float* points, const int32_t* indices, float* nearest,
                   const float* p);

  // Boxes nearer to the point p than reach[i].
  uint64_t (*reached)(const float* lo, const float* hi, const float* p,
                      const float* reach);

  // Place of the largest value, among equals that of the smallest index.
  int32_t (*largest)(const float* values, const int32_t* indices);

  // d[i] = squared distance between box i and the box [q_lo, q_hi]; mask of
  // those <= limit.
  uint64_t (*distances)(const float* lo, const float* hi, const float* q_lo,
                        const float* q_hi, float limit, float* d);

  // The mask of `distances` alone.
  uint64_t (*near)(const float* lo, const float* hi, const float* q_lo,
                   const float* q_hi, float limit);

  // Boxes that share a point with the closed box [q_lo, q_hi].
  uint64_t (*touching)(const float* lo, const float* hi, const float* q_lo,
                       const float* q_hi);

  // Offers the points in the mask to kQueries queries (x, y, z arrays), whose k
  // nearest so far are d [k, kQueries] and index [k, kQueries], ordered by
  // distance, then index. Returns the largest of the k-th distances.
  float (*offer)(const float* points, const int32_t* indices, uint64_t mask,
                 const float* queries, int64_t k, float* d, int32_t* index);

  // For kBlock queries (a block): nearest of n points [n, 3]; d and index are
  // the running result.
  void (*nearest)(const float* queries, const float* points, int64_t n,
                  float* d, int32_t* index);

  // Places of n points [n, 3] on a Morton curve through cubic cells, points
  // outside of the grid in the outermost ones; kNowhere when not finite.
  void (*curve_codes)(const float* points, int64_t n, const float* origin,
                      float cells_per_metre, uint32_t* codes);

  // Whether any of kBlock boxes (7 arrays of kBlock values: lo, hi, volume)
  // overlaps the box [7] by more than the threshold.
  bool (*overlaps)(const float* boxes, const float* box, float threshold);
};

// The widest set this processor has; GSPN_ISA=base|v3|v4 caps it.
const Simd& BestSimd();

extern const Simd kSimd_base, kSimd_v3, kSimd_v4;

}  // namespace gspn

#endif  // GSPN_TF_KERNELS_SIMD_SIMD_H_
