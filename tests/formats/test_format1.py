"""Run folders and models of format 1, made by the version before format 2, are read and go on to the same bits.

``format1/`` holds one run a modality, stopped after 7 of 12 steps; ``hashes.json`` what 12 steps without a stop gave.
"""
