"""What the chapters add to the library: cards, figures that move, exercises, records."""

__all__: list[str] = []
