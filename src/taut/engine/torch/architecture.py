"""A person's module as an architecture: how it is made, and what can be done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from torch import nn

from taut.engine.torch.attached import UNIT_FORMS, WEIGHT_FORMS
from taut.engine.torch.plan import Plan
from taut.errors import ParameterError
from taut.learning.architecture import Architecture
from taut.learning.objective import Objective
from taut.techniques import BatchNorm, Dropout
from taut.techniques.base import Place, Technique, UnitTechnique, WeightTechnique


@final
@dataclass(frozen=True)
class Module(Architecture):
    """A PyTorch module.

    Parameters
    ----------
    make : callable
        Gives a new one with new weights, without arguments.
    plan : Plan
    name : str
        Its class's.
    optimizer : callable, optional
        Gives an optimizer for parameters; AdamW without it.
    optimizer_name : str
        What tells it from others where a search is resumed.
    float_inputs : bool
        Whether noise can be added to what enters it.
    """

    make: Callable[[], nn.Module]
    plan: Plan = field(compare=False, repr=False)
    name: str
    optimizer: Callable[[Any], Any] | None = None
    optimizer_name: str = "AdamW"
    float_inputs: bool = True

    def supports(self, technique: type[Technique], objective: Objective) -> str | None:
        """What the plan found a place for."""
        title = technique.page.title
        if technique.needs_classes and not objective.n_classes:
            return f"{title} is for classes, and the target is an amount."
        if technique is Dropout and not (self.plan.dropout or self.plan.rates):
            return f"{title} finds no place in {self.name}: no activation enters a layer."
        if technique is BatchNorm and not self.plan.norms:
            return f"{title} finds no place in {self.name}: no activation follows a layer directly."
        if issubclass(technique, (WeightTechnique, UnitTechnique)):
            if technique not in (*WEIGHT_FORMS, *UNIT_FORMS):
                return f"{title} is not in the PyTorch engine."
            if not (self.plan.penalized if technique.acts_on is Place.WEIGHTS else self.plan.units):
                return f"{title} finds no weights to act on in {self.name}."
        if technique.acts_on is Place.INPUT and not self.float_inputs:
            return f"{title} acts on numbers, and the inputs of {self.name} are whole numbers."
        if technique.acts_on is Place.BATCH:
            return f"{title} is not in the PyTorch engine."
        return None

    @property
    def n_hidden(self) -> int:
        """Units that dropout or batch norm can act on."""
        return sum(place.n_units for place in self.plan.dropout or self.plan.norms)

    @property
    def label(self) -> str:
        """The class and its size."""
        return f"{self.name} ({self.plan.n_parameters:,} parameters)"

    def code(self) -> str:
        """The class's name: taut does not know how it is called."""
        return self.name

    def to_json(self) -> dict[str, Any]:
        """The class's name."""
        return {"module": self.name}

    def from_json(self, data: Mapping[str, Any]) -> Module:
        """The one of this name, which is this one.

        Raises
        ------
        ParameterError
            Where it is another.
        """
        if data.get("module") != self.name:
            raise ParameterError(f"This was a {data.get('module')}, and the module is a {self.name}.")
        return self
