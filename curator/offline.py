"""torch as a private machine should have it: import it from here, and what is loaded after asks no hub."""

import os
import warnings

OFFLINE_BY_CHOICE = os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin cost up to 19x beside one busy neighbour
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ["HF_HUB_OFFLINE"] = "1"  # models.py fetches in a process of its own
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# What peft asks of transformers is not the user's business.
warnings.filterwarnings("ignore", message=".is_gradient_checkpointing. is deprecated", category=FutureWarning)

import torch  # noqa: E402  the lines above must come first

__all__ = ["OFFLINE_BY_CHOICE", "torch"]
