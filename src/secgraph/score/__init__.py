"""The secure score: what can be put right, what it is worth, and which scanners say whether it is done."""
