// A tree over the points of a cloud along a space-filling curve: kBlock
// consecutive points are a leaf, kBlock consecutive nodes have a parent, which
// knows their bounding boxes. Whole blocks go through the loops of simd.h.
#ifndef GSPN_TF_KERNELS_BLOCK_TREE_H_
#define GSPN_TF_KERNELS_BLOCK_TREE_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/large_array.h"
#include "kernels/simd/simd.h"

namespace gspn {

inline bool IsFinite(const float* p) {
  return std::isfinite(p[0]) && std::isfinite(p[1]) && std::isfinite(p[2]);
}

// Indices of the finite ones of n points along a Morton (Z-order) curve;
// indices of points in the same cell ascend.
std::vector<int32_t> MortonOrder(const float* points, int64_t n,
                                 const GspnThreads* threads);

class BlockTree {
 public:
  // Bounding boxes of the kBlock children of a node, NaN where there is none.
  struct Boxes {
    float lo[3 * kBlock], hi[3 * kBlock];
  };
  // Points of a leaf, NaN and INT32_MAX where there is none.
  struct Leaf {
    float points[3 * kBlock];
    int32_t indices[kBlock];
  };

  BlockTree() = default;
  // Of the finite points.
  BlockTree(const float* points, int64_t n, const GspnThreads* threads);

  bool empty() const { return num_leaves_ == 0; }
  // The root is node 0 of level top(); level 0 are the leaves. Child c of node
  // i of a level is node i * kBlock + c of the level below.
  int top() const { return static_cast<int>(levels_.size()); }
  int64_t size(int level) const {
    return level == 0 ? num_leaves_ : levels_[level - 1].size();
  }
  const Leaf& leaf(int64_t i) const { return leaves_[i]; }
  const Boxes& boxes(int level, int64_t i) const {
    return levels_[level - 1][i];
  }

  // Calls hit(index) for every point whose place is in test(lo, hi), the mask
  // of a block of boxes; a point is a box with lo == hi.
  template <typename Test, typename Hit>
  void Search(const Test& test, const Hit& hit) const {
    if (!empty()) Visit(top(), 0, test, hit);
  }

 private:
  template <typename Test, typename Hit>
  void Visit(int level, int64_t i, const Test& test, const Hit& hit) const {
    if (level == 0) {
      const Leaf& leaf = leaves_[i];
      uint64_t mask = test(leaf.points, leaf.points);
      for (; mask != 0; mask &= mask - 1) {
        hit(leaf.indices[__builtin_ctzll(mask)]);
      }
      return;
    }
    uint64_t mask = test(boxes(level, i).lo, boxes(level, i).hi);
    for (; mask != 0; mask &= mask - 1) {
      Visit(level - 1, i * kBlock + __builtin_ctzll(mask), test, hit);
    }
  }

  int64_t num_leaves_ = 0;
  LargeArray<Leaf> leaves_;
  std::vector<std::vector<Boxes>> levels_;
};

}  // namespace gspn

#endif  // GSPN_TF_KERNELS_BLOCK_TREE_H_
