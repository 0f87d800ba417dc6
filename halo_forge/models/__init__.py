"""Policies: which model a word names (`resolve`, without torch) and the loaded model (`load_policy`).

- `ModelRef` is a model that was found: where its base lies, which adapter is on it, its family and its
  digest.
- The digest bears identity; the path does not.
- `families` holds what differs between model families; `prompts` turns a prompt and its images into token
  ids, for the engine and for the trainer alike.
"""

from __future__ import annotations

from halo_forge.models.load import load_policy
from halo_forge.models.resolve import ModelRef, resolve

__all__ = ["ModelRef", "load_policy", "resolve"]
