"""Tests of masking: cases as data, the shape of the registry, properties that hold for all input."""
