"""Values without a state, so that a checkpoint neither saves one nor loads it."""

from typing import Any

__all__ = ["Stateless"]


class Stateless:
    """A value that is all setting and no state: what it is cannot be loaded into it.

    A subclass is `@dataclass(frozen=True, slots=True)`.
    """

    __slots__ = ()

    # `LambdaLR.state_dict` saves `schedule.__dict__`, and `load_state_dict` updates it, past
    # `frozen`. A saved schedule would hold the schedules nested in it, which
    # `torch.load(weights_only=True)` refuses, and a loaded one would become what was saved. Slots
    # leave nothing to update, and this answers with an empty dictionary, new each time, for torch
    # to save and to write into.
    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """Return the state: none."""
        return {}
