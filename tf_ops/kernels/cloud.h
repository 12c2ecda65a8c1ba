// A cloud as three coordinate arrays, padded with NaN for the loops of simd.h.
#ifndef GSPN_TF_KERNELS_CLOUD_H_
#define GSPN_TF_KERNELS_CLOUD_H_

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/simd/simd.h"
#include "kernels/tree.h"

namespace gspn {

inline bool IsFinite(const float* p) {
  return std::isfinite(p[0]) && std::isfinite(p[1]) && std::isfinite(p[2]);
}

// Points with a NaN or infinite coordinate become NaN as a whole.
struct Coordinates {
  Coordinates(const float* points, int64_t n)
      : padded((n + kBlock - 1) / kBlock * kBlock),
        values(3 * padded, std::numeric_limits<float>::quiet_NaN()) {
    for (int64_t i = 0; i < n; ++i) {
      const float* p = points + 3 * i;
      if (!IsFinite(p)) continue;
      for (int axis = 0; axis < 3; ++axis) values[axis * padded + i] = p[axis];
    }
  }

  const float* x(int64_t i = 0) const { return values.data() + i; }
  const float* y(int64_t i = 0) const { return values.data() + padded + i; }
  const float* z(int64_t i = 0) const { return values.data() + 2 * padded + i; }

  int64_t padded;
  std::vector<float> values;
};

// For fewer points or queries a tree costs more than looking at all points.
constexpr int64_t kTreePoints = 2048;
constexpr int64_t kTreeQueries = 512;

}  // namespace gspn

struct GspnCloud {
  GspnCloud(const float* from, int64_t n, int64_t num_queries)
      : n(n),
        points(from),
        coordinates(from, n),
        tree(from, n >= gspn::kTreePoints && num_queries >= gspn::kTreeQueries
                       ? n
                       : 0) {}

  int64_t n;
  const float* points;  // not owned
  gspn::Coordinates coordinates;
  gspn::Tree tree;  // empty where it would not pay
};

#endif  // GSPN_TF_KERNELS_CLOUD_H_
