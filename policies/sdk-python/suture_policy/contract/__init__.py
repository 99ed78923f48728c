"""The contract in Python: what `generate.py` makes of `wit/*.wit`.

The functions do nothing: inside a component `wit_world.imports` stands in for these
modules, natively `suture_policy.testing` does. Policies need neither.
"""
