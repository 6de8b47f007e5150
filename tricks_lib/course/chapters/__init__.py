"""The chapters: a folder is a chapter, and is found, not listed."""

__all__: list[str] = []
