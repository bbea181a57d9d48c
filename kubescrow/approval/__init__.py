"""What approvers see and do: `kubescrow approvals`. Pure, but for `asking`, `deciding` and `watching`."""
