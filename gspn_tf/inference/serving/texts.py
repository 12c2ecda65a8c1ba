"""Texts of the files beside an exported model."""

README = """R-PointNet exported by gspn_tf, with {ops} ops.

Signature `serving_default`: the instances of whole scans
  in   points         float32 [N, 3] or [B, N, 3]  metres, z up; finite; N from 1 to
                                                   {max_points:,}
       colors         uint8   as points            0..255; grey, 128, where unknown
       num_points     int32   a number, or [B]     rows after it are padding; -1: none
                                                   is (the default, where a server
                                                   knows defaults)
  out  boxes          float32 [B, D, 6]            centre and size, metres; best first
       classes        int32   [B, D]               line of assets/classes.txt, from 1
       scores         float32 [B, D]               0..1
       masks_bytes    string  [B, D]               points of each instance, see below
       num_detections int32   [B]                  instances of each scan

D is the most instances of any of the B scans, 0 where there is none; rows after
num_detections are zero, and their masks empty. [N, 3] is answered as a batch of one.

A mask is a bit for each point of its scan: point p is bit p % 8, counted from the
lowest, of byte p // 8. With NumPy:

    bits = np.frombuffer(mask, np.uint8)
    mask = np.unpackbits(bits, bitorder="little", count=num_points).astype(bool)

Signature `segment_features`: what the network knows of every point; the same inputs
  out  features       float32 [B, N, C]            instance sensitive features
       centers        float32 [B, N, 3]            centre of the point's object, metres
       classes        int32   [B, N]               0 = background
They are those of the nearest point that the network saw; zero on padding.

The network sees {num_points:,} points of a scan, always the same ones, and all of them
where it has fewer. A bad request is INVALID_ARGUMENT.
"""

LOADING = {
    "portable": """
All operators are TensorFlow's own. In Python, without gspn_tf:

    model = tf.saved_model.load(".")
    found = model.signatures["serving_default"](
        points=points, colors=colors, num_points=tf.constant(-1)
    )

and for TensorFlow Serving's own image give the folder above this one:

    docker run -p 8500:8500 -p 8501:8501 -v MODELS/gspn:/models/gspn \\
        -e MODEL_NAME=gspn tensorflow/serving
""",
    "native": """
The graph needs the operators of {library}, which must be loaded first, by a program
with the same TensorFlow version that it was built for. In Python, without gspn_tf:

    tf.load_op_library("{library}")
    model = tf.saved_model.load(".")
    found = model.signatures["serving_default"](
        points=points, colors=colors, num_points=tf.constant(-1)
    )

In C++, before LoadSavedModel:

    void* handle;
    TF_CHECK_OK(tensorflow::Env::Default()->LoadDynamicLibrary("{library}", &handle));

and in C TF_LoadLibrary. TensorFlow Serving cannot load it: see BUILD.md of gspn_tf for
a build of it with these operators, or export with portable ones.
""",
}

BATCHING = """# An example; tensorflow_model_server --enable_batching takes it from
# --batching_parameters_file or, with --enable_per_model_batching_parameters, from here.
# Scans of different lengths are padded, so requests must be [B, N, 3] with num_points.
max_batch_size { value: 4 }
batch_timeout_micros { value: 10000 }
max_enqueued_batches { value: 64 }
num_batch_threads { value: 2 }
pad_variable_length_inputs: true
"""


def readme(ops: str, library: str, num_points: int, max_points: int) -> str:
    """Fill in the README.txt of an export."""
    return (README + LOADING[ops]).format(
        ops=ops, library=library, num_points=num_points, max_points=max_points
    )
