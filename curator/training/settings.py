"""How to train: the settings of a training, each with its bounds."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainSettings(BaseModel):
    """How to train. The defaults keep 230 rows near five minutes on two cores; they are not the most accurate."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    method: Annotated[
        Literal["lora", "dora", "full"],
        Field(description="dora: length and direction apart; full: every weight of the layers, at a lower rate"),
    ] = "lora"
    answers: Annotated[
        Literal["each", "distribution", "together"],
        Field(
            description="what is learned of a scenario: the share of each verdict (soft labels) and the analyses; each"
            " answer as it stands; all perspectives in one answer"
        ),
    ] = "distribution"
    trust: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="with answers=distribution: how far one verdict tells what its role would say, 0 to 1; None:"
            " measured where several of a role judged one scenario. The rest is drawn to the role's own shares",
        ),
    ] = None
    shared: Annotated[
        Annotated[float, Field(ge=0, le=1)] | Literal["measured"],
        Field(
            description="with answers=distribution: how far one verdict tells what another role would say, 0 to 1;"
            " measured: for each two roles, where both judged one scenario; 0: each role is learned for itself",
        ),
    ] = 0.0
    rank: Annotated[int, Field(ge=1, le=512)] = 16
    alpha: Annotated[int, Field(ge=1)] = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    layers: Annotated[int, Field(ge=0, description="how many layers learn, from the top; 0 means all")] = 8
    rate: Annotated[float, Field(gt=0, le=1)] = 5e-4
    epochs: Annotated[int, Field(ge=1, le=1000)] = 2
    scenarios: Annotated[int, Field(ge=1, description="scenarios per step")] = 2
    warmup: Annotated[float, Field(ge=0, lt=1, description="share of the steps in which the rate rises")] = 0.1
    clip: Annotated[float, Field(gt=0)] = 1.0
    verdict_weight: Annotated[
        float,
        Field(gt=0, description="weight of the verdict, where a token of the analysis has 1; with answers=each try 2"),
    ] = 10.0
    keep_best: Annotated[
        Literal["worst", "mean", "last"],
        Field(description="the epoch with the lowest validation loss of the worst stakeholder, or of all; or the last"),
    ] = "worst"
    patience: Annotated[int, Field(ge=1, description="epochs without a better validation loss before it stops")] = 2
    longest: Annotated[int, Field(ge=16, description="tokens; longer rows are refused and counted")] = 1024
    most_refused: Annotated[
        float, Field(ge=0, le=1, description="share of the training rows that may be too long before it stops")
    ] = 0.5
    seed: int = 1
