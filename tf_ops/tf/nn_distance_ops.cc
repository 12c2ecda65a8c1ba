// Chamfer nearest-neighbour distance and its gradient: NNDistance.
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

REGISTER_OP("Gspn>NNDistance")
    .Input("points_a: float")
    .Input("points_b: float")
    .Input("num_a: int32")
    .Input("num_b: int32")
    .Output("distances_a: float")
    .Output("indices_a: int32")
    .Output("distances_b: float")
    .Output("indices_b: int32")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "nn_distance");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points_a", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "points_b", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_a", "B"));
      TF_RETURN_IF_ERROR(axes.Bind(3, "num_b", "B"));
      c->set_output(0, axes.Shape("BN"));
      c->set_output(1, axes.Shape("BN"));
      c->set_output(2, axes.Shape("BM"));
      c->set_output(3, axes.Shape("BM"));
      return absl::OkStatus();
    });

// Inputs 0..3 of NNDistance and of its gradient.
absl::Status BindPair(OpKernelContext* context, Axes* axes) {
  TF_RETURN_IF_ERROR(axes->Bind(0, "points_a", "BN3"));
  TF_RETURN_IF_ERROR(axes->Bind(1, "points_b", "BM3"));
  TF_RETURN_IF_ERROR(axes->Bind(2, "num_a", "B"));
  TF_RETURN_IF_ERROR(axes->Bind(3, "num_b", "B"));
  TF_RETURN_IF_ERROR(axes->CheckIndexable('N'));
  TF_RETURN_IF_ERROR(axes->CheckIndexable('M'));
  TF_RETURN_IF_ERROR(axes->CheckCounts(2, "num_a", 'N'));
  return axes->CheckCounts(3, "num_b", 'M');
}

struct Side {
  const Tensor& points;
  const int32_t* counts;
  int64_t rows;
};

// Nearest point of `to` of every point of `from`, found in trees.
void SearchRows(OpKernelContext* context, int64_t batch, Side from, Side to,
                float* distances, int32_t* indices) {
  const auto clouds = PrepareClouds(context, to.points, to.counts, from.rows);
  const auto order = OrderQueries(context, from.points);
  const float* queries = from.points.flat<float>().data();
  ParallelRows(context, batch, from.rows, 150,
               [&](int64_t b, int64_t begin, int64_t end) {
                 const int64_t at = b * from.rows;
                 gspn_knn(clouds[b].get(), queries + at * 3,
                          order.data() + at + begin, end - begin, 1,
                          distances + at, indices + at);
               });
}

// The same by looking at all points.
void CompareRows(OpKernelContext* context, int64_t batch, Side from, Side to,
                 float* distances, int32_t* indices) {
  const float* queries = from.points.flat<float>().data();
  const float* points = to.points.flat<float>().data();
  ParallelRows(
      context, batch, from.rows, to.rows / 12,
      [&](int64_t b, int64_t begin, int64_t end) {
        const int64_t at = b * from.rows + begin;
        const int64_t real =
            std::clamp<int64_t>(from.counts[b] - begin, 0, end - begin);
        gspn_nearest(points + b * to.rows * 3, to.counts[b], queries + at * 3,
                     real, distances + at, indices + at);
      });
}

// From so many points on trees are faster.
constexpr int64_t kSearchPoints = 2048;

// Padding rows, and all when the other cloud is empty, are 0.
void NearestRows(OpKernelContext* context, int64_t batch, Side from, Side to,
                 float* distances, int32_t* indices) {
  const auto nearest = to.rows >= kSearchPoints ? SearchRows : CompareRows;
  nearest(context, batch, from, to, distances, indices);
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t real = to.counts[b] > 0 ? from.counts[b] : 0;
    const int64_t begin = b * from.rows + real, end = (b + 1) * from.rows;
    std::fill(distances + begin, distances + end, 0.0f);
    std::fill(indices + begin, indices + end, 0);
  }
}

class NNDistance final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "nn_distance");
    OP_REQUIRES_OK(context, BindPair(context, &axes));
    Tensor* outputs[4];
    const char* shapes[4] = {"BN", "BN", "BM", "BM"};
    for (int i = 0; i < 4; ++i) {
      OP_REQUIRES_OK(context, axes.Allocate(i, shapes[i], &outputs[i]));
    }
    const Side a{context->input(0), Counts(context, 2), axes['N']};
    const Side b{context->input(1), Counts(context, 3), axes['M']};
    NearestRows(context, axes['B'], a, b, outputs[0]->flat<float>().data(),
                outputs[1]->flat<int32_t>().data());
    NearestRows(context, axes['B'], b, a, outputs[2]->flat<float>().data(),
                outputs[3]->flat<int32_t>().data());
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>NNDistance").Device(DEVICE_CPU), NNDistance);

REGISTER_OP("Gspn>NNDistanceGrad")
    .Input("points_a: float")
    .Input("points_b: float")
    .Input("num_a: int32")
    .Input("num_b: int32")
    .Input("indices_a: int32")
    .Input("indices_b: int32")
    .Input("upstream_a: float")
    .Input("upstream_b: float")
    .Output("grad_a: float")
    .Output("grad_b: float")
    .SetShapeFn([](InferenceContext* c) {
      StaticAxes axes(c, "nn_distance_grad");
      TF_RETURN_IF_ERROR(axes.Bind(0, "points_a", "BN3"));
      TF_RETURN_IF_ERROR(axes.Bind(1, "points_b", "BM3"));
      TF_RETURN_IF_ERROR(axes.Bind(2, "num_a", "B"));
      TF_RETURN_IF_ERROR(axes.Bind(3, "num_b", "B"));
      TF_RETURN_IF_ERROR(axes.Bind(4, "indices_a", "BN"));
      TF_RETURN_IF_ERROR(axes.Bind(5, "indices_b", "BM"));
      TF_RETURN_IF_ERROR(axes.Bind(6, "upstream_a", "BN"));
      TF_RETURN_IF_ERROR(axes.Bind(7, "upstream_b", "BM"));
      c->set_output(0, axes.Shape("BN3"));
      c->set_output(1, axes.Shape("BM3"));
      return absl::OkStatus();
    });

// From the points of one cloud of each pair to the nearest of the other.
struct Direction {
  const float* points;
  const int32_t* counts;
  int64_t rows;
  const int32_t* indices;
  const float* upstream;

  GspnNearest Cloud(int64_t b) const {
    return {points + b * rows * 3, indices + b * rows, upstream + b * rows};
  }
};

void SumTerms(OpKernelContext* context, int64_t batch, const Direction& own,
              const Direction& other, bool own_first, float* gradient) {
  std::vector<int64_t> starts(batch * (own.rows + 1));
  std::vector<int64_t> slots(batch * other.rows);
  const auto real = [&](int64_t b) {
    return other.counts[b] > 0 ? own.counts[b] : 0;
  };
  Parallel(context, batch, 5 * (own.rows + other.rows),
           [&](int64_t begin, int64_t end) {
             for (int64_t b = begin; b < end; ++b) {
               const int64_t count = real(b) > 0 ? other.counts[b] : 0;
               gspn_invert_indices(other.indices + b * other.rows, count,
                                   own.rows, &starts[b * (own.rows + 1)],
                                   slots.data() + b * other.rows);
             }
           });
  ParallelRows(context, batch, own.rows, 20,
               [&](int64_t b, int64_t begin, int64_t end) {
                 const GspnNearest mine = own.Cloud(b), theirs = other.Cloud(b);
                 const int64_t stop = std::clamp<int64_t>(real(b), begin, end);
                 float* out = gradient + b * own.rows * 3;
                 gspn_nearest_grad(&mine, &theirs, &starts[b * (own.rows + 1)],
                                   slots.data() + b * other.rows, own_first,
                                   begin, stop, out);
                 std::fill(out + 3 * stop, out + 3 * end, 0.0f);
               });
}

class NNDistanceGrad final : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Axes axes(context, "nn_distance_grad");
    OP_REQUIRES_OK(context, BindPair(context, &axes));
    OP_REQUIRES_OK(context, axes.Bind(4, "indices_a", "BN"));
    OP_REQUIRES_OK(context, axes.Bind(5, "indices_b", "BM"));
    OP_REQUIRES_OK(context, axes.Bind(6, "upstream_a", "BN"));
    OP_REQUIRES_OK(context, axes.Bind(7, "upstream_b", "BM"));
    const int64_t n = axes['N'], m = axes['M'];
    // With an empty other cloud every index is 0 and none is used.
    if (n > 0 && m > 0) {
      OP_REQUIRES_OK(context, axes.CheckIndices(4, "indices_a", 'M'));
      OP_REQUIRES_OK(context, axes.CheckIndices(5, "indices_b", 'N'));
    }
    Tensor *grad_a = nullptr, *grad_b = nullptr;
    OP_REQUIRES_OK(context, axes.Allocate(0, "BN3", &grad_a));
    OP_REQUIRES_OK(context, axes.Allocate(1, "BM3", &grad_b));
    const Direction to_b{Values(context, 0), Counts(context, 2), n,
                         Counts(context, 4), Values(context, 6)};
    const Direction to_a{Values(context, 1), Counts(context, 3), m,
                         Counts(context, 5), Values(context, 7)};
    const int64_t batch = axes['B'];
    SumTerms(context, batch, to_b, to_a, true, grad_a->flat<float>().data());
    SumTerms(context, batch, to_a, to_b, false, grad_b->flat<float>().data());
  }
};

REGISTER_KERNEL_BUILDER(Name("Gspn>NNDistanceGrad").Device(DEVICE_CPU),
                        NNDistanceGrad);

}  // namespace
}  // namespace gspn
