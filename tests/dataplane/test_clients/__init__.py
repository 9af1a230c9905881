"""The clients of these tests can fail: what they do not see, no test that uses them would."""
