"""Models: Sweet Home 3D's libraries, and parametric families of furniture.

Imports only `meshes` and `things` of this package.
"""
