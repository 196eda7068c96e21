"""How to train on preferences: the settings, each with its bounds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PreferenceSettings(BaseModel):
    """How to train on preferences. The rate is lower than that of `curator train`: both answers of a pair move."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    beta: Annotated[float, Field(gt=0, description="how much leaving the base model costs")] = 0.1
    rank: Annotated[int, Field(ge=1, le=512)] = 16
    alpha: Annotated[int, Field(ge=1)] = 32
    layers: Annotated[int, Field(ge=0, description="how many layers learn, from the top; 0 means all")] = 8
    rate: Annotated[float, Field(gt=0, le=1)] = 1e-4
    epochs: Annotated[int, Field(ge=1, le=1000)] = 3
    pairs: Annotated[int, Field(ge=1, description="pairs per step")] = 4
    warmup: Annotated[float, Field(ge=0, lt=1, description="share of the steps in which the rate rises")] = 0.1
    clip: Annotated[float, Field(gt=0)] = 1.0
    longest: Annotated[int, Field(ge=16, description="tokens; longer pairs are refused and counted")] = 1024
    most_refused: Annotated[
        float, Field(ge=0, le=1, description="share of the training pairs that may be too long before it stops")
    ] = 0.5
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
