// Balls that hold many points fill up while the points are scanned in index
// order; the others are searched in the tree, and the hits put in order by a
// set of bits.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>

#include "kernels/cloud.h"
#include "kernels/index_set.h"
#include "kernels/kernels.h"

namespace {

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
        simd_(gspn::BestSimd()),
        limit_(SquaredLimit(radius)),
        k_(k),
        hits_(cloud.tree.empty() ? 0 : cloud.n) {}

  // Writes the first k hits of one query; returns their number.
  int64_t Run(const float* query, int32_t* indices) {
    query_ = query;
    indices_ = indices;
    count_ = 0;
    const int64_t all = cloud_.blocks.size();
    int64_t from = 0, to = cloud_.tree.empty() ? all : std::min(all, kProbe);
    Scan(from, to);
    while (count_ < k_ && to < all && ScanIsCheaper(to)) {
      from = to;
      to = std::min(all, 2 * to);
      Scan(from, to);
    }
    if (count_ < k_ && to < all) SearchTree();
    return count_;
  }

 private:
  static constexpr int64_t kProbe = 8;  // blocks

  void Scan(int64_t from, int64_t to) {
    for (int64_t i = from; i < to && count_ < k_; ++i) {
      const float* at = cloud_.blocks[i];
      uint64_t mask = simd_.near(at, at, query_, query_, limit_);
      for (; mask != 0 && count_ < k_; mask &= mask - 1) {
        indices_[count_++] = i * kBlock + __builtin_ctzll(mask);
      }
    }
  }

  // Whether the missing hits come cheaper by scanning on than from the tree:
  // the points still to scan against those in leaves that the ball touches,
  // both estimated from the blocks scanned.
  bool ScanIsCheaper(int64_t scanned) const {
    const double density = static_cast<double>(count_) / (scanned * kBlock);
    const double to_scan = (k_ - count_) / density;
    const double to_search = kHitCost * density * cloud_.n + kSearchCost;
    return count_ > 0 && to_scan < to_search;
  }

  void SearchTree() {
    const auto in_ball = [this](const float* lo, const float* hi) {
      return simd_.near(lo, hi, query_, query_, limit_);
    };
    cloud_.tree.Search(in_ball, [this](int32_t index) { hits_.Add(index); });
    count_ = hits_.Drain(k_, indices_);
  }

  // In points scanned: what a hit and a search cost.
  static constexpr double kHitCost = 8, kSearchCost = 2048;

  const GspnCloud& cloud_;
  const gspn::Simd& simd_;
  const float limit_;
  const int64_t k_;
  gspn::IndexSet hits_;
  const float* query_ = nullptr;
  int32_t* indices_ = nullptr;
  int64_t count_ = 0;
};

}  // namespace

void gspn_ball_query(const GspnCloud* cloud, const float* queries,
                     const int32_t* rows, int64_t count, float radius,
                     int64_t k, int32_t* indices, int32_t* counts) {
  BallSearch search(*cloud, radius, k);
  for (int64_t i = 0; i < count; ++i) {
    int32_t* hits = indices + rows[i] * k;
    const int64_t found = search.Run(queries + 3 * rows[i], hits);
    std::fill(hits + found, hits + k, found > 0 ? hits[0] : 0);
    counts[rows[i]] = static_cast<int32_t>(found);
  }
}
