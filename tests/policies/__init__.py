import pytest

# Not a test module by name, but its assertions are those of most tests here.
pytest.register_assert_rewrite("tests.policies.refusals")
