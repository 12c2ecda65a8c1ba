"""Exports of trained networks for servers: signatures, requests, and the folder.

Imports from `inference` and what that may import.
"""
