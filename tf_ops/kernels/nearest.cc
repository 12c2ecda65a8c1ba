// Nearest points. Small clouds: kBlock queries against every point. Large ones:
// kQueries neighbouring queries go down the tree together, nearest child first;
// where queries are sparse among the points, fewer of them.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/cloud.h"
#include "kernels/kernels.h"

namespace {

using gspn::BlockTree;
using gspn::kQueries;

constexpr int64_t kBlock = gspn::kBlock;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The k nearest points of up to kQueries queries, found together.
class NeighborSearch {
 public:
  NeighborSearch(const GspnCloud& cloud, int64_t k)
      : cloud_(cloud),
        simd_(gspn::BestSimd()),
        stride_(k),
        k_(std::min(k, cloud.n)),
        distances_(k_ * kQueries),
        indices_(k_ * kQueries) {}

  void Run(const float* queries, const int32_t* rows, int64_t count,
           float* distances, int32_t* indices) {
    Load(queries, rows, count);
    if (cloud_.tree.empty()) {
      ScanAll();
    } else {
      Visit(cloud_.tree.top(), 0);
    }
    for (int64_t q = 0; q < count; ++q) {
      for (int64_t j = 0; j < k_; ++j) {
        distances[rows[q] * stride_ + j] = distances_[j * kQueries + q];
        indices[rows[q] * stride_ + j] = indices_[j * kQueries + q];
      }
    }
  }

 private:
  // Lanes without a query hold distances below all others: they take nothing.
  void Load(const float* queries, const int32_t* rows, int64_t count) {
    for (int64_t q = 0; q < kQueries; ++q) {
      const float* p = queries + 3 * rows[std::min(q, count - 1)];
      for (int axis = 0; axis < 3; ++axis) {
        queries_[axis * kQueries + q] = p[axis];
        lo_[axis] = q == 0 ? p[axis] : std::min(lo_[axis], p[axis]);
        hi_[axis] = q == 0 ? p[axis] : std::max(hi_[axis], p[axis]);
      }
      for (int64_t j = 0; j < k_; ++j) {
        distances_[j * kQueries + q] = q < count ? kInfinity : -1;
      }
    }
    std::fill(indices_.begin(), indices_.end(), 0);
    limit_ = kInfinity;
  }

  void ScanAll() {
    int32_t indices[kBlock];
    for (int64_t i = 0; i < cloud_.blocks.size(); ++i) {
      for (int32_t j = 0; j < kBlock; ++j) indices[j] = i * kBlock + j;
      Scan(cloud_.blocks[i], indices);
    }
  }

  void Scan(const float* points, const int32_t* indices) {
    const uint64_t mask = simd_.near(points, points, lo_, hi_, limit_);
    if (mask == 0) return;
    limit_ = simd_.offer(points, indices, mask, queries_, k_, distances_.data(),
                         indices_.data());
  }

  void Visit(int level, int64_t i) {
    const BlockTree& tree = cloud_.tree;
    if (level == 0) {
      return Scan(tree.leaf(i).points, tree.leaf(i).indices);
    }
    const BlockTree::Boxes& boxes = tree.boxes(level, i);
    float d[kBlock];
    uint64_t mask = simd_.distances(boxes.lo, boxes.hi, lo_, hi_, limit_, d);
    while (mask != 0) {
      const int64_t child = TakeNearest(d, &mask);
      // A point as far as the limit may still win by its index.
      if (d[child] > limit_) return;
      Visit(level - 1, i * kBlock + child);
    }
  }

  static int64_t TakeNearest(const float* d, uint64_t* mask) {
    int64_t nearest = __builtin_ctzll(*mask);
    for (uint64_t left = *mask; left != 0; left &= left - 1) {
      const int64_t i = __builtin_ctzll(left);
      if (d[i] < d[nearest]) nearest = i;
    }
    *mask &= ~(uint64_t{1} << nearest);
    return nearest;
  }

  const GspnCloud& cloud_;
  const gspn::Simd& simd_;
  const int64_t stride_;  // k of the results
  const int64_t k_;       // no more than there are points
  float queries_[3 * kQueries];
  float lo_[3], hi_[3];  // bounding box of the queries
  float limit_;          // largest k-th distance of a query
  std::vector<float> distances_;
  std::vector<int32_t> indices_;
};

// kBlock queries against every point.
void CompareAll(const float* points, int64_t n, const float* queries, int64_t m,
                float* distances, int32_t* indices) {
  const gspn::PointBlocks block(queries, m, nullptr);
  float d[kBlock];
  int32_t index[kBlock] = {};
  std::fill(d, d + kBlock, kInfinity);
  gspn::BestSimd().nearest(block[0], points, n, d, index);
  std::copy(d, d + m, distances);
  std::copy(index, index + m, indices);
}

}  // namespace

void gspn_curve_order(const float* queries, int64_t m,
                      const GspnThreads* threads, int32_t* order) {
  const std::vector<int32_t> finite = gspn::MortonOrder(queries, m, threads);
  int32_t* last = std::copy(finite.begin(), finite.end(), order);
  for (int64_t q = 0; q < m && last < order + m; ++q) {
    if (!gspn::IsFinite(queries + 3 * q)) *last++ = static_cast<int32_t>(q);
  }
}

void gspn_knn(const GspnCloud* cloud, const float* queries, const int32_t* rows,
              int64_t count, int64_t k, float* distances, int32_t* indices) {
  std::vector<int32_t> finite;
  for (int64_t i = 0; i < count; ++i) {
    std::fill_n(distances + rows[i] * k, k, kInfinity);
    std::fill_n(indices + rows[i] * k, k, 0);
    if (gspn::IsFinite(queries + 3 * rows[i])) finite.push_back(rows[i]);
  }
  if (cloud->n == 0) return;
  // Sparse queries are far apart, and would have few boxes to skip in common.
  const int64_t together = std::clamp<int64_t>(
      4 * kQueries * cloud->num_queries / cloud->n, 1, kQueries);
  NeighborSearch search(*cloud, k);
  const int64_t end = static_cast<int64_t>(finite.size());
  for (int64_t i = 0; i < end; i += together) {
    search.Run(queries, finite.data() + i, std::min(together, end - i),
               distances, indices);
  }
}

void gspn_nearest(const float* points, int64_t n, const float* queries,
                  int64_t m, float* distances, int32_t* indices) {
  if (n == 0) {
    std::fill(distances, distances + m, 0.0f);
    std::fill(indices, indices + m, 0);
    return;
  }
  for (int64_t q = 0; q < m; q += kBlock) {
    CompareAll(points, n, queries + 3 * q, std::min(kBlock, m - q),
               distances + q, indices + q);
  }
}

void gspn_nearest_grad(const GspnNearest* own, const GspnNearest* other,
                       const int64_t* starts, const int64_t* slots,
                       bool own_first, int64_t begin, int64_t end,
                       float* gradient) {
  struct Vector {
    float x, y, z;
  };
  const auto term = [](const GspnNearest& from, const GspnNearest& to,
                       int64_t i) {
    const float* a = from.points + 3 * i;
    const float* b = to.points + 3 * int64_t{from.indices[i]};
    const float twice = 2.0f * from.upstream[i];
    return Vector{twice * (a[0] - b[0]), twice * (a[1] - b[1]),
                  twice * (a[2] - b[2])};
  };
  for (int64_t i = begin; i < end; ++i) {
    const Vector mine = term(*own, *other, i);
    Vector sum = {0, 0, 0};
    const auto add = [&sum](float sign, const Vector& v) {
      sum = {sum.x + sign * v.x, sum.y + sign * v.y, sum.z + sign * v.z};
    };
    if (own_first) add(1, mine);
    for (int64_t at = starts[i]; at < starts[i + 1]; ++at) {
      add(-1, term(*other, *own, slots[at]));
    }
    if (!own_first) add(1, mine);
    gradient[3 * i] = sum.x;
    gradient[3 * i + 1] = sum.y;
    gradient[3 * i + 2] = sum.z;
  }
}
