// A balanced k-d tree whose leaves are blocks for the loops of simd.h.
//
// Searches stay exact: rounding is monotone, so the distance to a box, computed
// like the distance to a point, never exceeds that to any point inside it.
#ifndef GSPN_TF_KERNELS_TREE_H_
#define GSPN_TF_KERNELS_TREE_H_

#include <cstdint>
#include <vector>

#include "kernels/simd/simd.h"

namespace gspn {

struct IndexedPoint {
  float p[3];
  int32_t index;
};

struct TreeNode {
  float lo[3], hi[3];
  int32_t min_index;  // smallest index of a point below
  int32_t block;      // of a leaf: its block; else -1
  int32_t child[2];
};

class Tree {
 public:
  // Finite points only are stored.
  Tree(const float* points, int64_t n);

  bool empty() const { return nodes_.empty(); }
  const TreeNode& root() const { return nodes_[0]; }
  const TreeNode& child(const TreeNode& node, int i) const {
    return nodes_[node.child[i]];
  }

  // Coordinates x, y, z of a leaf, kBlock each, NaN where it has fewer points.
  const float* coordinates(const TreeNode& leaf) const {
    return coordinates_.data() + leaf.block * 3 * kBlock;
  }
  // Point indices of a leaf, ascending.
  const int32_t* indices(const TreeNode& leaf) const {
    return indices_.data() + leaf.block * kBlock;
  }

 private:
  int32_t Build(IndexedPoint* points, int64_t begin, int64_t end);
  void FillLeaf(IndexedPoint* points, int64_t begin, int64_t end);

  std::vector<TreeNode> nodes_;
  std::vector<int32_t> indices_;
  std::vector<float> coordinates_;
};

// Squared distance of a point to the box of a node, 0 inside.
inline float SquaredDistance(const TreeNode& node, const float* p) {
  float d[3];
  for (int axis = 0; axis < 3; ++axis) {
    const float below = node.lo[axis] - p[axis];
    const float above = p[axis] - node.hi[axis];
    const float outside = below > above ? below : above;
    d[axis] = outside > 0 ? outside : 0;
  }
  return (d[0] * d[0] + d[1] * d[1]) + d[2] * d[2];
}

}  // namespace gspn

#endif  // GSPN_TF_KERNELS_TREE_H_
