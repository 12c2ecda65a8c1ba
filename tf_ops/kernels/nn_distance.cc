#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels/cloud.h"
#include "kernels/kernels.h"

namespace {

constexpr int64_t kBlock = gspn::kBlock;

void Block(const float* points, int64_t n, const float* queries, int64_t m,
           float* distances, int32_t* indices) {
  const gspn::Coordinates at(queries, m);
  float d[kBlock];
  int32_t index[kBlock] = {};
  std::fill(d, d + kBlock, std::numeric_limits<float>::infinity());
  gspn::BestSimd().nearest(at.x(), at.y(), at.z(), points, n, d, index);
  std::copy(d, d + m, distances);
  std::copy(index, index + m, indices);
}

}  // namespace

void gspn_nearest(const float* points, int64_t n, const float* queries,
                  int64_t m, float* distances, int32_t* indices) {
  if (n == 0) {
    std::fill(distances, distances + m, 0.0f);
    std::fill(indices, indices + m, 0);
    return;
  }
  for (int64_t q = 0; q < m; q += kBlock) {
    Block(points, n, queries + 3 * q, std::min(kBlock, m - q), distances + q,
          indices + q);
  }
}

void gspn_nearest_grad(const float* a, int64_t n_a, const float* b,
                       const int32_t* indices, const float* upstream,
                       float* grad_a, float* grad_b) {
  for (int64_t i = 0; i < n_a; ++i) {
    const int64_t j = indices[i];
    for (int axis = 0; axis < 3; ++axis) {
      const float g = 2.0f * upstream[i] * (a[3 * i + axis] - b[3 * j + axis]);
      grad_a[3 * i + axis] += g;
      grad_b[3 * j + axis] -= g;
    }
  }
}
