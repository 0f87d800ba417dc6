"""Base and adapter as one full model, which loads without peft and in programs that know no adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from halo_forge.config import execution, target, weights
from halo_forge.errors import UserError
from halo_forge.files import saving
from halo_forge.models import folder
from halo_forge.models.resolve import ModelRef, resolve


@dataclass(frozen=True)
class Config:
    """What `vlm merge` takes."""

    model: str = weights(help="an adapter's folder, such as models/vlm_raft/cycle_3; also as the first word")
    output: str = target("", "folder for the merged model ('': MODEL-merged)")
    trust_remote_code: bool = execution(False, "run code that the base brings along")

    @property
    def place(self) -> Path:
        """Where the merged model goes."""
        given = Path(self.model)
        return Path(self.output) if self.output else given.with_name(f"{given.resolve().name}-merged")


def write_merged(ref: ModelRef, output: Path, trust_remote_code: bool = False) -> None:
    """Write base and adapter of `ref` as one full model, and its processor, into the folder `output`.

    They are added in float32 on the CPU and stored as the base is, so that nothing is rounded twice.
    """
    from halo_forge.models.load import load_policy, load_processor

    model, _ = load_policy(ref, "cpu", "float32", trust_remote_code=trust_remote_code)
    model = model.merge_and_unload()
    stored = ref.config.get("dtype") or ref.config.get("torch_dtype")
    if stored in ("bfloat16", "float16"):
        model.to(getattr(import_module("torch"), stored))
    model.save_pretrained(output)
    load_processor(ref, trust_remote_code=trust_remote_code).save_pretrained(output)


def merge(model: str, output: Path, trust_remote_code: bool = False, tell: Callable[[str], None] | None = None) -> Path:
    """Bring the merged model of the adapter `model` (a folder such as cycle_3) at `output` up to date; `output`.

    Does nothing where it stands there already. An adapter trained on a base in 4 bits is added to the base as it
    is stored, as is usual; its answers may differ a little. Raises UserError: no adapter, or another folder there.
    """
    ref = resolve(model)
    if not ref.adapter:
        raise UserError(f"{model} is a whole model already: there is no adapter to merge")
    record = folder.record_of(output) or {}
    if record.get("merged_digest") == ref.digest:
        return output
    if output.exists() and "merged_digest" not in record:
        raise UserError(f"{output} is there and is no merged model of ours: give another place, or remove it")
    aside = folder.aside(output)
    with saving(output):
        write_merged(ref, aside, trust_remote_code)
        about = {"merged": Path(model).name, "merged_digest": ref.digest, "base": ref.base_given}
        folder.put(aside, output, {**about, "base_digest": ref.base_digest})
    if tell:
        tell(f"merged: base and adapter as one model at {output}")
    return output
