// Large clouds: descent into the tree, nearer child first. Small ones: kBlock
// queries at a time against every point.
#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels/cloud.h"
#include "kernels/kernels.h"

namespace {

using gspn::TreeNode;

constexpr int64_t kBlock = gspn::kBlock;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class NearestThree {
 public:
  NearestThree(const gspn::Tree& tree, const float* query, float* distances,
               int32_t* indices)
      : tree_(tree), query_(query), d_(distances), index_(indices) {
    std::fill(d_, d_ + 3, kInfinity);
    std::fill(index_, index_ + 3, 0);
    if (!tree.empty() && gspn::IsFinite(query)) {
      Visit(tree.root(), SquaredDistance(tree.root(), query));
    }
  }

 private:
  // `lower` bounds the distances below the node. An equal distance may still
  // win by its index.
  void Visit(const TreeNode& node, float lower) {
    if (lower > d_[2]) return;
    if (node.block >= 0) return Scan(node);
    const TreeNode& left = tree_.child(node, 0);
    const TreeNode& right = tree_.child(node, 1);
    const float to_left = SquaredDistance(left, query_);
    const float to_right = SquaredDistance(right, query_);
    const bool swap = to_right < to_left;
    Visit(swap ? right : left, swap ? to_right : to_left);
    Visit(swap ? left : right, swap ? to_left : to_right);
  }

  void Scan(const TreeNode& leaf) {
    const float* at = tree_.coordinates(leaf);
    float d[kBlock];
    if (gspn::BestSimd().within(at, at + kBlock, at + 2 * kBlock, query_, d_[2],
                                d) == 0) {
      return;
    }
    const int32_t* indices = tree_.indices(leaf);
    for (int64_t i = 0; i < kBlock; ++i) {
      if (d[i] <= d_[2]) Insert(d[i], indices[i]);
    }
  }

  bool Before(float d, int32_t index, int k) const {
    return d < d_[k] || (d == d_[k] && index < index_[k]);
  }

  void Insert(float d, int32_t index) {
    if (d == kInfinity || !Before(d, index, 2)) return;
    int k = 2;
    for (; k > 0 && Before(d, index, k - 1); --k) {
      d_[k] = d_[k - 1];
      index_[k] = index_[k - 1];
    }
    d_[k] = d;
    index_[k] = index;
  }

  const gspn::Tree& tree_;
  const float* query_;
  float* d_;
  int32_t* index_;
};

// Up to kBlock queries against every point.
void CompareAll(const GspnCloud& cloud, const float* queries, int64_t m,
                float* distances, int32_t* indices) {
  const gspn::Coordinates at(queries, m);
  float d[3 * kBlock];
  int32_t index[3 * kBlock] = {};
  std::fill(d, d + 3 * kBlock, kInfinity);
  gspn::BestSimd().three_nearest(at.x(), at.y(), at.z(), cloud.points, cloud.n,
                                 d, index);
  for (int64_t q = 0; q < m; ++q) {
    for (int64_t k = 0; k < 3; ++k) {
      distances[3 * q + k] = d[k * kBlock + q];
      indices[3 * q + k] = index[k * kBlock + q];
    }
  }
}

}  // namespace

void gspn_three_nn(const GspnCloud* cloud, const float* queries, int64_t m,
                   float* distances, int32_t* indices) {
  if (cloud->tree.empty()) {
    for (int64_t q = 0; q < m; q += kBlock) {
      CompareAll(*cloud, queries + 3 * q, std::min(kBlock, m - q),
                 distances + 3 * q, indices + 3 * q);
    }
    return;
  }
  for (int64_t q = 0; q < m; ++q) {
    NearestThree(cloud->tree, queries + 3 * q, distances + 3 * q,
                 indices + 3 * q);
  }
}
