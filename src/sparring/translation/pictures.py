"""How translations are drawn: as pictures are."""

from sparring.images.pictures import write_samples as write_samples
