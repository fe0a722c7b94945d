"""Networks only: no loss, no probability. What a network means is said by the model that uses it.

A network of any module of this folder is also an attribute of the folder: nets.mlp is nets.blocks.mlp.
"""
import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    _found = vars(importlib.import_module(_module.name)).items()
    globals().update({name: thing for name, thing in _found if getattr(thing, "__module__", "") == _module.name})
