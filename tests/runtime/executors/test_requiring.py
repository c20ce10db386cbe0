"""Whether an executor is of use here is found out without making one."""

import pytest

from chimera.model import ChimeraError
from chimera.runtime.executors import BUILT_IN, require_executor


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_what_needs_nothing_but_python_is_of_use(name):
    require_executor(name, BUILT_IN)


def test_executor_whose_module_lacks_something_is_told_with_its_name():
    with pytest.raises(ChimeraError, match="executor far cannot be imported: No module named"):
        require_executor("far", {"far": "no_such_module:Far"})


def test_executor_that_nobody_registered_is_none():
    with pytest.raises(ChimeraError, match="there is no executor 'far'"):
        require_executor("far", BUILT_IN)
