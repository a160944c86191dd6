"""The health check of the image: whether what runs in the container answers at HEALTH_URL.

A run that ends by itself has nothing to ask, sets no HEALTH_URL, and is well as long as it runs.
"""

import os
import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

url = os.environ.get("HEALTH_URL", "")
if url:
    try:
        build_opener(ProxyHandler({})).open(url, timeout=5).close()
    except (URLError, OSError) as error:
        sys.exit(f"{url}: {error}")
