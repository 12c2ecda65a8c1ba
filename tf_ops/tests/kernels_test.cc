// Every kernel on random clouds against plain loops. Built with sanitizers by
// tests/ops/test_op_sanitizers.py; argument: number of rounds. Each array is
// its own allocation of the exact size, so that an access beyond its end is
// found.
#include "kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
std::mt19937 generator(1);

int64_t Integer(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(generator);
}

void RunOnThreads(void*, int64_t total, int64_t, GspnWork work,
                  const void* argument) {
  std::vector<std::thread> threads;
  for (int64_t begin = 0; begin < total; begin += total / 3 + 1) {
    const int64_t end = std::min(total, begin + total / 3 + 1);
    threads.emplace_back(work, argument, begin, end);
  }
  for (std::thread& thread : threads) thread.join();
}

const GspnThreads* Threads() {
  static const GspnThreads threads{nullptr, RunOnThreads};
  return Integer(0, 1) == 0 ? &threads : nullptr;
}

void Check(bool condition, const char* what, int line) {
  if (condition) return;
  std::fprintf(stderr, "line %d: %s\n", line, what);
  std::exit(1);
}
#define CHECK(condition) Check(condition, #condition, __LINE__)

struct Points {
  explicit Points(int64_t n) : n(n), values(3 * n) {
    const int64_t kind = Integer(0, 3);
    std::uniform_real_distribution<float> coordinate(-2, 2);
    for (float& v : values) {
      v = coordinate(generator);
      if (kind == 1) v = std::round(v);
      if (kind == 2) v = 0.5f;
      const float bad[] = {NAN, kInfinity, -kInfinity, 1e30f, -3e38f, 1e-40f};
      if (kind == 3 && Integer(0, 9) == 0) v = bad[Integer(0, 5)];
    }
  }

  const float* operator[](int64_t i) const { return values.data() + 3 * i; }
  bool Finite(int64_t i) const {
    return std::all_of((*this)[i], (*this)[i] + 3,
                       [](float v) { return std::isfinite(v); });
  }

  int64_t n;
  std::vector<float> values;
};

// Infinity where not finite.
float SquaredDistance(const float* a, const float* b) {
  const float x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  const float d = (x * x + y * y) + z * z;
  return std::isfinite(d) ? d : kInfinity;
}

struct Free {
  void operator()(GspnCloud* cloud) const { gspn_cloud_free(cloud); }
};
using Cloud = std::unique_ptr<GspnCloud, Free>;

void TestSampling(const Points& points) {
  const int64_t m = Integer(0, 40);
  std::vector<int32_t> found(m);
  gspn_farthest_point_sample(points[0], points.n, m, Threads(), found.data());
  std::vector<float> nearest(points.n);
  for (int64_t i = 0; i < points.n; ++i) {
    nearest[i] = points.Finite(i) ? std::numeric_limits<float>::max() : 0;
  }
  int32_t taken = 0;
  for (int64_t s = 0; s < m; ++s) {
    CHECK(found[s] == taken);
    for (int64_t i = 0; i < points.n; ++i) {
      const float d = SquaredDistance(points[taken], points[i]);
      nearest[i] = std::min(nearest[i], d);
    }
    taken = std::max_element(nearest.begin(), nearest.end()) - nearest.begin();
    if (points.n > 0 && nearest[taken] == 0) taken = 0;
  }
}

void TestSearch(const Points& points, const Cloud& cloud) {
  const Points queries(Integer(0, 20));
  const int64_t m = queries.n, k = Integer(1, 12);
  const float radius = 0.1f * Integer(1, 30);
  std::vector<int32_t> hits(m * k), counts(m), indices(m * k), one(m);
  std::vector<float> distances(m * k), least(m);
  std::vector<int32_t> rows(m);
  gspn_curve_order(queries[0], m, Threads(), rows.data());
  gspn_ball_query(cloud.get(), queries[0], rows.data(), m, radius, k,
                  hits.data(), counts.data());
  gspn_knn(cloud.get(), queries[0], rows.data(), m, k, distances.data(),
           indices.data());
  gspn_nearest(points[0], points.n, queries[0], m, least.data(), one.data());
  for (int64_t q = 0; q < m; ++q) {
    std::vector<std::pair<float, int32_t>> order;
    std::vector<int32_t> ball;
    for (int64_t i = 0; i < points.n; ++i) {
      const float d = SquaredDistance(queries[q], points[i]);
      if (d == kInfinity) continue;
      order.push_back({d, static_cast<int32_t>(i)});
      if (std::sqrt(d) < radius) ball.push_back(i);
    }
    std::sort(order.begin(), order.end());
    order.resize(std::max<size_t>(order.size(), k), {kInfinity, 0});
    ball.resize(std::min<size_t>(ball.size(), k));
    CHECK(counts[q] == static_cast<int64_t>(ball.size()));
    ball.resize(k, ball.empty() ? 0 : ball[0]);
    for (int64_t j = 0; j < k; ++j) {
      CHECK(hits[q * k + j] == ball[j]);
      CHECK(distances[q * k + j] == order[j].first);
      CHECK(indices[q * k + j] == order[j].second);
    }
    CHECK(least[q] == (points.n == 0 ? 0 : order[0].first));
    CHECK(one[q] == order[0].second);
  }
}

void TestBoxes(const Points& points, const Cloud& cloud) {
  const int64_t r = Integer(0, 9), m = Integer(0, 5), k = Integer(0, 9);
  const Points corners(2 * r), samples(r * m);
  const std::vector<float> values(r * m, 1.0f), scores(r, 0.5f);
  const std::unique_ptr<bool[]> inside(new bool[r * points.n]);
  const std::unique_ptr<bool[]> valid(new bool[r]), taken(new bool[k]);
  std::fill(valid.get(), valid.get() + r, true);
  std::vector<int32_t> drawn(r * m), counts(r), kept(k);
  std::vector<float> assigned(r * points.n);
  const int32_t seed[2] = {1, 2};
  const float margin = 0.25f * Integer(0, 2);
  gspn_sample_in_boxes(cloud.get(), corners[0], 0, r, seed, 3, m, margin,
                       drawn.data(), counts.data());
  gspn_nearest_assign(cloud.get(), points[0], corners[0], samples[0],
                      values.data(), r, m, points.n, assigned.data());
  gspn_nms_3d(corners[0], scores.data(), valid.get(), r, 0.3f, k, kept.data(),
              taken.get());
  for (int64_t i = 0; i < r; ++i) {
    const float *center = corners[2 * i], *size = corners[2 * i + 1];
    int32_t count = 0;
    for (int64_t j = 0; j < points.n; ++j) {
      bool in = points.Finite(j);
      for (int axis = 0; axis < 3; ++axis) {
        const float half = 0.5f * size[axis] + margin, v = points[j][axis];
        in = in && v >= center[axis] - half && v <= center[axis] + half;
      }
      inside[i * points.n + j] = in;
      CHECK(in || margin > 0 || assigned[i * points.n + j] == 0);
      count += in;
    }
    CHECK(counts[i] == count);
    for (int64_t s = 0; s < m; ++s) {
      CHECK(count == 0 ? drawn[i * m + s] == 0
                       : inside[i * points.n + drawn[i * m + s]]);
    }
  }
  for (int64_t i = 0; i < k; ++i) CHECK(!taken[i] || kept[i] < r);
}

void TestFeatures(const Points& points) {
  const int64_t n = points.n, channels = 3, m = n == 0 ? 0 : Integer(0, 30);
  std::vector<int32_t> indices(3 * m);
  for (int32_t& index : indices) index = Integer(0, n - 1);
  CHECK(gspn_find_bad_index(indices.data(), 3 * m, n) == -1);
  const std::vector<float> weights(3 * m, 1.0f);
  std::vector<float> groups(9 * m), mixed(3 * m), sums(3 * n);
  gspn_group_points(points[0], channels, indices.data(), 3 * m, groups.data());
  gspn_three_interpolate(points[0], channels, indices.data(), weights.data(), m,
                         mixed.data());
  std::vector<float> products(3 * m);
  gspn_three_interpolate_weights_grad(points[0], channels, indices.data(),
                                      mixed.data(), m, products.data());
  std::vector<int64_t> starts(n + 1), slots(3 * m);
  gspn_invert_indices(indices.data(), 3 * m, n, starts.data(), slots.data());
  const std::vector<float> gradient(9 * m, 1.0f);
  gspn_scatter_rows(gradient.data(), channels, starts.data(), slots.data(),
                    nullptr, 1, 0, n, sums.data());
  for (int64_t i = 0; i < n; ++i) {
    CHECK(sums[3 * i] == std::count(indices.begin(), indices.end(), i));
  }
  if (n == 0) return;
  const std::vector<int32_t> zeros(n);
  const std::vector<float> ones(n, 1.0f);
  std::vector<float> grad(3 * n);
  const GspnNearest side{points[0], zeros.data(), ones.data()};
  starts.resize(n + 1), slots.resize(n);
  gspn_invert_indices(zeros.data(), n, n, starts.data(), slots.data());
  gspn_nearest_grad(&side, &side, starts.data(), slots.data(), true, 0, n,
                    grad.data());
}

}  // namespace

int main(int, char** arguments) {
  for (int round = 0; round < std::atoi(arguments[1]); ++round) {
    // Below and above the size from which a tree is searched.
    const Points points(round % 2 == 0 ? Integer(0, 130) : Integer(500, 700));
    const Cloud cloud(gspn_cloud_create(points[0], points.n, Integer(0, 128),
                                        true, Threads()));
    TestSampling(points);
    TestSearch(points, cloud);
    TestBoxes(points, cloud);
    TestFeatures(points);
  }
  std::puts("ok");
}
