"""What the owner of an AWS account does before and after a stack: secrets, outputs."""
