// CUDA kernels of GroupPoints and ThreeInterpolate, and of their gradients. The
// ops themselves are in tf/feature_ops.cc.
//
// Indices are on the device and cannot be checked without waiting for it: one
// out of range makes its row NaN, and adds nothing to a gradient.
#include <cstdint>

#include "tf/cuda/gpu.h"

namespace gspn {
namespace {

using tensorflow::DEVICE_GPU;
using tensorflow::OpKernel;

class GroupPoints final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "group_points");
    OP_REQUIRES_OK(context, axes.Bind(0, "features", "BNC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BMK"));
    Tensor* groups = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BMKC", &groups));
    if (groups->NumElements() == 0) return;
    Gpu gpu(context, "group_points");
    OP_REQUIRES_OK(context,
                   gpu.Launched(gspn_cuda_group_points(
                       Values(context, 0), Counts(context, 1), axes['B'],
                       axes['N'], axes['C'], axes['M'] * axes['K'],
                       groups->flat<float>().data(), gpu.stream())));
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>GroupPoints").Device(DEVICE_GPU),
                        GroupPoints);

class ThreeInterpolate final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "three_interpolate");
    OP_REQUIRES_OK(context, axes.Bind(0, "features", "BNC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "weights", "BM3"));
    Tensor* interpolated = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BMC", &interpolated));
    if (interpolated->NumElements() == 0) return;
    Gpu gpu(context, "three_interpolate");
    OP_REQUIRES_OK(
        context, gpu.Launched(gspn_cuda_three_interpolate(
                     Values(context, 0), Counts(context, 1), Values(context, 2),
                     axes['B'], axes['N'], axes['C'], axes['M'],
                     interpolated->flat<float>().data(), gpu.stream())));
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>ThreeInterpolate").Device(DEVICE_GPU),
                        ThreeInterpolate);

class ThreeInterpolateWeightsGrad final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "three_interpolate_weights_grad");
    OP_REQUIRES_OK(context, axes.Bind(0, "features", "BNC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "gradient", "BMC"));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BM3", &output));
    if (output->NumElements() == 0) return;
    Gpu gpu(context, "three_interpolate_weights_grad");
    OP_REQUIRES_OK(
        context, gpu.Launched(gspn_cuda_three_interpolate_weights_grad(
                     Values(context, 0), Counts(context, 1), Values(context, 2),
                     axes['B'], axes['N'], axes['C'], axes['M'],
                     output->flat<float>().data(), gpu.stream())));
  }
};

REGISTER_KERNEL_BUILDER(
    Name("Gspn>ThreeInterpolateWeightsGrad").Device(DEVICE_GPU),
    ThreeInterpolateWeightsGrad);

// out [B, N, C]: sums of the rows of the gradient, input 0, that the indices,
// input 1, name.
absl::Status Scatter(OpKernelContext* context, absl::string_view op, Axes* axes,
                     int64_t slots, int64_t slots_per_row,
                     const float* weights) {
  Tensor* out = nullptr;
  TF_RETURN_IF_ERROR(axes->Allocate(0, "BNC", &out));
  if (out->NumElements() == 0) return absl::OkStatus();
  const int64_t batch = (*axes)['B'], n = (*axes)['N'];
  Gpu gpu(context, op);
  void* scratch = nullptr;
  TF_RETURN_IF_ERROR(gpu.Allocate(
      gspn_cuda_scatter_rows_scratch_bytes(batch, n, slots), &scratch));
  return gpu.Launched(gspn_cuda_scatter_rows(
      Values(context, 0), Counts(context, 1), weights, batch, n, (*axes)['C'],
      slots, slots_per_row, out->flat<float>().data(), scratch, gpu.stream()));
}

class GroupPointsGrad final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "group_points_grad");
    OP_REQUIRES_OK(context, axes.Bind(0, "gradient", "BMKC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BMK"));
    OP_REQUIRES_OK(context, axes.BindScalar(2, "num_rows", 'N'));
    OP_REQUIRES_OK(context, Scatter(context, "group_points_grad", &axes,
                                    axes['M'] * axes['K'], 1, nullptr));
  }
};

REGISTER_KERNEL_BUILDER(
    Name("Gspn>GroupPointsGrad").Device(DEVICE_GPU).HostMemory("num_rows"),
    GroupPointsGrad);

class ThreeInterpolateGrad final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "three_interpolate_grad");
    OP_REQUIRES_OK(context, axes.Bind(0, "gradient", "BMC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "weights", "BM3"));
    OP_REQUIRES_OK(context, axes.BindScalar(3, "num_rows", 'N'));
    OP_REQUIRES_OK(context, Scatter(context, "three_interpolate_grad", &axes,
                                    axes['M'] * 3, 3, Values(context, 2)));
  }
};

REGISTER_KERNEL_BUILDER(
    Name("Gspn>ThreeInterpolateGrad").Device(DEVICE_GPU).HostMemory("num_rows"),
    ThreeInterpolateGrad);

}  // namespace
}  // namespace gspn
