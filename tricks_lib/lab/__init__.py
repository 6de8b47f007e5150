"""The machinery: data, training, metrics, studies, figures. Nothing here knows a trick."""
