"""What a page that is one file may load: nothing but what it holds itself (pure)."""

import base64
import hashlib


def style_policy(style: str) -> str:
    """A Content-Security-Policy for a page with this style alone: no script, no network."""
    return (
        f"default-src 'none'; style-src '{digest_of(style)}'; base-uri 'none'; form-action 'none'"
    )


def digest_of(content: str) -> str:
    """A style or script as a policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
