// CPU kernels of NNDistance, the Chamfer distance, and of its gradient.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "tf/call.h"
#include "tf/parallel.h"

namespace gspn {
namespace {

// One of the two clouds of each pair: its inputs, and its rows.
struct Side {
  const tensorflow::Tensor& points;
  const int32_t* counts;
  int64_t rows;

  const float* at(int64_t b, int64_t row = 0) const {
    return points.flat<float>().data() + (b * rows + row) * 3;
  }
};

Side SideA(const Call& call) {
  return {call.context()->input(0), call.input<int32_t>(2), call['N']};
}

Side SideB(const Call& call) {
  return {call.context()->input(1), call.input<int32_t>(3), call['M']};
}

// Finds the nearest point of `to` of every point of `from` in trees.
void SearchRows(const Call& call, const Side& from, const Side& to,
                float* distances, int32_t* indices) {
  const auto clouds =
      PrepareClouds(call.context(), to.points, to.counts, from.rows);
  const auto order = OrderQueries(call.context(), from.points);
  ParallelRows(call.context(), call['B'], from.rows, 150,
               [&](int64_t b, int64_t begin, int64_t end) {
                 const int64_t at = b * from.rows;
                 gspn_knn(clouds[b].get(), from.at(b),
                          order.data() + at + begin, end - begin, 1,
                          distances + at, indices + at);
               });
}

// Does so by looking at all points.
void CompareRows(const Call& call, const Side& from, const Side& to,
                 float* distances, int32_t* indices) {
  ParallelRows(call.context(), call['B'], from.rows, to.rows / 12,
               [&](int64_t b, int64_t begin, int64_t end) {
                 const int64_t at = b * from.rows + begin;
                 const int64_t real = std::clamp<int64_t>(
                     from.counts[b] - begin, 0, end - begin);
                 gspn_nearest(to.at(b), to.counts[b], from.at(b, begin), real,
                              distances + at, indices + at);
               });
}

// From so many points on trees are faster.
constexpr int64_t kSearchPoints = 2048;

// Padding rows, and all when the other cloud is empty, are 0.
void NearestRows(const Call& call, const Side& from, const Side& to,
                 float* distances, int32_t* indices) {
  const auto nearest = to.rows >= kSearchPoints ? SearchRows : CompareRows;
  nearest(call, from, to, distances, indices);
  for (int64_t b = 0; b < call['B']; ++b) {
    const int64_t real = to.counts[b] > 0 ? from.counts[b] : 0;
    const int64_t begin = b * from.rows + real, end = (b + 1) * from.rows;
    std::fill(distances + begin, distances + end, 0.0f);
    std::fill(indices + begin, indices + end, 0);
  }
}

absl::Status NNDistance(const Call& call) {
  const Side a = SideA(call), b = SideB(call);
  NearestRows(call, a, b, call.output<float>(0), call.output<int32_t>(1));
  NearestRows(call, b, a, call.output<float>(2), call.output<int32_t>(3));
  return absl::OkStatus();
}

// From the points of one cloud of each pair to the nearest of the other.
struct Direction {
  Side side;
  const int32_t* indices;
  const float* upstream;

  GspnNearest Cloud(int64_t b) const {
    return {side.at(b), indices + b * side.rows, upstream + b * side.rows};
  }
};

void SumTerms(const Call& call, const Direction& own, const Direction& other,
              bool own_first, float* gradient) {
  const int64_t rows = own.side.rows, other_rows = other.side.rows;
  std::vector<int64_t> starts(call['B'] * (rows + 1));
  std::vector<int64_t> slots(call['B'] * other_rows);
  const auto real = [&](int64_t b) {
    return other.side.counts[b] > 0 ? own.side.counts[b] : 0;
  };
  Parallel(call.context(), call['B'], 5 * (rows + other_rows),
           [&](int64_t begin, int64_t end) {
             for (int64_t b = begin; b < end; ++b) {
               const int64_t count = real(b) > 0 ? other.side.counts[b] : 0;
               gspn_invert_indices(other.indices + b * other_rows, count, rows,
                                   &starts[b * (rows + 1)],
                                   slots.data() + b * other_rows);
             }
           });
  ParallelRows(call.context(), call['B'], rows, 20,
               [&](int64_t b, int64_t begin, int64_t end) {
                 const GspnNearest mine = own.Cloud(b), theirs = other.Cloud(b);
                 const int64_t stop = std::clamp<int64_t>(real(b), begin, end);
                 float* out = gradient + b * rows * 3;
                 gspn_nearest_grad(&mine, &theirs, &starts[b * (rows + 1)],
                                   slots.data() + b * other_rows, own_first,
                                   begin, stop, out);
                 std::fill(out + 3 * stop, out + 3 * end, 0.0f);
               });
}

absl::Status NNDistanceGrad(const Call& call) {
  const Direction to_b{SideA(call), call.input<int32_t>(4),
                       call.input<float>(6)};
  const Direction to_a{SideB(call), call.input<int32_t>(5),
                       call.input<float>(7)};
  SumTerms(call, to_b, to_a, true, call.output<float>(0));
  SumTerms(call, to_a, to_b, false, call.output<float>(1));
  return absl::OkStatus();
}

const bool kRegistered = RegisterKernels(
    tensorflow::DEVICE_CPU,
    {{kNNDistance, NNDistance}, {kNNDistanceGrad, NNDistanceGrad}});

}  // namespace
}  // namespace gspn
