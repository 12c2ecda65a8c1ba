// CPU kernels of FarthestPointSample, BallQuery and KNN.
#include <cstdint>

#include "kernels/kernels.h"
#include "tf/call.h"
#include "tf/parallel.h"

namespace gspn {
namespace {

absl::Status FarthestPointSample(const Call& call) {
  const float* points = call.input<float>(0);
  const int32_t* num_points = call.input<int32_t>(2);
  int32_t* indices = call.output<int32_t>(0);
  const int64_t n = call['N'], m = call['M'];
  EachCloud(call.context(), call['B'], 20 * n + 500 * m,
            [&](int64_t b, const GspnThreads* threads) {
              gspn_farthest_point_sample(points + b * n * 3, num_points[b], m,
                                         threads, indices + b * m);
            });
  return absl::OkStatus();
}

absl::Status BallQuery(const Call& call) {
  const int64_t m = call['M'];
  const auto clouds = PrepareClouds(call.context(), call.context()->input(0),
                                    call.input<int32_t>(2), m, true);
  const auto order = OrderQueries(call.context(), call.context()->input(1));
  const float* queries = call.input<float>(1);
  const auto& [neighbors, radii] = call.attributes();
  const int num_radii = static_cast<int>(radii.size());
  for (int i = 0; i < num_radii; ++i) {
    const float radius = radii[i];
    const int64_t k = neighbors[i];
    int32_t* indices = call.output<int32_t>(i);
    int32_t* counts = call.output<int32_t>(num_radii + i);
    ParallelRows(call.context(), call['B'], m, 300 + 4 * k,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   gspn_ball_query(clouds[b].get(), queries + b * m * 3,
                                   order.data() + b * m + begin, end - begin,
                                   radius, k, indices + b * m * k,
                                   counts + b * m);
                 });
  }
  return absl::OkStatus();
}

absl::Status KNN(const Call& call) {
  const int64_t m = call['M'], k = call['K'];
  const auto clouds = PrepareClouds(call.context(), call.context()->input(0),
                                    call.input<int32_t>(2), m);
  const auto order = OrderQueries(call.context(), call.context()->input(1));
  const float* queries = call.input<float>(1);
  float* distances = call.output<float>(0);
  int32_t* indices = call.output<int32_t>(1);
  ParallelRows(call.context(), call['B'], m, 60 + 40 * k,
               [&](int64_t b, int64_t begin, int64_t end) {
                 gspn_knn(clouds[b].get(), queries + b * m * 3,
                          order.data() + b * m + begin, end - begin, k,
                          distances + b * m * k, indices + b * m * k);
               });
  return absl::OkStatus();
}

const bool kRegistered = RegisterKernels(
    tensorflow::DEVICE_CPU, {{kFarthestPointSample, FarthestPointSample},
                             {kBallQuery, BallQuery},
                             {kKNN, KNN}});

}  // namespace
}  // namespace gspn
