#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>

#include "kernels/cloud.h"
#include "kernels/kernels.h"

namespace {

// The largest squared distance whose square root is below the radius.
float SquaredLimit(float radius) {
  float limit = std::min(radius * radius, FLT_MAX);
  while (limit > 0 && std::sqrt(limit) >= radius) {
    limit = std::nextafter(limit, 0.0f);
  }
  while (limit < FLT_MAX) {
    const float next = std::nextafter(limit, FLT_MAX);
    if (std::sqrt(next) >= radius) break;
    limit = next;
  }
  return limit;
}

// Scans the points in index order until k hits are found.
int64_t Scan(const GspnCloud& cloud, const float* query, float limit, int64_t k,
             int32_t* hits) {
  const gspn::Simd& simd = gspn::BestSimd();
  const gspn::Coordinates& at = cloud.coordinates;
  float d[gspn::kBlock];
  int64_t found = 0;
  for (int64_t i = 0; i < cloud.n && found < k; i += gspn::kBlock) {
    if (simd.within(at.x(i), at.y(i), at.z(i), query, limit, d) == 0) continue;
    for (int64_t j = 0; j < gspn::kBlock && found < k; ++j) {
      if (d[j] <= limit) hits[found++] = static_cast<int32_t>(i + j);
    }
  }
  return found;
}

}  // namespace

void gspn_ball_query(const GspnCloud* cloud, const float* queries, int64_t m,
                     float radius, int64_t k, int32_t* indices,
                     int32_t* counts) {
  const float limit = SquaredLimit(radius);
  for (int64_t q = 0; q < m; ++q) {
    int32_t* hits = indices + q * k;
    const int64_t found = Scan(*cloud, queries + 3 * q, limit, k, hits);
    std::fill(hits + found, hits + k, found > 0 ? hits[0] : 0);
    counts[q] = static_cast<int32_t>(found);
  }
}
