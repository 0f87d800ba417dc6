"""Settings every test runs under: no network, one thread for each library, no installing unasked."""

from __future__ import annotations

import os

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    YOLO_AUTOINSTALL="false",
    YOLO_OFFLINE="true",
    TOKENIZERS_PARALLELISM="false",
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
)
