"""What every trick of a slot promises, held against all tricks that there are.

A trick is found, not listed. `tricks_lib/augment/cutout.py` has its case in a file of the same
name, `contracts/augment/cutout.py`: one value, `CASE`, with examples to hold the contract against,
calls of the pure functions, and arguments that must be refused.

`cases.py` has the words for it, `discovery.py` finds it, `test_cases.py` says what is missing in
it. `test_calls.py` holds what all pure functions promise, `test_<slot>.py` the contract of a slot,
`test_device.py` what all promise of a device; `device.py` pretends one where there is none.
"""
