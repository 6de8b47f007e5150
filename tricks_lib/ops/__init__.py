"""What tricks share: checks of arguments, and fast operations on batches of images."""

__all__: list[str] = []
