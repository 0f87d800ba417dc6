"""Settings every test runs under: no network, one thread for each library, no installing unasked."""

from __future__ import annotations

import os
import signal

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    YOLO_AUTOINSTALL="false",
    YOLO_OFFLINE="true",
    TOKENIZERS_PARALLELISM="false",
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of a shell's background job: no child would hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
