"""A stand-in for the documented APIs of the Microsoft products, on this machine: one truth out of a seed, seen through each.

It shares no code with the sources that read these APIs: what they take it for is tested against what it is.
"""

from secgraph.simulate.faults import PRESETS, Faults
from secgraph.simulate.hand import Hand
from secgraph.simulate.scenario import Scenario
from secgraph.simulate.simulator import Simulator

__all__ = ["PRESETS", "Faults", "Hand", "Scenario", "Simulator"]
