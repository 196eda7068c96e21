"""What Label Studio stores, read and written: pure, no server, no SDK."""
