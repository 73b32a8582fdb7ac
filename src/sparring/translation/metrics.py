"""How translations are measured while a game is played: as pictures are, each way against its target world."""

from sparring.images.metrics import as_measured as as_measured
from sparring.images.metrics import quick_features as quick_features
