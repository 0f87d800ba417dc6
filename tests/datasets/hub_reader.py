"""A process of its own that reads from the hub that HF_ENDPOINT names, which is fixed when its client is imported.

Words: `data NAME` or `model NAME`, one after the other; a line of JSON for each: what came, or the error's line.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from halo_forge.datasets.build import Request, build
from halo_forge.datasets.identity import identity
from halo_forge.errors import UserError
from halo_forge.models import load_policy, resolve


def data(name: str) -> dict[str, Any]:
    """Rows of its train split, and a digest of their images."""
    images: list[bytes] = []
    request = Request(name, hold_out=0.0)
    found = identity(request)
    built = build(request, lambda _id, image, _info: images.append(image))
    assert built.train is not None
    digest = hashlib.sha256(b"".join(images)).hexdigest()
    return {"rows": built.train.num_rows, "images": digest, "source": found["rows"]["train"]}


def model(name: str) -> dict[str, Any]:
    """The digest of a model, after its weights were loaded."""
    ref = resolve(name)
    loaded, _ = load_policy(ref, "cpu")
    return {"digest": ref.digest, "weights": sum(weight.numel() for weight in loaded.parameters())}


if __name__ == "__main__":
    words = sys.argv[1:]
    for kind, name in zip(words[::2], words[1::2], strict=True):
        try:
            said: dict[str, Any] = {"data": data, "model": model}[kind](name)
        except UserError as error:
            said = {"error": str(error)}
        print(json.dumps(said), flush=True)
