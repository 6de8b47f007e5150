"""The machinery: data, training, metrics, studies, figures. Nothing here knows a trick."""

__all__: list[str] = []
