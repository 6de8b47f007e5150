"""Buttons that lead to the repository, as soon as there is an address to lead to."""

from sphinx.application import Sphinx
from sphinx.config import Config


def drop_buttons_without_an_address(app: Sphinx, config: Config) -> None:
    """Leave out the launch and repository buttons while _config.yml says no address."""
    options = config.html_theme_options
    options["use_repository_button"] = bool(options.get("repository_url"))
    if not options["use_repository_button"]:
        for name in ("repository_url", "repository_branch", "launch_buttons"):
            options.pop(name, None)
