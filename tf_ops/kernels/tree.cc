#include "kernels/tree.h"

#include <algorithm>
#include <limits>

#include "kernels/cloud.h"

namespace gspn {
namespace {

TreeNode Bound(const IndexedPoint* points, int64_t count) {
  TreeNode node = {};
  node.min_index = points[0].index;
  node.block = -1;
  std::copy(points[0].p, points[0].p + 3, node.lo);
  std::copy(points[0].p, points[0].p + 3, node.hi);
  for (int64_t i = 1; i < count; ++i) {
    node.min_index = std::min(node.min_index, points[i].index);
    for (int axis = 0; axis < 3; ++axis) {
      node.lo[axis] = std::min(node.lo[axis], points[i].p[axis]);
      node.hi[axis] = std::max(node.hi[axis], points[i].p[axis]);
    }
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
  std::vector<IndexedPoint> finite;
  finite.reserve(n);
  for (int64_t i = 0; i < n; ++i) {
    const float* p = points + 3 * i;
    if (IsFinite(p)) {
      finite.push_back({{p[0], p[1], p[2]}, static_cast<int32_t>(i)});
    }
  }
  const int64_t count = static_cast<int64_t>(finite.size());
  if (count == 0) return;
  const int64_t blocks = (count + kBlock - 1) / kBlock;
  nodes_.reserve(2 * blocks);
  indices_.resize(blocks * kBlock);
  coordinates_.assign(3 * blocks * kBlock,
                      std::numeric_limits<float>::quiet_NaN());
  Build(finite.data(), 0, count);
}

// Splits at a multiple of kBlock, so that every leaf but the last is full and
// begins at its block.
int32_t Tree::Build(IndexedPoint* points, int64_t begin, int64_t end) {
  const int32_t id = static_cast<int32_t>(nodes_.size());
  nodes_.push_back(Bound(points + begin, end - begin));
  if (end - begin <= kBlock) {
    nodes_[id].block = static_cast<int32_t>(begin / kBlock);
    FillLeaf(points, begin, end);
    return id;
  }
  const int axis = WidestAxis(nodes_[id]);
  const int64_t blocks = (end - begin + kBlock - 1) / kBlock;
  const int64_t middle = begin + blocks / 2 * kBlock;
  std::nth_element(points + begin, points + middle, points + end,
                   [axis](const IndexedPoint& a, const IndexedPoint& b) {
                     return a.p[axis] < b.p[axis];
                   });
  const int32_t left = Build(points, begin, middle);
  const int32_t right = Build(points, middle, end);
  nodes_[id].child[0] = left;
  nodes_[id].child[1] = right;
  return id;
}

void Tree::FillLeaf(IndexedPoint* points, int64_t begin, int64_t end) {
  std::sort(points + begin, points + end,
            [](const IndexedPoint& a, const IndexedPoint& b) {
              return a.index < b.index;
            });
  float* at = coordinates_.data() + 3 * begin;
  for (int64_t i = 0; i < end - begin; ++i) {
    const IndexedPoint& point = points[begin + i];
    indices_[begin + i] = point.index;
    for (int axis = 0; axis < 3; ++axis) at[axis * kBlock + i] = point.p[axis];
  }
}

}  // namespace gspn
