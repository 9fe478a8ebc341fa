"""What every test runs under: one thread, and a cache folder of its own, which goes with it."""

import os
import tempfile

# Before numpy, torch or lightgbm are imported: OpenMP's threads collapse beside the session's.
os.environ["OMP_NUM_THREADS"] = "1"
_cache = tempfile.TemporaryDirectory(prefix="spex-cache-", ignore_cleanup_errors=True)
os.environ["XDG_CACHE_HOME"] = _cache.name
