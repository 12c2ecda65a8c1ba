// A cloud prepared for searching: blocks of its points in the order of their
// indices, and a tree where it pays.
#ifndef GSPN_TF_KERNELS_CLOUD_H_
#define GSPN_TF_KERNELS_CLOUD_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/block_tree.h"
#include "kernels/simd/simd.h"

namespace gspn {

// Points as blocks of simd.h, padded with NaN. Points with a NaN or infinite
// coordinate become NaN as a whole.
class PointBlocks {
 public:
  PointBlocks(const float* points, int64_t n)
      : values_((n + kBlock - 1) / kBlock * 3 * kBlock,
                std::numeric_limits<float>::quiet_NaN()) {
    for (int64_t i = 0; i < n; ++i) {
      const float* p = points + 3 * i;
      if (!IsFinite(p)) continue;
      float* at = values_.data() + i / kBlock * 3 * kBlock + i % kBlock;
      for (int64_t axis = 0; axis < 3; ++axis) at[axis * kBlock] = p[axis];
    }
  }

  int64_t size() const { return values_.size() / (3 * kBlock); }
  const float* operator[](int64_t i) const {
    return values_.data() + i * 3 * kBlock;
  }

 private:
  std::vector<float> values_;
};

// For fewer points or queries a tree costs more than looking at all points.
constexpr int64_t kTreePoints = 512;
constexpr int64_t kTreeQueries = 64;

}  // namespace gspn

struct GspnCloud {
  GspnCloud(const float* points, int64_t n, int64_t num_queries)
      : n(n), num_queries(num_queries), blocks(points, n) {
    if (n >= gspn::kTreePoints && num_queries >= gspn::kTreeQueries) {
      tree = gspn::BlockTree(points, n);
    }
  }

  int64_t n;
  int64_t num_queries;  // about so many searches in all
  gspn::PointBlocks blocks;
  gspn::BlockTree tree;  // empty where it would not pay
};

#endif  // GSPN_TF_KERNELS_CLOUD_H_
