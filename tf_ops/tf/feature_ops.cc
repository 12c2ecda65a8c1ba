// CPU kernels of GroupPoints, ThreeInterpolate and their gradients.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "tf/call.h"
#include "tf/parallel.h"

namespace gspn {
namespace {

absl::Status GroupPoints(const Call& call) {
  const float* features = call.input<float>(0);
  const int32_t* indices = call.input<int32_t>(1);
  float* groups = call.output<float>(0);
  const int64_t n = call['N'], c = call['C'], slots = call['M'] * call['K'];
  ParallelRows(call.context(), call['B'], slots, 5 + c / 4,
               [&](int64_t b, int64_t begin, int64_t end) {
                 const int64_t at = b * slots + begin;
                 gspn_group_points(features + b * n * c, c, indices + at,
                                   end - begin, groups + at * c);
               });
  return absl::OkStatus();
}

absl::Status ThreeInterpolate(const Call& call) {
  const float *features = call.input<float>(0), *weights = call.input<float>(2);
  const int32_t* indices = call.input<int32_t>(1);
  float* interpolated = call.output<float>(0);
  const int64_t n = call['N'], c = call['C'], m = call['M'];
  ParallelRows(call.context(), call['B'], m, 5 + c / 2,
               [&](int64_t b, int64_t begin, int64_t end) {
                 const int64_t at = b * m + begin;
                 gspn_three_interpolate(features + b * n * c, c,
                                        indices + at * 3, weights + at * 3,
                                        end - begin, interpolated + at * c);
               });
  return absl::OkStatus();
}

absl::Status ThreeInterpolateWeightsGrad(const Call& call) {
  const float *features = call.input<float>(0),
              *gradient = call.input<float>(2);
  const int32_t* indices = call.input<int32_t>(1);
  float* to_weights = call.output<float>(0);
  const int64_t n = call['N'], c = call['C'], m = call['M'];
  ParallelRows(call.context(), call['B'], m, 30 + c,
               [&](int64_t b, int64_t begin, int64_t end) {
                 const int64_t at = b * m + begin;
                 gspn_three_interpolate_weights_grad(
                     features + b * n * c, c, indices + at * 3,
                     gradient + at * c, end - begin, to_weights + at * 3);
               });
  return absl::OkStatus();
}

// Sums weights[slot] * gradient[slot / slots_per_row], input 0, into the rows
// of output [B, N, C] that indices [B, slots], input 1, name. Null weights
// are 1.
absl::Status Scatter(const Call& call, int64_t rows, int64_t slots_per_row,
                     const float* weights) {
  const float* gradient = call.input<float>(0);
  const int32_t* indices = call.input<int32_t>(1);
  float* out = call.output<float>(0);
  const int64_t batch = call['B'], n = call['N'], c = call['C'];
  const int64_t slots = rows * slots_per_row;
  std::vector<int64_t> starts(batch * (n + 1)), order(batch * slots);
  Parallel(call.context(), batch, 5 * (n + slots),
           [&](int64_t begin, int64_t end) {
             for (int64_t b = begin; b < end; ++b) {
               gspn_invert_indices(indices + b * slots, slots, n,
                                   starts.data() + b * (n + 1),
                                   order.data() + b * slots);
             }
           });
  const int64_t cost = (1 + slots / (n + 1)) * (5 + c / 2);
  ParallelRows(call.context(), batch, n, cost,
               [&](int64_t b, int64_t begin, int64_t end) {
                 gspn_scatter_rows(gradient + b * rows * c, c,
                                   starts.data() + b * (n + 1),
                                   order.data() + b * slots,
                                   weights ? weights + b * slots : nullptr,
                                   slots_per_row, begin, end, out + b * n * c);
               });
  return absl::OkStatus();
}

absl::Status GroupPointsGrad(const Call& call) {
  return Scatter(call, call['M'] * call['K'], 1, nullptr);
}

absl::Status ThreeInterpolateGrad(const Call& call) {
  return Scatter(call, call['M'], 3, call.input<float>(2));
}

const bool kRegistered = RegisterKernels(
    tensorflow::DEVICE_CPU,
    {{kGroupPoints, GroupPoints},
     {kGroupPointsGrad, GroupPointsGrad},
     {kThreeInterpolate, ThreeInterpolate},
     {kThreeInterpolateGrad, ThreeInterpolateGrad},
     {kThreeInterpolateWeightsGrad, ThreeInterpolateWeightsGrad}});

}  // namespace
}  // namespace gspn
