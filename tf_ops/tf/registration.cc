// Registers every op of tf/ops.h, with a shape function made of its
// declaration.
#include <array>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tf/ops.h"

namespace gspn {
namespace {

using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// The axes of an op while its graph is built: sizes may be unknown.
class StaticAxes {
 public:
  StaticAxes(InferenceContext* context, const OpDeclaration& op)
      : context_(context), op_(op) {
    for (DimensionHandle& dim : dims_) dim = context->UnknownDim();
    for (char digit = '0'; digit <= '9'; ++digit) {
      dims_[digit] = context->MakeDim(digit - '0');
    }
  }

  absl::Status BindInputs() {
    int position = 0;
    for (const Input& input : op_.inputs) {
      TF_RETURN_IF_ERROR(Bind(input, context_->input(position)));
      if (input.role == Role::kSize) {
        TF_RETURN_IF_ERROR(
            context_->MakeDimForScalarInput(position, &dims_[input.axis]));
      }
      ++position;
    }
    return absl::OkStatus();
  }

  absl::Status SetOutputs() {
    const int repeats = context_->num_outputs() / op_.outputs.size();
    for (int i = 0; i < repeats; ++i) {
      TF_RETURN_IF_ERROR(SetSizes(i));
      int position = i;
      for (const Output& output : op_.outputs) {
        std::vector<DimensionHandle> dims;
        for (const char axis : absl::string_view(output.axes)) {
          dims.push_back(dims_[axis]);
        }
        context_->set_output(position, context_->MakeShape(dims));
        position += repeats;
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Bind(const Input& input, ShapeHandle shape) {
    if (!context_->RankKnown(shape)) return absl::OkStatus();
    const absl::string_view axes = input.axes;
    const std::string got = context_->DebugString(shape);
    if (context_->Rank(shape) != static_cast<int64_t>(axes.size())) {
      return Mismatch(op_.title, input.name, Describe(axes), got);
    }
    for (size_t i = 0; i < axes.size(); ++i) {
      const DimensionHandle expected = dims_[axes[i]];
      if (!context_->Merge(expected, context_->Dim(shape, i), &dims_[axes[i]])
               .ok()) {
        return Mismatch(op_.title, input.name,
                        Describe(axes, axes[i], context_->Value(expected)),
                        got);
      }
    }
    return absl::OkStatus();
  }

  // Sizes of axes that attributes say; of a list, its value i.
  absl::Status SetSizes(size_t i) {
    for (const Attribute& attribute : op_.attributes) {
      if (attribute.axis == 0) continue;
      std::vector<int64_t> sizes;
      if (absl::string_view(attribute.type) == "list(int)") {
        TF_RETURN_IF_ERROR(context_->GetAttr(attribute.name, &sizes));
      } else {
        TF_RETURN_IF_ERROR(
            context_->GetAttr(attribute.name, &sizes.emplace_back()));
      }
      const bool known = i < sizes.size() && sizes[i] >= 0;
      dims_[attribute.axis] =
          known ? context_->MakeDim(sizes[i]) : context_->UnknownDim();
    }
    return absl::OkStatus();
  }

  InferenceContext* context_;
  const OpDeclaration& op_;
  std::array<DimensionHandle, 128> dims_;
};

void Register(const OpDeclaration& op) {
  tensorflow::register_op::OpDefBuilderWrapper builder(op.name);
  const auto spec = [](const auto& argument) {
    return absl::StrCat(argument.name, ": ", argument.type);
  };
  for (const Input& input : op.inputs) builder.Input(spec(input));
  for (const Output& output : op.outputs) builder.Output(spec(output));
  for (const Attribute& attribute : op.attributes)
    builder.Attr(spec(attribute));
  builder.SetShapeFn([&op](InferenceContext* context) {
    StaticAxes axes(context, op);
    TF_RETURN_IF_ERROR(axes.BindInputs());
    return axes.SetOutputs();
  });
  builder();
}

const bool kRegistered = [] {
  for (const OpDeclaration* op :
       {&kFarthestPointSample, &kBallQuery, &kKNN, &kGroupPoints,
        &kGroupPointsGrad, &kThreeInterpolate, &kThreeInterpolateGrad,
        &kThreeInterpolateWeightsGrad, &kNNDistance, &kNNDistanceGrad, &kNMS3D,
        &kSampleInBoxes, &kNearestAssign}) {
    Register(*op);
  }
  return true;
}();

}  // namespace
}  // namespace gspn
