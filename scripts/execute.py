"""Runs notebooks top to bottom in a fresh kernel and stores them executed, without noise:

    python scripts/execute.py lectures/*.ipynb
"""
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
WIDGET = "application/vnd.jupyter.widget-view+json"

sys.stdout.reconfigure(errors="backslashreplace")           # no name stops a terminal
for path in map(Path, sys.argv[1:]):
    notebook = nbformat.read(path, as_version=4)
    start = time.monotonic()
    client = NotebookClient(notebook, timeout=600, record_timing=False,
                            resources={"metadata": {"path": str(path.parent)}})
    client.comm_open_handlers = {}  # who plays the browser's part for widgets may wait for ever
    client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        if cell.cell_type == "code":           # progress bars are no result
            shown = [o for o in cell.outputs if o.get("name") != "stderr"]
            shown = [o for o in shown if "step/s" not in str(o)]
            widgets = [o for o in shown if WIDGET in o.get("data", {})]
            cell.outputs = widgets or shown    # what a widget shows is its own
    nbformat.write(notebook, path)
    print(f"{path}: {time.monotonic() - start:.0f} s, {path.stat().st_size / 1e6:.2f} MB")
