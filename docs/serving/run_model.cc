// Runs an exported model in C++, by the LoadSavedModel and Session of
// TensorFlow Serving.
//
//   run_model MODEL SIGNATURE LIBRARY FOLDER...
//
// MODEL is the folder of saved_model.pb, LIBRARY the op library of a native
// export, or "none". Each FOLDER holds one request: NAME.pb, a TensorProto, for
// every input that has no default. Its outputs are written beside as
// out_NAME.pb, and the status is printed.
//
// With the headers and libraries of the tensorflow wheel (T is its folder):
//
//   g++ -std=c++17 -O1 -D_GLIBCXX_USE_CXX11_ABI=1 -isystem $T/include
//   run_model.cc
//     -o run_model -L$T -Wl,--no-as-needed -l:libtensorflow_cc.so.2
//     -l:libtensorflow_framework.so.2 -Wl,-rpath,$T

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/platform/env.h"
#include "tensorflow/core/public/session.h"

namespace tf = tensorflow;

// The tensors of a request, by their names in the graph.
absl::Status ReadInputs(
    const tf::SignatureDef& signature, const std::string& folder,
    std::vector<std::pair<std::string, tf::Tensor>>* inputs) {
  for (const auto& [name, info] : signature.inputs()) {
    tf::TensorProto proto;
    const std::string path = folder + "/" + name + ".pb";
    if (tf::Env::Default()->FileExists(path).ok()) {
      TF_RETURN_IF_ERROR(tf::ReadBinaryProto(tf::Env::Default(), path, &proto));
    } else if (signature.defaults().contains(name)) {
      proto = signature.defaults().at(name);
    } else {
      return absl::InvalidArgumentError("no input " + path);
    }
    tf::Tensor tensor;
    if (!tensor.FromProto(proto)) {
      return absl::InvalidArgumentError("not a tensor: " + path);
    }
    inputs->emplace_back(info.name(), tensor);
  }
  return absl::OkStatus();
}

absl::Status RunRequest(tf::Session* session, const tf::SignatureDef& signature,
                        const std::string& folder) {
  std::vector<std::pair<std::string, tf::Tensor>> inputs;
  TF_RETURN_IF_ERROR(ReadInputs(signature, folder, &inputs));
  std::vector<std::string> paths, fetches;
  for (const auto& [name, info] : signature.outputs()) {
    paths.push_back(folder + "/out_" + name + ".pb");
    fetches.push_back(info.name());
  }
  std::vector<tf::Tensor> outputs;
  TF_RETURN_IF_ERROR(session->Run(inputs, fetches, {}, &outputs));
  for (size_t i = 0; i < outputs.size(); i++) {
    tf::TensorProto proto;
    outputs[i].AsProtoField(&proto);
    TF_RETURN_IF_ERROR(
        tf::WriteBinaryProto(tf::Env::Default(), paths[i], proto));
  }
  return absl::OkStatus();
}

absl::Status Run(int argc, char** argv) {
  if (argc < 4) {
    return absl::InvalidArgumentError(
        "usage: MODEL SIGNATURE LIBRARY FOLDER...");
  }
  if (std::string(argv[3]) != "none") {
    void* handle;
    TF_RETURN_IF_ERROR(
        tf::Env::Default()->LoadDynamicLibrary(argv[3], &handle));
  }
  tf::SavedModelBundle model;
  TF_RETURN_IF_ERROR(tf::LoadSavedModel({}, {}, argv[1], {"serve"}, &model));
  const auto& signatures = model.meta_graph_def.signature_def();
  if (!signatures.contains(argv[2])) {
    return absl::NotFoundError(std::string("no signature ") + argv[2]);
  }
  for (int i = 4; i < argc; i++) {
    const absl::Status status =
        RunRequest(model.session.get(), signatures.at(argv[2]), argv[i]);
    std::printf("%s %s\n", argv[i], status.ToString().c_str());
  }
  return absl::OkStatus();
}

int main(int argc, char** argv) {
  const absl::Status status = Run(argc, argv);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
