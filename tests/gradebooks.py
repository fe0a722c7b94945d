"""nbgrader starts a program, for a second, to ask which version a new gradebook has. Where this is
imported, it asks once."""
import os
import sys
from functools import cache
from pathlib import Path

from nbgrader import api

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
api.get_alembic_version = cache(api.get_alembic_version)
api.get_alembic_version()
