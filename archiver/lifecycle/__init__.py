"""What the law asks of an archive beyond keeping: holds, retention, erasure, locks."""
