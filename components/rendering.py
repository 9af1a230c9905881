"""Configuration files of what runs in the pods, from the templates beside this module."""

from functools import cache
from pathlib import Path

import jinja2


def render(template: str, **values: object) -> str:
    """The text of a template below `components/templates`.

    Raises:
        jinja2.UndefinedError: the template names something that is not among `values`.
    """
    return _templates().get_template(template).render(**values)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - these are configuration files, in which HTML entities would be wrong
    )
