"""What Label Studio may know of this machine."""

import os
from pathlib import Path


def environment(folder: Path) -> dict[str, str]:
    """Return all that Label Studio may know of this machine. It reads plain DEBUG, HOST, PORT and CI too."""
    names = ("PATH", "LANG", "TMPDIR", "ML_BLOCK_LOCAL_IP")  # the last: set to false, it lets `curator serve` suggest
    passed = {name: os.environ[name] for name in names if name in os.environ}
    nowhere = "http://127.0.0.1:9"  # nobody listens: what would phone home fails at once
    return passed | {
        "HOME": str(folder),
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "false",
        "DJANGO_DB": "sqlite",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "PYTHONUNBUFFERED": "1",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
    }
