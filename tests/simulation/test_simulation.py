"""The engine in simulated worlds: every seed keeps every law, and a seed always plays the same."""

import os

import pytest

from .laws import breaches
from .play import Play, Scene

SEEDS = int(os.environ.get("CHIMERA_SEEDS", "1000"))
"""How many worlds; the nightly run sets 100,000."""

FIRST = int(os.environ.get("CHIMERA_FIRST_SEED", "0"))
BATCH = 50

SCENES = {
    "calm": Scene(errors=0.0, hangs=0.0, crashes=0, orders=0),
    "rough": Scene(),
    "deadly": Scene(crashes=12, runs=3),
    "cancelled": Scene(cancels=True),
    "doomed": Scene(dooms=True),
}


def scene_of(seed):
    return list(SCENES.values())[seed % len(SCENES)]


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, BATCH))
def test_laws_hold_in_every_world(tmp_path, first):
    broken = {}
    for seed in range(first, min(first + BATCH, FIRST + SEEDS)):
        if found := breaches(Play(seed, tmp_path, scene_of(seed)).run()):
            broken[seed] = found
    assert not broken, f"replay with CHIMERA_FIRST_SEED={min(broken)} CHIMERA_SEEDS=1"


@pytest.mark.parametrize("seed", range(len(SCENES)))
def test_world_plays_the_same_again(tmp_path, seed):
    """The journal is equal to the last time stamp, and so are the effects."""
    histories = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        histories.append(Play(seed, root, scene_of(seed)).run())
    one, two = histories
    assert one.events == two.events
    assert one.world.effects == two.world.effects
