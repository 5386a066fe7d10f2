"""Cornu."""
from cornu.backends import backend, set_backend, use_backend
