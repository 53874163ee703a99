"""What happens next: what was decided is carried on, by whoever reads what was left to be done."""
