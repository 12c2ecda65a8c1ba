// Ops on axis-aligned boxes [centre (3), size (3)]: NMS3D, PointsInBoxes,
// SampleInBoxes, NearestAssign.
#include <algorithm>
#include <cstdint>

#include "kernels/kernels.h"
#include "tensorflow/core/framework/op.h"
#include "tf/attributes.h"
#include "tf/checks.h"
#include "tf/parallel.h"

namespace gspn {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;

// --------------------------------------------------- non-maximum suppression

REGISTER_OP("Gspn>NMS3D")
    .Input("boxes: float")
    .Input("scores: float")
    .Input("valid: bool")
    .Output("indices: int32")
    .Output("taken: bool")
    .Attr("iou_threshold: float")
    .Attr("max_outputs: int >= 0")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "nms_3d");
      TF_RETURN_IF_ERROR(axes.Bind(0, "boxes", "BR6"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "scores", "BR"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "valid", "BR"));
      int64_t outputs;
      TF_RETURN_IF_ERROR(c->GetAttr("max_outputs", &outputs));
      axes.Set('K', c->MakeDim(outputs));
      c->set_output(0, axes.Shape("BK"));
      c->set_output(1, axes.Shape("BK"));
      return absl::OkStatus();
    });

class NMS3D final : public OpKernel {
 public:
  explicit NMS3D(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetThreshold(context, &threshold_));
    OP_REQUIRES_OK(context, context->GetAttr("max_outputs", &outputs_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "nms_3d");
    OP_REQUIRES_OK(context, axes.Bind(0, "boxes", "BR6"));
    OP_REQUIRES_OK(context, axes.Bind(1, "scores", "BR"));
    OP_REQUIRES_OK(context, axes.Bind(2, "valid", "BR"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('R'));
    axes.Set('K', outputs_);
    Tensor *indices = nullptr, *taken = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BK", &indices));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BK", &taken));
    const float *boxes = Values(context, 0), *scores = Values(context, 1);
    const bool* valid = context->input(2).flat<bool>().data();
    int32_t* to_indices = indices->flat<int32_t>().data();
    bool* to_taken = taken->flat<bool>().data();
    const int64_t r = axes['R'], k = outputs_;
    const int64_t cost = r * (20 + std::min(r, k) / 4);
    Parallel(context, axes['B'], cost, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        gspn_nms_3d(boxes + b * r * 6, scores + b * r, valid + b * r, r,
                    threshold_, k, to_indices + b * k, to_taken + b * k);
      }
    });
  }

 private:
  float threshold_ = 0;
  int64_t outputs_ = 0;
};

REGISTER_KERNEL_BUILDER(Name("Gspn>NMS3D").Device(DEVICE_CPU), NMS3D);

// -------------------------------------------------------- points in boxes

REGISTER_OP("Gspn>PointsInBoxes")
    .Input("points: float")
    .Input("boxes: float")
    .Input("num_points: int32")
    .Output("inside: bool")
    .Attr("margin: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "points_in_boxes");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "boxes", "BR6"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_points", "B"));
      c->set_output(0, axes.Shape("BRN"));
      return absl::OkStatus();
    });

class PointsInBoxes final : public OpKernel {
 public:
  explicit PointsInBoxes(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetMargin(context, "points_in_boxes", &margin_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "points_in_boxes");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "boxes", "BR6"));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('N'));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    Tensor* inside = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BRN", &inside));
    const auto clouds = PrepareClouds(context, context->input(0),
                                      Counts(context, 2), axes['R']);
    const float* boxes = Values(context, 1);
    bool* out = inside->flat<bool>().data();
    const int64_t r = axes['R'], n = axes['N'];
    ParallelRows(context, axes['B'], r, 500 + n / 16,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   const int64_t at = b * r + begin;
                   gspn_points_in_boxes(clouds[b].get(), boxes + at * 6,
                                        end - begin, margin_, n, out + at * n);
                 });
  }

 private:
  float margin_ = 0;
};

REGISTER_KERNEL_BUILDER(Name("Gspn>PointsInBoxes").Device(DEVICE_CPU),
                        PointsInBoxes);

// ------------------------------------------------------ sampling in boxes

REGISTER_OP("Gspn>SampleInBoxes")
    .Input("points: float")
    .Input("boxes: float")
    .Input("seed: int32")
    .Input("num_points: int32")
    .Output("indices: int32")
    .Output("counts: int32")
    .Attr("num_samples: int >= 0")
    .Attr("margin: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "sample_in_boxes");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "boxes", "BR6"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "seed", "2"));
      TF_RETURN_IF_ERROR(axes.Bind(3, "num_points", "B"));
      int64_t samples;
      TF_RETURN_IF_ERROR(c->GetAttr("num_samples", &samples));
      axes.Set('M', c->MakeDim(samples));
      c->set_output(0, axes.Shape("BRM"));
      c->set_output(1, axes.Shape("BR"));
      return absl::OkStatus();
    });

class SampleInBoxes final : public OpKernel {
 public:
  explicit SampleInBoxes(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("num_samples", &samples_));
    OP_REQUIRES_OK(context, GetMargin(context, "sample_in_boxes", &margin_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "sample_in_boxes");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "boxes", "BR6"));
    OP_REQUIRES_OK(context, axes.Bind(2, "seed", "2"));
    OP_REQUIRES_OK(context, axes.Bind(3, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('N'));
    OP_REQUIRES_OK(context, axes.CheckCounts(3, "num_points", 'N'));
    axes.Set('M', samples_);
    Tensor *indices = nullptr, *counts = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BRM", &indices));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BR", &counts));
    const auto clouds = PrepareClouds(context, context->input(0),
                                      Counts(context, 3), axes['R']);
    const float* boxes = Values(context, 1);
    const int32_t* seed = Counts(context, 2);
    int32_t* to_indices = indices->flat<int32_t>().data();
    int32_t* to_counts = counts->flat<int32_t>().data();
    const int64_t r = axes['R'], m = samples_;
    ParallelRows(context, axes['B'], r, 500 + axes['N'] / 32 + m * 3,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   gspn_sample_in_boxes(
                       clouds[b].get(), boxes + b * r * 6, begin, end, seed, b,
                       m, margin_, to_indices + b * r * m, to_counts + b * r);
                 });
  }

 private:
  int64_t samples_ = 0;
  float margin_ = 0;
};

REGISTER_KERNEL_BUILDER(Name("Gspn>SampleInBoxes").Device(DEVICE_CPU),
                        SampleInBoxes);

// ------------------------------------------------- projection onto the scene

REGISTER_OP("Gspn>NearestAssign")
    .Input("points: float")
    .Input("samples: float")
    .Input("values: float")
    .Input("boxes: float")
    .Input("num_points: int32")
    .Output("assigned: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "nearest_assign");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "samples", "BDM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "values", "BDM"));
      TF_RETURN_IF_ERROR(axes.Bind(3, "boxes", "BD6"));
      TF_RETURN_IF_ERROR(axes.Bind(4, "num_points", "B"));
      c->set_output(0, axes.Shape("BDN"));
      return absl::OkStatus();
    });

class NearestAssign final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "nearest_assign");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "samples", "BDM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "values", "BDM"));
    OP_REQUIRES_OK(context, axes.Bind(3, "boxes", "BD6"));
    OP_REQUIRES_OK(context, axes.Bind(4, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('N'));
    OP_REQUIRES_OK(context, axes.CheckIndexable('M'));
    OP_REQUIRES_OK(context, axes.CheckCounts(4, "num_points", 'N'));
    Tensor* assigned = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BDN", &assigned));
    const auto clouds = PrepareClouds(context, context->input(0),
                                      Counts(context, 4), axes['D']);
    const float *points = Values(context, 0), *samples = Values(context, 1);
    const float *values = Values(context, 2), *boxes = Values(context, 3);
    float* out = assigned->flat<float>().data();
    const int64_t n = axes['N'], m = axes['M'], d = axes['D'];
    ParallelRows(context, axes['B'], d, 1000 + n / 4 * (1 + m / 64),
                 [&](int64_t b, int64_t begin, int64_t end) {
                   const int64_t at = b * d + begin;
                   gspn_nearest_assign(clouds[b].get(), points + b * n * 3,
                                       boxes + at * 6, samples + at * m * 3,
                                       values + at * m, end - begin, m, n,
                                       out + at * n);
                 });
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>NearestAssign").Device(DEVICE_CPU),
                        NearestAssign);

}  // namespace
}  // namespace gspn
