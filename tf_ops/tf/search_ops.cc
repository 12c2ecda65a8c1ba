// Sampling and neighbour search: FarthestPointSample, BallQuery, ThreeNN.
#include <cmath>
#include <cstdint>

#include "kernels/kernels.h"
#include "tensorflow/core/framework/op.h"
#include "tf/checks.h"
#include "tf/parallel.h"

namespace gspn {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;

// ---------------------------------------------------------------- sampling

REGISTER_OP("Gspn>FarthestPointSample")
    .Input("points: float")
    .Input("num_samples: int32")
    .Input("num_points: int32")
    .Output("indices: int32")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "farthest_point_sample");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "num_samples", ""));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_points", "B"));
      DimensionHandle samples;
      TF_RETURN_IF_ERROR(c->MakeDimForScalarInput(1, &samples));
      axes.Set('M', samples);
      c->set_output(0, axes.Shape("BM"));
      return absl::OkStatus();
    });

class FarthestPointSample final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "farthest_point_sample");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.BindScalar(1, "num_samples", 'M'));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('N'));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BM", &output));

    const float* points = Values(context, 0);
    const int32_t* num_points = Counts(context, 2);
    int32_t* indices = output->flat<int32_t>().data();
    const int64_t n = axes['N'], m = axes['M'];
    Parallel(context, axes['B'], n * m / 4, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        gspn_farthest_point_sample(points + b * n * 3, num_points[b], m,
                                   indices + b * m);
      }
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>FarthestPointSample").Device(DEVICE_CPU),
                        FarthestPointSample);

// -------------------------------------------------------------- ball query

REGISTER_OP("Gspn>BallQuery")
    .Input("points: float")
    .Input("queries: float")
    .Input("num_points: int32")
    .Output("indices: int32")
    .Output("counts: int32")
    .Attr("radius: float")
    .Attr("num_neighbors: int >= 1")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "ball_query");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "queries", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_points", "B"));
      int64_t neighbors;
      TF_RETURN_IF_ERROR(c->GetAttr("num_neighbors", &neighbors));
      axes.Set('K', c->MakeDim(neighbors));
      c->set_output(0, axes.Shape("BMK"));
      c->set_output(1, axes.Shape("BM"));
      return absl::OkStatus();
    });

class BallQuery final : public OpKernel {
 public:
  explicit BallQuery(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("radius", &radius_));
    OP_REQUIRES_OK(context, context->GetAttr("num_neighbors", &neighbors_));
    OP_REQUIRES(context, radius_ > 0 && std::isfinite(radius_),
                Mismatch("ball_query", "radius", "positive and finite",
                         absl::StrCat(radius_)));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "ball_query");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "queries", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('N'));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    axes.Set('K', neighbors_);
    Tensor *indices = nullptr, *counts = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BMK", &indices));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BM", &counts));

    const auto clouds = PrepareClouds(context, context->input(0),
                                      Counts(context, 2), axes['M']);
    const float* queries = Values(context, 1);
    int32_t* to_indices = indices->flat<int32_t>().data();
    int32_t* to_counts = counts->flat<int32_t>().data();
    const int64_t m = axes['M'], k = neighbors_;
    ParallelRows(context, axes['B'], m, 1000,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   const int64_t at = b * m + begin;
                   gspn_ball_query(clouds[b].get(), queries + at * 3,
                                   end - begin, radius_, k, to_indices + at * k,
                                   to_counts + at);
                 });
  }

 private:
  float radius_ = 0;
  int64_t neighbors_ = 1;
};

REGISTER_KERNEL_BUILDER(Name("Gspn>BallQuery").Device(DEVICE_CPU), BallQuery);

// ------------------------------------------------- three nearest neighbours

REGISTER_OP("Gspn>ThreeNN")
    .Input("points: float")
    .Input("queries: float")
    .Input("num_points: int32")
    .Output("distances: float")
    .Output("indices: int32")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "three_nn");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "queries", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_points", "B"));
      c->set_output(0, axes.Shape("BM3"));
      c->set_output(1, axes.Shape("BM3"));
      return absl::OkStatus();
    });

class ThreeNN final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "three_nn");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "queries", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('N'));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    Tensor *distances = nullptr, *indices = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BM3", &distances));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BM3", &indices));

    const auto clouds = PrepareClouds(context, context->input(0),
                                      Counts(context, 2), axes['M']);
    const float* queries = Values(context, 1);
    float* to_distances = distances->flat<float>().data();
    int32_t* to_indices = indices->flat<int32_t>().data();
    const int64_t m = axes['M'];
    ParallelRows(context, axes['B'], m, 300,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   const int64_t at = (b * m + begin) * 3;
                   gspn_three_nn(clouds[b].get(), queries + at, end - begin,
                                 to_distances + at, to_indices + at);
                 });
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>ThreeNN").Device(DEVICE_CPU), ThreeNN);

}  // namespace
}  // namespace gspn
