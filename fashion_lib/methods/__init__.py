"""The methods: one file per paper, the registry, and the two interfaces.

The package is callable: `fl.methods(task="retrieval")` returns the registered methods as a table. It has to be the
package itself, since Python puts a package in the place of any function that has its name.
"""

import sys
from types import ModuleType


class _CallablePackage(ModuleType):
    def __call__(self, task: str | None = None):
        """Return the methods of a task ("retrieval", "manipulation"; None: of both) as a table."""
        from fashion_lib.methods.registry import as_table

        return as_table(task)


sys.modules[__name__].__class__ = _CallablePackage
