// Every point has its distance to the nearest sample, every node of the tree
// the largest of them below it. A new sample changes nothing in a box farther
// from it than that, so only few leaves are visited.
#include <algorithm>
#include <cfloat>
#include <cstdint>
#include <vector>

#include "kernels/block_tree.h"
#include "kernels/kernels.h"

namespace {

constexpr int64_t kBlock = gspn::kBlock;

// With its coordinates: where the next sample lies in the cloud is read from
// slow memory, and everything after waits for it.
struct Farthest {
  float distance;
  int32_t index;
  float point[3];
};

// Place `at` of blocks of distances, indices and points.
Farthest At(int64_t at, const float* distances, const int32_t* indices,
            const float* points) {
  return {distances[at],
          indices[at],
          {points[at], points[kBlock + at], points[2 * kBlock + at]}};
}

class Sampler {
 public:
  explicit Sampler(const gspn::BlockTree& tree)
      : tree_(tree),
        simd_(gspn::BestSimd()),
        nearest_(gspn::AllocateLarge<float>(tree.size(0) * kBlock)),
        levels_(tree.top()) {
    for (int64_t i = 0; i < tree.size(0) * kBlock; ++i) {
      const bool there = tree.leaf(i / kBlock).indices[i % kBlock] != INT32_MAX;
      nearest_[i] = there ? FLT_MAX : -1;
    }
    for (int level = 0; level < tree.top(); ++level) {
      levels_[level].resize(tree.size(level + 1));
      for (int64_t i = 0; i < tree.size(level); ++i) {
        levels_[level][i / kBlock].Set(i % kBlock, Now(level, i));
      }
    }
  }

  // Takes the point p; returns the farthest one from all taken.
  Farthest Take(const float* p) { return Visit(tree_.top(), 0, p); }

 private:
  // The farthest point of each child of a node.
  struct Children {
    Children() {
      std::fill(distances, distances + kBlock, -1.0f);
      std::fill(indices, indices + kBlock, INT32_MAX);
    }
    void Set(int64_t child, Farthest farthest) {
      distances[child] = farthest.distance;
      indices[child] = farthest.index;
      for (int64_t axis = 0; axis < 3; ++axis) {
        points[axis * kBlock + child] = farthest.point[axis];
      }
    }

    float distances[kBlock];
    int32_t indices[kBlock];
    float points[3 * kBlock];
  };

  Farthest Now(int level, int64_t i) const {
    if (level == 0) {
      const float* nearest = nearest_.get() + i * kBlock;
      const gspn::BlockTree::Leaf& leaf = tree_.leaf(i);
      const int32_t at = simd_.largest(nearest, leaf.indices);
      return At(at, nearest, leaf.indices, leaf.points);
    }
    const Children& node = levels_[level - 1][i];
    const int32_t at = simd_.largest(node.distances, node.indices);
    return At(at, node.distances, node.indices, node.points);
  }

  // The leaves of a large cloud lie in slow memory.
  void Fetch(int64_t parent, uint64_t mask) const {
    constexpr int64_t kLine = 64 / sizeof(float);
    for (; mask != 0; mask &= mask - 1) {
      const int64_t leaf = parent * kBlock + __builtin_ctzll(mask);
      const float* points = tree_.leaf(leaf).points;
      const float* nearest = nearest_.get() + leaf * kBlock;
      for (int64_t i = 0; i < 3 * kBlock; i += kLine) {
        __builtin_prefetch(points + i);
      }
      for (int64_t i = 0; i < kBlock; i += kLine) {
        __builtin_prefetch(nearest + i, 1);
      }
    }
  }

  Farthest Visit(int level, int64_t i, const float* p) {
    if (level == 0) {
      float* nearest = nearest_.get() + i * kBlock;
      const gspn::BlockTree::Leaf& leaf = tree_.leaf(i);
      const int32_t at = simd_.relax(leaf.points, leaf.indices, nearest, p);
      return At(at, nearest, leaf.indices, leaf.points);
    }
    const gspn::BlockTree::Boxes& boxes = tree_.boxes(level, i);
    Children& children = levels_[level - 1][i];
    uint64_t mask = simd_.reached(boxes.lo, boxes.hi, p, children.distances);
    if (level == 1) Fetch(i, mask);
    for (; mask != 0; mask &= mask - 1) {
      const int64_t child = __builtin_ctzll(mask);
      children.Set(child, Visit(level - 1, i * kBlock + child, p));
    }
    return Now(level, i);
  }

  const gspn::BlockTree& tree_;
  const gspn::Simd& simd_;
  gspn::LargeArray<float> nearest_;
  std::vector<std::vector<Children>> levels_;
};

}  // namespace

void gspn_farthest_point_sample(const float* points, int64_t n, int64_t m,
                                const GspnThreads* threads, int32_t* indices) {
  std::fill(indices, indices + m, 0);
  const gspn::BlockTree tree(points, n, threads);
  if (tree.empty()) return;
  Sampler sampler(tree);
  Farthest last = {FLT_MAX, 0, {points[0], points[1], points[2]}};
  for (int64_t s = 1; s < m; ++s) {
    last = sampler.Take(last.point);
    if (last.distance == 0) return;  // all others too
    indices[s] = last.index;
  }
}
