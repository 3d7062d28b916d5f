"""Topological features of windows: persistence diagrams of sensor signals, and images of them."""

from mixkd.topology.imaging import Grid, Imager, images
from mixkd.topology.persistence import Diagrams, diagrams
from mixkd.topology.transformers import PersistenceImage, SublevelPersistence

__all__ = ["Diagrams", "Grid", "Imager", "PersistenceImage", "SublevelPersistence", "diagrams", "images"]
