"""GSPN and R-PointNet: 3D instance segmentation in TensorFlow 2 / Keras 3."""
