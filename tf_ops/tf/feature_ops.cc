// Differentiable ops and their gradients: GroupPoints, ThreeInterpolate,
// NNDistance.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "tensorflow/core/framework/op.h"
#include "tf/checks.h"
#include "tf/parallel.h"

namespace gspn {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;

// ------------------------------------------------------- gathering features

REGISTER_OP("Gspn>GroupPoints")
    .Input("features: float")
    .Input("indices: int32")
    .Output("groups: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "group_points");
      TF_RETURN_IF_ERROR(axes.Bind(0, "features", "BNC"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "indices", "BMK"));
      c->set_output(0, axes.Shape("BMKC"));
      return absl::OkStatus();
    });

class GroupPoints final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "group_points");
    OP_REQUIRES_OK(context, axes.Bind(0, "features", "BNC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BMK"));
    OP_REQUIRES_OK(context, axes.CheckIndices(1, "indices", 'N'));
    Tensor* groups = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BMKC", &groups));
    const float* features = Values(context, 0);
    const int32_t* indices = Counts(context, 1);
    float* out = groups->flat<float>().data();
    const int64_t n = axes['N'], c = axes['C'], slots = axes['M'] * axes['K'];
    ParallelRows(context, axes['B'], slots, 5 + c / 4,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   const int64_t at = b * slots + begin;
                   gspn_group_points(features + b * n * c, c, indices + at,
                                     end - begin, out + at * c);
                 });
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>GroupPoints").Device(DEVICE_CPU),
                        GroupPoints);

REGISTER_OP("Gspn>ThreeInterpolate")
    .Input("features: float")
    .Input("indices: int32")
    .Input("weights: float")
    .Output("interpolated: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "three_interpolate");
      TF_RETURN_IF_ERROR(axes.Bind(0, "features", "BNC"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "indices", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "weights", "BM3"));
      c->set_output(0, axes.Shape("BMC"));
      return absl::OkStatus();
    });

class ThreeInterpolate final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "three_interpolate");
    OP_REQUIRES_OK(context, axes.Bind(0, "features", "BNC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "weights", "BM3"));
    OP_REQUIRES_OK(context, axes.CheckIndices(1, "indices", 'N'));
    Tensor* interpolated = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BMC", &interpolated));
    const float *features = Values(context, 0), *weights = Values(context, 2);
    const int32_t* indices = Counts(context, 1);
    float* out = interpolated->flat<float>().data();
    const int64_t n = axes['N'], c = axes['C'], m = axes['M'];
    ParallelRows(context, axes['B'], m, 5 + c / 2,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   const int64_t at = b * m + begin;
                   gspn_three_interpolate(features + b * n * c, c,
                                          indices + at * 3, weights + at * 3,
                                          end - begin, out + at * c);
                 });
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>ThreeInterpolate").Device(DEVICE_CPU),
                        ThreeInterpolate);

REGISTER_OP("Gspn>ThreeInterpolateWeightsGrad")
    .Input("features: float")
    .Input("indices: int32")
    .Input("gradient: float")
    .Output("weights_gradient: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "three_interpolate_weights_grad");
      TF_RETURN_IF_ERROR(axes.Bind(0, "features", "BNC"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "indices", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "gradient", "BMC"));
      c->set_output(0, axes.Shape("BM3"));
      return absl::OkStatus();
    });

class ThreeInterpolateWeightsGrad final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "three_interpolate_weights_grad");
    OP_REQUIRES_OK(context, axes.Bind(0, "features", "BNC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "gradient", "BMC"));
    OP_REQUIRES_OK(context, axes.CheckIndices(1, "indices", 'N'));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BM3", &output));
    const float *features = Values(context, 0), *gradient = Values(context, 2);
    const int32_t* indices = Counts(context, 1);
    float* out = output->flat<float>().data();
    const int64_t n = axes['N'], c = axes['C'], m = axes['M'];
    ParallelRows(context, axes['B'], m, 30 + c,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   const int64_t at = b * m + begin;
                   gspn_three_interpolate_weights_grad(
                       features + b * n * c, c, indices + at * 3,
                       gradient + at * c, end - begin, out + at * 3);
                 });
  }
};

REGISTER_KERNEL_BUILDER(
    Name("Gspn>ThreeInterpolateWeightsGrad").Device(DEVICE_CPU),
    ThreeInterpolateWeightsGrad);

// ------------------------------------- gradients: sums over inverted indices

// Sums weights[slot] * gradient[slot / slots_per_row] into the rows of
// out [B, N, C] that indices [B, slots] name; null weights are 1.
struct Scatter {
  const float* gradient;
  const int32_t* indices;
  const float* weights;
  int64_t slots_per_row;
  float* out;

  void Run(OpKernelContext* context, int64_t batch, int64_t slots, int64_t n,
           int64_t channels) const {
    std::vector<int64_t> starts(batch * (n + 1)), order(batch * slots);
    Parallel(context, batch, 5 * (n + slots), [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        gspn_invert_indices(indices + b * slots, slots, n,
                            starts.data() + b * (n + 1),
                            order.data() + b * slots);
      }
    });
    const int64_t rows = slots / slots_per_row;
    const int64_t cost = (1 + slots / (n + 1)) * (5 + channels / 2);
    ParallelRows(
        context, batch, n, cost, [&](int64_t b, int64_t begin, int64_t end) {
          gspn_scatter_rows(gradient + b * rows * channels, channels,
                            starts.data() + b * (n + 1),
                            order.data() + b * slots,
                            weights == nullptr ? nullptr : weights + b * slots,
                            slots_per_row, begin, end, out + b * n * channels);
        });
  }
};

REGISTER_OP("Gspn>GroupPointsGrad")
    .Input("gradient: float")
    .Input("indices: int32")
    .Input("num_rows: int32")
    .Output("features_gradient: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "group_points_grad");
      TF_RETURN_IF_ERROR(axes.Bind(0, "gradient", "BMKC"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "indices", "BMK"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_rows", ""));
      DimensionHandle rows;
      TF_RETURN_IF_ERROR(c->MakeDimForScalarInput(2, &rows));
      axes.Set('N', rows);
      c->set_output(0, axes.Shape("BNC"));
      return absl::OkStatus();
    });

class GroupPointsGrad final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "group_points_grad");
    OP_REQUIRES_OK(context, axes.Bind(0, "gradient", "BMKC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BMK"));
    OP_REQUIRES_OK(context, axes.BindScalar(2, "num_rows", 'N'));
    OP_REQUIRES_OK(context, axes.CheckIndices(1, "indices", 'N'));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BNC", &output));
    const Scatter scatter{Values(context, 0), Counts(context, 1), nullptr, 1,
                          output->flat<float>().data()};
    scatter.Run(context, axes['B'], axes['M'] * axes['K'], axes['N'],
                axes['C']);
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>GroupPointsGrad").Device(DEVICE_CPU),
                        GroupPointsGrad);

REGISTER_OP("Gspn>ThreeInterpolateGrad")
    .Input("gradient: float")
    .Input("indices: int32")
    .Input("weights: float")
    .Input("num_rows: int32")
    .Output("features_gradient: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "three_interpolate_grad");
      TF_RETURN_IF_ERROR(axes.Bind(0, "gradient", "BMC"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "indices", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "weights", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(3, "num_rows", ""));
      DimensionHandle rows;
      TF_RETURN_IF_ERROR(c->MakeDimForScalarInput(3, &rows));
      axes.Set('N', rows);
      c->set_output(0, axes.Shape("BNC"));
      return absl::OkStatus();
    });

class ThreeInterpolateGrad final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "three_interpolate_grad");
    OP_REQUIRES_OK(context, axes.Bind(0, "gradient", "BMC"));
    OP_REQUIRES_OK(context, axes.Bind(1, "indices", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "weights", "BM3"));
    OP_REQUIRES_OK(context, axes.BindScalar(3, "num_rows", 'N'));
    OP_REQUIRES_OK(context, axes.CheckIndices(1, "indices", 'N'));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BNC", &output));
    const Scatter scatter{Values(context, 0), Counts(context, 1),
                          Values(context, 2), 3, output->flat<float>().data()};
    scatter.Run(context, axes['B'], axes['M'] * 3, axes['N'], axes['C']);
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>ThreeInterpolateGrad").Device(DEVICE_CPU),
                        ThreeInterpolateGrad);

}  // namespace
}  // namespace gspn
