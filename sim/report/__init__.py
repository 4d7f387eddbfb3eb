"""What people see: terminal table, page and workbook."""
