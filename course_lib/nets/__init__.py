"""Networks only: no loss, no probability. What a network means is said by the model that uses it.

A network of any module of this folder is an attribute of the folder: nets.mlp is nets.blocks.mlp.
"""
import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    for _name, _thing in vars(importlib.import_module(_module.name)).items():
        if getattr(_thing, "__module__", "") == _module.name:
            globals()[_name] = _thing
