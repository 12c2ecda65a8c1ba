// Balls that hold many points fill up while the points are scanned in index
// order; the others are searched in the tree, whose nodes know their smallest
// index, so that branches with later points only are skipped.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/cloud.h"
#include "kernels/kernels.h"

namespace {

using gspn::TreeNode;

constexpr int64_t kBlock = gspn::kBlock;

// The largest squared distance whose square root is below the radius.
float SquaredLimit(float radius) {
  float limit = std::min(radius * radius, FLT_MAX);
  while (limit > 0 && std::sqrt(limit) >= radius) {
    limit = std::nextafter(limit, 0.0f);
  }
  while (limit < FLT_MAX) {
    const float next = std::nextafter(limit, FLT_MAX);
    if (std::sqrt(next) >= radius) break;
    limit = next;
  }
  return limit;
}

class BallSearch {
 public:
  BallSearch(const GspnCloud& cloud, float radius, int64_t k)
      : cloud_(cloud),
        limit_(SquaredLimit(radius)),
        k_(k),
        hits_(std::min(k, cloud.n) + kBlock) {}

  // Writes the first k hits of one query; returns their number.
  int64_t Run(const float* query, int32_t* indices) {
    query_ = query;
    count_ = 0;
    const int64_t n = cloud_.n;
    const bool has_tree = !cloud_.tree.empty() && k_ < n / 16;
    int64_t from = 0, to = has_tree ? (k_ + 3) / 4 * kBlock : n;
    Scan(from, to);
    while (count_ < k_ && to < n && ScanIsCheaper(to)) {
      from = to;
      to = std::min(n, 2 * to);
      Scan(from, to);
    }
    if (count_ < k_ && to < n) SearchTree();
    const int64_t found = std::min(count_, k_);
    std::copy(hits_.begin(), hits_.begin() + found, indices);
    return found;
  }

 private:
  // Appends the positions of d within the limit, without a branch.
  void Append(const float* d, const int32_t* indices, int32_t first) {
    if (static_cast<int64_t>(hits_.size()) < count_ + kBlock) {
      hits_.resize(2 * hits_.size() + kBlock);
    }
    int32_t* to = hits_.data();
    for (int32_t i = 0; i < kBlock; ++i) {
      to[count_] = indices == nullptr ? first + i : indices[i];
      count_ += d[i] <= limit_;
    }
  }

  // Whether the missing hits come cheaper by scanning on than from the tree:
  // the points still to scan against those in leaves that the ball touches,
  // both estimated from the first `scanned` points.
  bool ScanIsCheaper(int64_t scanned) const {
    const double density = static_cast<double>(count_) / scanned;
    const double to_scan = (k_ - count_) / density;
    const double to_search = 4 * density * cloud_.n + 1024;
    return count_ > 0 && to_scan < to_search;
  }

  void Scan(int64_t from, int64_t to) {
    const gspn::Simd& simd = gspn::BestSimd();
    const gspn::Coordinates& at = cloud_.coordinates;
    float d[kBlock];
    for (int64_t i = from; i < to && count_ < k_; i += kBlock) {
      if (simd.within(at.x(i), at.y(i), at.z(i), query_, limit_, d) > 0) {
        Append(d, nullptr, static_cast<int32_t>(i));
      }
    }
  }

  void SearchTree() {
    count_ = 0;
    last_ = INT32_MAX;
    if (gspn::IsFinite(query_)) Visit(cloud_.tree.root());
    std::sort(hits_.begin(), hits_.begin() + count_);
  }

  void Visit(const TreeNode& node) {
    if (node.min_index > last_ || SquaredDistance(node, query_) > limit_) {
      return;
    }
    if (node.block < 0) {
      const TreeNode& left = cloud_.tree.child(node, 0);
      const TreeNode& right = cloud_.tree.child(node, 1);
      const bool swap = right.min_index < left.min_index;
      Visit(swap ? right : left);
      Visit(swap ? left : right);
      return;
    }
    const float* at = cloud_.tree.coordinates(node);
    float d[kBlock];
    if (gspn::BestSimd().within(at, at + kBlock, at + 2 * kBlock, query_,
                                limit_, d) > 0) {
      Append(d, cloud_.tree.indices(node), 0);
      if (count_ >= 4 * k_ + kBlock) KeepFirst();
    }
  }

  // Keeps the k smallest indices; later ones need not be looked for.
  void KeepFirst() {
    std::nth_element(hits_.begin(), hits_.begin() + k_ - 1,
                     hits_.begin() + count_);
    count_ = k_;
    last_ = hits_[k_ - 1];
  }

  const GspnCloud& cloud_;
  const float limit_;
  const int64_t k_;
  std::vector<int32_t> hits_;
  int64_t count_ = 0;
  int32_t last_ = 0;
  const float* query_ = nullptr;
};

}  // namespace

void gspn_ball_query(const GspnCloud* cloud, const float* queries, int64_t m,
                     float radius, int64_t k, int32_t* indices,
                     int32_t* counts) {
  BallSearch search(*cloud, radius, k);
  for (int64_t q = 0; q < m; ++q) {
    int32_t* hits = indices + q * k;
    const int64_t found = search.Run(queries + 3 * q, hits);
    std::fill(hits + found, hits + k, found > 0 ? hits[0] : 0);
    counts[q] = static_cast<int32_t>(found);
  }
}
