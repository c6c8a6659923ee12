"""The network's own housekeeping: what CloudFormation cannot say about a VPC."""
