#include "kernels/tree.h"

#include <algorithm>
#include <limits>

#include "kernels/cloud.h"

namespace gspn {
namespace {

TreeNode Bound(const float* points, const int32_t* order, int64_t count) {
  TreeNode node = {};
  node.min_index = *std::min_element(order, order + count);
  node.block = -1;
  for (int axis = 0; axis < 3; ++axis) {
    float lo = std::numeric_limits<float>::infinity(), hi = -lo;
    for (int64_t i = 0; i < count; ++i) {
      const float v = points[3 * int64_t{order[i]} + axis];
      lo = std::min(lo, v);
      hi = std::max(hi, v);
    }
    node.lo[axis] = lo;
    node.hi[axis] = hi;
  }
  return node;
}

int WidestAxis(const TreeNode& node) {
  int widest = 0;
  for (int axis = 1; axis < 3; ++axis) {
    if (node.hi[axis] - node.lo[axis] > node.hi[widest] - node.lo[widest]) {
      widest = axis;
    }
  }
  return widest;
}

}  // namespace

Tree::Tree(const float* points, int64_t n) {
  order_.reserve(n);
  for (int64_t i = 0; i < n; ++i) {
    if (IsFinite(points + 3 * i)) order_.push_back(static_cast<int32_t>(i));
  }
  const int64_t count = static_cast<int64_t>(order_.size());
  if (count == 0) return;
  const int64_t blocks = (count + kBlock - 1) / kBlock;
  nodes_.reserve(2 * blocks);
  coordinates_.assign(3 * blocks * kBlock,
                      std::numeric_limits<float>::quiet_NaN());
  Build(points, 0, count);
  order_.resize(blocks * kBlock, 0);  // the last leaf is read as a whole
}

// Splits at a multiple of kBlock, so that every leaf but the last is full and
// begins at its block.
int32_t Tree::Build(const float* points, int64_t begin, int64_t end) {
  const int32_t id = static_cast<int32_t>(nodes_.size());
  nodes_.push_back(Bound(points, order_.data() + begin, end - begin));
  if (end - begin <= kBlock) {
    nodes_[id].block = static_cast<int32_t>(begin / kBlock);
    FillLeaf(points, begin, end);
    return id;
  }
  const int axis = WidestAxis(nodes_[id]);
  const int64_t blocks = (end - begin + kBlock - 1) / kBlock;
  const int64_t middle = begin + blocks / 2 * kBlock;
  const auto first = order_.begin();
  std::nth_element(first + begin, first + middle, first + end,
                   [points, axis](int32_t a, int32_t b) {
                     return points[3 * int64_t{a} + axis] <
                            points[3 * int64_t{b} + axis];
                   });
  const int32_t left = Build(points, begin, middle);
  const int32_t right = Build(points, middle, end);
  nodes_[id].child[0] = left;
  nodes_[id].child[1] = right;
  return id;
}

void Tree::FillLeaf(const float* points, int64_t begin, int64_t end) {
  std::sort(order_.begin() + begin, order_.begin() + end);
  float* at = coordinates_.data() + 3 * begin;
  for (int64_t i = 0; i < end - begin; ++i) {
    const float* p = points + 3 * int64_t{order_[begin + i]};
    for (int axis = 0; axis < 3; ++axis) at[axis * kBlock + i] = p[axis];
  }
}

}  // namespace gspn
