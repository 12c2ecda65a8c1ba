// A cloud prepared for searching: blocks of its points in the order of their
// indices, and a tree where it pays.
#ifndef GSPN_TF_KERNELS_CLOUD_H_
#define GSPN_TF_KERNELS_CLOUD_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>

#include "kernels/block_tree.h"
#include "kernels/simd/simd.h"
#include "kernels/threads.h"

namespace gspn {

// Points as blocks of simd.h, padded with NaN. Points with a NaN or infinite
// coordinate become NaN as a whole.
class PointBlocks {
 public:
  PointBlocks(const float* points, int64_t n, const GspnThreads* threads)
      : size_((n + kBlock - 1) / kBlock),
        values_(new float[size_ * 3 * kBlock]) {
    ParallelFor(threads, size_, kBlock, [&](int64_t begin, int64_t end) {
      std::fill(values_.get() + begin * 3 * kBlock,
                values_.get() + end * 3 * kBlock,
                std::numeric_limits<float>::quiet_NaN());
      for (int64_t i = begin * kBlock; i < std::min(n, end * kBlock); ++i) {
        const float* p = points + 3 * i;
        if (!IsFinite(p)) continue;
        float* at = values_.get() + i / kBlock * 3 * kBlock + i % kBlock;
        for (int64_t axis = 0; axis < 3; ++axis) at[axis * kBlock] = p[axis];
      }
    });
  }

  int64_t size() const { return size_; }
  const float* operator[](int64_t i) const {
    return values_.get() + i * 3 * kBlock;
  }

 private:
  int64_t size_;
  std::unique_ptr<float[]> values_;
};

// For fewer points or queries a tree costs more than looking at all points.
constexpr int64_t kTreePoints = 512;
constexpr int64_t kTreeQueries = 64;

}  // namespace gspn

struct GspnCloud {
  GspnCloud(const float* points, int64_t n, int64_t num_queries, bool for_balls,
            const GspnThreads* threads)
      : n(n),
        num_queries(num_queries),
        blocks(points, for_balls || !TreePays() ? n : 0, threads) {
    if (TreePays()) tree = gspn::BlockTree(points, n, threads);
  }

  bool TreePays() const {
    return n >= gspn::kTreePoints && num_queries >= gspn::kTreeQueries;
  }

  int64_t n;
  int64_t num_queries;       // about so many searches in all
  gspn::PointBlocks blocks;  // for balls, and without a tree
  gspn::BlockTree tree;      // empty where it would not pay
};

#endif  // GSPN_TF_KERNELS_CLOUD_H_
