"""The ops beside other libraries; `gspn benchmark ops --peers` runs it."""
