// One running minimum per point, one vectorised pass over them per sample.
#include <cfloat>
#include <cstdint>
#include <vector>

#include "kernels/cloud.h"
#include "kernels/kernels.h"

void gspn_farthest_point_sample(const float* points, int64_t n, int64_t m,
                                int32_t* indices) {
  const gspn::Simd& simd = gspn::BestSimd();
  const gspn::Coordinates cloud(points, n);
  std::vector<float> nearest(cloud.padded, -1.0f);
  for (int64_t i = 0; i < n; ++i) {
    if (gspn::IsFinite(points + 3 * i)) nearest[i] = FLT_MAX;
  }
  int32_t last = 0;
  for (int64_t s = 0; s < m; ++s) {
    indices[s] = last;
    if (n == 0) continue;
    last = simd.relax(cloud.x(), cloud.y(), cloud.z(), nearest.data(),
                      cloud.padded, points + 3 * last);
  }
}
