"""The models of Service, Objective and Runbook."""
