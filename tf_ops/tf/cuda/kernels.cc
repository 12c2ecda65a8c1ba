// GPU kernels of all ops.
//
// Indices of features are on the device and cannot be checked without waiting
// for it: one out of range makes its row NaN, and adds nothing to a gradient.
#include <cstdint>

#include "tensorflow/core/platform/denormal.h"
#include "tf/cuda/gpu.h"

namespace gspn {
namespace {

// --------------------------------------------------------- sampling and search

absl::Status FarthestPointSample(const Call& call) {
  Gpu gpu(call);
  const int64_t batch = call['B'], n = call['N'];
  const int32_t* num_points = gpu.Upload(2);
  void* scratch =
      gpu.Scratch(gspn_cuda_farthest_point_sample_scratch_bytes(batch, n));
  return gpu.Launch(gspn_cuda_farthest_point_sample, call.input<float>(0),
                    num_points, batch, n, call['M'], call.output<int32_t>(0),
                    scratch);
}

absl::Status BallQuery(const Call& call) {
  // The radius is squared on the host, which must not flush small numbers.
  const tensorflow::port::ScopedDontFlushDenormal denormals;
  Gpu gpu(call);
  const int32_t* num_points = gpu.Upload(2);
  const auto& [neighbors, radii] = call.attributes();
  const int num_radii = static_cast<int>(radii.size());
  for (int i = 0; i < num_radii; ++i) {
    TF_RETURN_IF_ERROR(gpu.Launch(
        gspn_cuda_ball_query, call.input<float>(0), num_points, call['B'],
        call['N'], call.input<float>(1), call['M'], radii[i], neighbors[i],
        call.output<int32_t>(i), call.output<int32_t>(num_radii + i)));
  }
  return absl::OkStatus();
}

absl::Status KNN(const Call& call) {
  Gpu gpu(call);
  const int32_t* num_points = gpu.Upload(2);
  return gpu.Launch(gspn_cuda_knn, call.input<float>(0), num_points, call['B'],
                    call['N'], call.input<float>(1), call['M'], call['K'],
                    call.output<float>(0), call.output<int32_t>(1));
}

// -------------------------------------------------------------------- features

absl::Status GroupPoints(const Call& call) {
  return Gpu(call).Launch(gspn_cuda_group_points, call.input<float>(0),
                          call.input<int32_t>(1), call['B'], call['N'],
                          call['C'], call['M'] * call['K'],
                          call.output<float>(0));
}

absl::Status ThreeInterpolate(const Call& call) {
  return Gpu(call).Launch(gspn_cuda_three_interpolate, call.input<float>(0),
                          call.input<int32_t>(1), call.input<float>(2),
                          call['B'], call['N'], call['C'], call['M'],
                          call.output<float>(0));
}

absl::Status ThreeInterpolateWeightsGrad(const Call& call) {
  return Gpu(call).Launch(gspn_cuda_three_interpolate_weights_grad,
                          call.input<float>(0), call.input<int32_t>(1),
                          call.input<float>(2), call['B'], call['N'], call['C'],
                          call['M'], call.output<float>(0));
}

// Sums the rows of the gradient, input 0, that the indices, input 1, name.
absl::Status Scatter(const Call& call, int64_t slots, int64_t slots_per_row,
                     const float* weights) {
  Gpu gpu(call);
  const int64_t batch = call['B'], n = call['N'];
  void* scratch =
      gpu.Scratch(gspn_cuda_scatter_rows_scratch_bytes(batch, n, slots));
  return gpu.Launch(gspn_cuda_scatter_rows, call.input<float>(0),
                    call.input<int32_t>(1), weights, batch, n, call['C'], slots,
                    slots_per_row, call.output<float>(0), scratch);
}

absl::Status GroupPointsGrad(const Call& call) {
  return Scatter(call, call['M'] * call['K'], 1, nullptr);
}

absl::Status ThreeInterpolateGrad(const Call& call) {
  return Scatter(call, call['M'] * 3, 3, call.input<float>(2));
}

// ------------------------------------------------------------ Chamfer distance

absl::Status NNDistance(const Call& call) {
  Gpu gpu(call);
  const float *a = call.input<float>(0), *b = call.input<float>(1);
  const int32_t *num_a = gpu.Upload(2), *num_b = gpu.Upload(3);
  const int64_t batch = call['B'], n = call['N'], m = call['M'];
  TF_RETURN_IF_ERROR(gpu.Launch(gspn_cuda_nearest, b, num_b, a, num_a, batch, m,
                                n, call.output<float>(0),
                                call.output<int32_t>(1)));
  return gpu.Launch(gspn_cuda_nearest, a, num_a, b, num_b, batch, n, m,
                    call.output<float>(2), call.output<int32_t>(3));
}

absl::Status NNDistanceGrad(const Call& call) {
  Gpu gpu(call);
  const int32_t *num_a = gpu.Upload(2), *num_b = gpu.Upload(3);
  const int64_t batch = call['B'], n = call['N'], m = call['M'];
  void* scratch =
      gpu.Scratch(gspn_cuda_nn_distance_grad_scratch_bytes(batch, n, m));
  return gpu.Launch(gspn_cuda_nn_distance_grad, call.input<float>(0),
                    call.input<float>(1), num_a, num_b, call.input<int32_t>(4),
                    call.input<int32_t>(5), call.input<float>(6),
                    call.input<float>(7), batch, n, m, call.output<float>(0),
                    call.output<float>(1), scratch);
}

// ----------------------------------------------------------------------- boxes

absl::Status NMS3D(const Call& call) {
  Gpu gpu(call);
  const int64_t batch = call['B'], r = call['R'], k = call['K'];
  void* scratch = gpu.Scratch(gspn_cuda_nms_3d_scratch_bytes(batch, r, k));
  return gpu.Launch(gspn_cuda_nms_3d, call.input<float>(0),
                    call.input<float>(1), call.input<bool>(2), batch, r,
                    call.attributes().numbers[0], k, call.output<int32_t>(0),
                    call.output<bool>(1), scratch);
}

absl::Status SampleInBoxes(const Call& call) {
  Gpu gpu(call);
  const int64_t batch = call['B'], n = call['N'], r = call['R'];
  const int32_t* num_points = gpu.Upload(3);
  void* scratch =
      gpu.Scratch(gspn_cuda_sample_in_boxes_scratch_bytes(batch, n, r));
  return gpu.Launch(gspn_cuda_sample_in_boxes, call.input<float>(0), num_points,
                    call.input<float>(1), call.input<int32_t>(2), batch, n, r,
                    call['M'], call.attributes().numbers[0],
                    call.output<int32_t>(0), call.output<int32_t>(1), scratch);
}

absl::Status NearestAssign(const Call& call) {
  Gpu gpu(call);
  const int32_t* num_points = gpu.Upload(4);
  return gpu.Launch(gspn_cuda_nearest_assign, call.input<float>(0), num_points,
                    call.input<float>(1), call.input<float>(2),
                    call.input<float>(3), call['B'], call['N'], call['D'],
                    call['M'], call.output<float>(0));
}

const bool kRegistered = RegisterKernels(
    tensorflow::DEVICE_GPU,
    {{kFarthestPointSample, FarthestPointSample},
     {kBallQuery, BallQuery},
     {kKNN, KNN},
     {kGroupPoints, GroupPoints},
     {kGroupPointsGrad, GroupPointsGrad},
     {kThreeInterpolate, ThreeInterpolate},
     {kThreeInterpolateGrad, ThreeInterpolateGrad},
     {kThreeInterpolateWeightsGrad, ThreeInterpolateWeightsGrad},
     {kNNDistance, NNDistance},
     {kNNDistanceGrad, NNDistanceGrad},
     {kNMS3D, NMS3D},
     {kSampleInBoxes, SampleInBoxes},
     {kNearestAssign, NearestAssign}});

}  // namespace
}  // namespace gspn
