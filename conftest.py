"""What every test runs under: one thread, and a cache folder of its own."""

import os
import tempfile

# Before numpy, torch or lightgbm are imported: OpenMP's threads collapse beside the session's.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="spex-cache-")
