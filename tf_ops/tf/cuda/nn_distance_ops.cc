// CUDA kernels of NNDistance and its gradient. The ops themselves are in
// tf/nn_distance_ops.cc.
#include <cstdint>

#include "tf/cuda/gpu.h"

namespace gspn {
namespace {

using tensorflow::DEVICE_GPU;
using tensorflow::OpKernel;

// Inputs 0..3 of NNDistance and of its gradient; the counts on the device.
absl::Status BindPair(OpKernelContext* context, Axes* axes, Gpu* gpu,
                      const int32_t** num_a, const int32_t** num_b) {
  TF_RETURN_IF_ERROR(axes->Bind(0, "points_a", "BN3"));
  TF_RETURN_IF_ERROR(axes->Bind(1, "points_b", "BM3"));
  TF_RETURN_IF_ERROR(axes->Bind(2, "num_a", "B"));
  TF_RETURN_IF_ERROR(axes->Bind(3, "num_b", "B"));
  TF_RETURN_IF_ERROR(axes->CheckCounts(2, "num_a", 'N'));
  TF_RETURN_IF_ERROR(axes->CheckCounts(3, "num_b", 'M'));
  TF_RETURN_IF_ERROR(gpu->Upload(2, num_a));
  return gpu->Upload(3, num_b);
}

class NNDistance final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "nn_distance");
    Gpu gpu(context, "nn_distance");
    const int32_t *num_a = nullptr, *num_b = nullptr;
    OP_REQUIRES_OK(context, BindPair(context, &axes, &gpu, &num_a, &num_b));
    Tensor* outputs[4];
    const char* shapes[4] = {"BN", "BN", "BM", "BM"};
    for (int i = 0; i < 4; ++i) {
      OP_REQUIRES_OK(context, axes.Allocate(i, shapes[i], &outputs[i]));
    }
    const float *a = Values(context, 0), *b = Values(context, 1);
    const int64_t batch = axes['B'], n = axes['N'], m = axes['M'];
    OP_REQUIRES_OK(
        context,
        gpu.Launched(gspn_cuda_nearest(
            b, num_b, a, num_a, batch, m, n, outputs[0]->flat<float>().data(),
            outputs[1]->flat<int32_t>().data(), gpu.stream())));
    OP_REQUIRES_OK(
        context,
        gpu.Launched(gspn_cuda_nearest(
            a, num_a, b, num_b, batch, n, m, outputs[2]->flat<float>().data(),
            outputs[3]->flat<int32_t>().data(), gpu.stream())));
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>NNDistance")
                            .Device(DEVICE_GPU)
                            .HostMemory("num_a")
                            .HostMemory("num_b"),
                        NNDistance);

class NNDistanceGrad final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "nn_distance_grad");
    Gpu gpu(context, "nn_distance_grad");
    const int32_t *num_a = nullptr, *num_b = nullptr;
    OP_REQUIRES_OK(context, BindPair(context, &axes, &gpu, &num_a, &num_b));
    OP_REQUIRES_OK(context, axes.Bind(4, "indices_a", "BN"));
    OP_REQUIRES_OK(context, axes.Bind(5, "indices_b", "BM"));
    OP_REQUIRES_OK(context, axes.Bind(6, "upstream_a", "BN"));
    OP_REQUIRES_OK(context, axes.Bind(7, "upstream_b", "BM"));
    Tensor *grad_a = nullptr, *grad_b = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BN3", &grad_a));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BM3", &grad_b));
    const int64_t batch = axes['B'], n = axes['N'], m = axes['M'];
    void* scratch = nullptr;
    OP_REQUIRES_OK(
        context,
        gpu.Allocate(gspn_cuda_nn_distance_grad_scratch_bytes(batch, n, m),
                     &scratch));
    OP_REQUIRES_OK(
        context,
        gpu.Launched(gspn_cuda_nn_distance_grad(
            Values(context, 0), Values(context, 1), num_a, num_b,
            Counts(context, 4), Counts(context, 5), Values(context, 6),
            Values(context, 7), batch, n, m, grad_a->flat<float>().data(),
            grad_b->flat<float>().data(), scratch, gpu.stream())));
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>NNDistanceGrad")
                            .Device(DEVICE_GPU)
                            .HostMemory("num_a")
                            .HostMemory("num_b"),
                        NNDistanceGrad);

}  // namespace
}  // namespace gspn
