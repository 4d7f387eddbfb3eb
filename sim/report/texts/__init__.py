"""Every text in Chinese and English, by key: one module a subject, data only."""
