// Sampling and neighbour search: FarthestPointSample, BallQuery, KNN.
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "tensorflow/core/framework/op.h"
#include "tf/attributes.h"
#include "tf/checks.h"
#include "tf/parallel.h"

namespace gspn {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;

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
    EachCloud(context, axes['B'], 20 * n + 500 * m,
              [&](int64_t b, const GspnThreads* threads) {
                gspn_farthest_point_sample(points + b * n * 3, num_points[b], m,
                                           threads, indices + b * m);
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
    .Output("indices: num_radii * int32")
    .Output("counts: num_radii * int32")
    .Attr("num_radii: int >= 1")
    .Attr("radii: list(float)")
    .Attr("num_neighbors: list(int)")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "ball_query");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "queries", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_points", "B"));
      std::vector<int32_t> neighbors;
      TF_RETURN_IF_ERROR(c->GetAttr("num_neighbors", &neighbors));
      const int num_radii = c->num_outputs() / 2;
      for (int i = 0; i < num_radii; ++i) {
        const bool there = i < static_cast<int>(neighbors.size());
        axes.Set('K', there && neighbors[i] >= 0 ? c->MakeDim(neighbors[i])
                                                 : c->UnknownDim());
        c->set_output(i, axes.Shape("BMK"));
        c->set_output(num_radii + i, axes.Shape("BM"));
      }
      return absl::OkStatus();
    });

class BallQuery final : public OpKernel {
 public:
  explicit BallQuery(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, GetBalls(context, &radii_, &neighbors_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "ball_query");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "queries", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('N'));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    const int num_radii = static_cast<int>(radii_.size());
    std::vector<Tensor*> indices(num_radii), counts(num_radii);
    for (int i = 0; i < num_radii; ++i) {
      axes.Set('K', neighbors_[i]);
      OP_REQUIRES_OK(context, axes.Allocate(i, "BMK", &indices[i]));
      OP_REQUIRES_OK(context, axes.Allocate(num_radii + i, "BM", &counts[i]));
    }
    const auto clouds = PrepareClouds(context, context->input(0),
                                      Counts(context, 2), axes['M'], true);
    const auto order = OrderQueries(context, context->input(1));
    const float* queries = Values(context, 1);
    const int64_t m = axes['M'];
    for (int i = 0; i < num_radii; ++i) {
      int32_t* to_indices = indices[i]->flat<int32_t>().data();
      int32_t* to_counts = counts[i]->flat<int32_t>().data();
      const int64_t k = neighbors_[i];
      ParallelRows(context, axes['B'], m, 300 + 4 * k,
                   [&](int64_t b, int64_t begin, int64_t end) {
                     gspn_ball_query(clouds[b].get(), queries + b * m * 3,
                                     order.data() + b * m + begin, end - begin,
                                     radii_[i], k, to_indices + b * m * k,
                                     to_counts + b * m);
                   });
    }
  }

 private:
  std::vector<float> radii_;
  std::vector<int32_t> neighbors_;
};

REGISTER_KERNEL_BUILDER(Name("Gspn>BallQuery").Device(DEVICE_CPU), BallQuery);

// ------------------------------------------------------- nearest neighbours

REGISTER_OP("Gspn>KNN")
    .Input("points: float")
    .Input("queries: float")
    .Input("num_points: int32")
    .Output("distances: float")
    .Output("indices: int32")
    .Attr("k: int >= 1")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "knn");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "queries", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_points", "B"));
      int64_t k;
      TF_RETURN_IF_ERROR(c->GetAttr("k", &k));
      axes.Set('K', c->MakeDim(k));
      c->set_output(0, axes.Shape("BMK"));
      c->set_output(1, axes.Shape("BMK"));
      return absl::OkStatus();
    });

class KNN final : public OpKernel {
 public:
  explicit KNN(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("k", &k_));
  }

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "knn");
    OP_REQUIRES_OK(context, axes.Bind(0, "points", "BN3"));
    OP_REQUIRES_OK(context, axes.Bind(1, "queries", "BM3"));
    OP_REQUIRES_OK(context, axes.Bind(2, "num_points", "B"));
    OP_REQUIRES_OK(context, axes.CheckIndexable('N'));
    OP_REQUIRES_OK(context, axes.CheckCounts(2, "num_points", 'N'));
    axes.Set('K', k_);
    Tensor *distances = nullptr, *indices = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BMK", &distances));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BMK", &indices));
    const auto clouds = PrepareClouds(context, context->input(0),
                                      Counts(context, 2), axes['M']);
    const auto order = OrderQueries(context, context->input(1));
    const float* queries = Values(context, 1);
    float* to_distances = distances->flat<float>().data();
    int32_t* to_indices = indices->flat<int32_t>().data();
    const int64_t m = axes['M'];
    ParallelRows(context, axes['B'], m, 60 + 40 * k_,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   gspn_knn(clouds[b].get(), queries + b * m * 3,
                            order.data() + b * m + begin, end - begin, k_,
                            to_distances + b * m * k_, to_indices + b * m * k_);
                 });
  }

 private:
  int64_t k_ = 0;
};

REGISTER_KERNEL_BUILDER(Name("Gspn>KNN").Device(DEVICE_CPU), KNN);

}  // namespace
}  // namespace gspn
