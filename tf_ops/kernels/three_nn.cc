#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels/cloud.h"
#include "kernels/kernels.h"

namespace {

constexpr int64_t kBlock = gspn::kBlock;

// Up to kBlock queries against every point.
void Block(const GspnCloud& cloud, const float* queries, int64_t m,
           float* distances, int32_t* indices) {
  const gspn::Coordinates at(queries, m);
  float d[3 * kBlock];
  int32_t index[3 * kBlock] = {};
  std::fill(d, d + 3 * kBlock, std::numeric_limits<float>::infinity());
  gspn::BestSimd().three_nearest(at.x(), at.y(), at.z(), cloud.points, cloud.n,
                                 d, index);
  for (int64_t q = 0; q < m; ++q) {
    for (int64_t k = 0; k < 3; ++k) {
      distances[3 * q + k] = d[k * kBlock + q];
      indices[3 * q + k] = index[k * kBlock + q];
    }
  }
}

}  // namespace

void gspn_three_nn(const GspnCloud* cloud, const float* queries, int64_t m,
                   float* distances, int32_t* indices) {
  for (int64_t q = 0; q < m; q += kBlock) {
    Block(*cloud, queries + 3 * q, std::min(kBlock, m - q), distances + 3 * q,
          indices + 3 * q);
  }
}
